//! Cross-origin requests of browsers: what they ask before they send, and what lets a page read the answer.
//! Source: <https://fetch.spec.whatwg.org/#http-cors-protocol>.
//!
//! Never with credentials in the sense of that page, which are cookies: a key comes in a header that a page sets by itself. So `*` is harmless, and
//! `Access-Control-Allow-Credentials` is never sent.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Response, StatusCode};

use super::reply::Reply;
use crate::config::{Cors, Origin};

/// What the OpenTelemetry SDK for browsers reads of an answer.
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after");
/// An answer that depends on who asks isn't for the caches of others.
const VARIES: HeaderValue = HeaderValue::from_static("origin");

/// The answer to what a browser asks before it sends (a preflight), which has no credentials; `None`: it is something else.
pub fn preflight(cors: &Cors, method: &Method, headers: &HeaderMap) -> Option<Response<Reply>> {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    if method != Method::OPTIONS || !headers.contains_key(ORIGIN) {
        return None;
    }
    let mut response = Response::new(Reply::default());
    // Who isn't allowed hears so by what is missing: browsers look at nothing else.
    *response.status_mut() = StatusCode::NO_CONTENT;
    let allowed = allowed(cors, headers).filter(|_| asked == "POST");
    let answer = response.headers_mut();
    answer.insert(VARY, VARIES);
    if let Some(origin) = allowed {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST"),
        );
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, cors.headers.clone());
        answer.insert(ACCESS_CONTROL_MAX_AGE, cors.max_age.clone());
    }
    Some(response)
}

/// Lets the page that sent a request read its answer, be it a refusal.
pub fn share(cors: &Cors, request: &HeaderMap, answer: &mut HeaderMap) {
    answer.insert(VARY, VARIES);
    if let Some(origin) = allowed(cors, request) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

/// The value of `Access-Control-Allow-Origin` for who asks.
fn allowed(cors: &Cors, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    if cors.origins.contains(&Origin::Any) {
        return Some(HeaderValue::from_static("*"));
    }
    let text = origin.to_str().ok()?;
    let is_allowed = cors.origins.iter().any(|allowed| allowed.is(text));
    is_allowed.then(|| origin.clone())
}
