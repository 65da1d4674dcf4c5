//! OTLP over HTTP: protobuf and JSON on one port, HTTP/1.1 and HTTP/2.

use http::header::{
    ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, Method, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use schemas::Signal;

use super::answer::{self as answers, Encoding};
use super::body::{admit, chunk, discard, read_rest};
use super::cors;
use super::inflate::Compression;
use super::receive::{Caller, Receiver, Request};
use super::reply::Reply;
use crate::records::Partial;
use crate::refusal::{Detail, Refusal};

/// Answers one request.
pub async fn serve(
    receiver: &Receiver,
    caller: &Caller,
    request: http::Request<Incoming>,
) -> Response<Reply> {
    let (head, body) = request.into_parts();
    let Some(cors) = &receiver.cors else {
        return answer(receiver, caller, &head, body).await;
    };
    if let Some(response) = cors::preflight(cors, &head.method, &head.headers) {
        return response;
    }
    let mut response = answer(receiver, caller, &head, body).await;
    cors::share(cors, &head.headers, response.headers_mut());
    response
}

async fn answer(
    receiver: &Receiver,
    caller: &Caller,
    head: &http::request::Parts,
    mut body: Incoming,
) -> Response<Reply> {
    let encoding = encoding(&head.headers);
    let signal = signal(head.uri.path());
    let result = export(receiver, caller, head, signal, &mut body).await;
    receiver.answered("http", &result);
    match result {
        Ok(partial) => success(
            encoding.unwrap_or(Encoding::Json),
            signal.unwrap_or(Signal::Traces),
            &partial,
        ),
        Err(refusal) => {
            if head.version < Version::HTTP_2 {
                // Bodies of twice the limit are still waited for; who sends more than that meets a closed connection.
                let all = discard(&mut body, 2 * receiver.request_bytes_max);
                let _ = tokio::time::timeout(receiver.read_timeout, all).await;
            }
            failure(receiver, encoding.unwrap_or(Encoding::Json), &refusal)
        }
    }
}

async fn export(
    receiver: &Receiver,
    caller: &Caller,
    head: &http::request::Parts,
    signal: Option<Signal>,
    body: &mut Incoming,
) -> Result<Partial, Refusal> {
    let signal = signal.ok_or_else(|| Refusal::Path(head.uri.path().to_owned()))?;
    if head.method != Method::POST {
        return Err(Refusal::Method(head.method.to_string()));
    }
    let sender = receiver.sender(signal, &head.headers, caller).await?;
    let encoding = encoding(&head.headers)
        .ok_or_else(|| Refusal::MediaType(text(&head.headers, &CONTENT_TYPE)))?;
    let compression = compression(&head.headers)?;
    let mut permit = receiver.budget.permit();
    let limit = receiver.request_bytes_max;
    let read = async {
        let known = body
            .size_hint()
            .exact()
            .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if let Some(length) = known {
            admit(length, limit, &mut permit)?;
        }
        let first = chunk(body).await?.unwrap_or_default();
        read_rest(body, first, known, limit, &mut permit).await
    };
    let body = match tokio::time::timeout(receiver.read_timeout, read).await {
        Ok(body) => body?,
        Err(_) => return Err(Refusal::Slow),
    };
    receiver
        .receive(Request {
            signal,
            body,
            compression,
            encoding,
            sender,
            permit,
        })
        .await
}

fn signal(path: &str) -> Option<Signal> {
    // Clients join an endpoint and a path, and either may have a slash too many.
    let path = path.strip_prefix('/')?.trim_matches('/');
    match path {
        "v1/traces" => Some(Signal::Traces),
        "v1/logs" => Some(Signal::Logs),
        "v1/metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

fn text(headers: &HeaderMap, name: &http::HeaderName) -> String {
    let value = headers.get(name).map_or(&[][..], HeaderValue::as_bytes);
    String::from_utf8_lossy(value).into_owned()
}

/// Parameters such as `charset=utf-8` are ignored: JSON is UTF-8, protobuf has none.
fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let content_type = text(headers, &CONTENT_TYPE);
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/x-protobuf" => Some(Encoding::Protobuf),
        "application/json" => Some(Encoding::Json),
        _ => None,
    }
}

fn compression(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let name = text(headers, &CONTENT_ENCODING);
    Compression::parse(&name).ok_or(Refusal::Encoding(name))
}

fn success(encoding: Encoding, signal: Signal, partial: &Partial) -> Response<Reply> {
    let mut response = Response::new(Reply::new(answers::export_response(
        encoding, signal, partial,
    )));
    set_content_type(response.headers_mut(), encoding);
    response
}

fn failure(receiver: &Receiver, encoding: Encoding, refusal: &Refusal) -> Response<Reply> {
    let detail = refusal.detail(receiver.retry_after);
    let body = answers::status(
        encoding,
        refusal.code() as i32,
        &refusal.to_string(),
        detail,
    );
    let mut response = Response::new(Reply::new(body));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    set_content_type(headers, encoding);
    if let Some(Detail::RetryAfter(delay)) = detail {
        // Whole seconds, at least one: 0 would mean at once.
        headers.insert(
            RETRY_AFTER,
            HeaderValue::from(delay.as_secs_f64().ceil().max(1.0) as u64),
        );
    }
    if let Refusal::Method(_) = refusal {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    if refusal.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn set_content_type(headers: &mut HeaderMap, encoding: Encoding) {
    let value = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
}
