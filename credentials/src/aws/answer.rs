//! What an answer of AWS says of who asked. Some of its services answer 400 to a signature that is wrong, as if the request's contents were.
//!
//! Sources: AWS, "Common Errors" of the API references of X-Ray and CloudWatch Logs; Smithy, "AWS restJson1 protocol", operation error serialization
//! (`x-amzn-errortype`, `__type`, `code`).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

use super::sts::between;

/// How much of a body is looked at.
const BODY_BYTES_MAX: usize = 8192;
/// How much of what it says is told.
const MESSAGE_CHARS_MAX: usize = 300;

/// Errors that are about credentials or rights, whatever was sent.
const ABOUT_US: [&str; 21] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Those that a policy mends.
const BY_RIGHTS: [&str; 5] = [
    "AccessDenied",
    "AccessDeniedException",
    "NotAuthorized",
    "OptInRequired",
    "UnauthorizedOperation",
];

/// Those that a wrong clock causes, among others.
const BY_CLOCK: [&str; 5] = [
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// Why an answer refuses who asked; `None`: it doesn't. A clock that is wrong is named, from the answer's `Date`.
pub fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Option<String> {
    if !status.is_client_error() {
        return None;
    }
    let body = String::from_utf8_lossy(&body[..body.len().min(BODY_BYTES_MAX)]);
    let name = name_of_error(headers, &body)?;
    if !ABOUT_US.contains(&&*name) {
        return None;
    }
    let by_clock = BY_CLOCK.contains(&&*name) || body.contains("Signature expired");
    let clock = by_clock.then(|| clock(headers, now)).unwrap_or_default();
    // What is said of signatures quotes what was signed, session tokens included.
    let says = (BY_RIGHTS.contains(&&*name)).then(|| message_of_error(&body));
    let says = says.flatten().unwrap_or_default();
    Some(format!("HTTP status {status}: {name}{says}{clock}"))
}

/// `: ` and what was said, cut.
fn message_of_error(body: &str) -> Option<String> {
    let message = match serde_json::from_str::<serde_json::Value>(body) {
        Ok(value) => {
            let mut keys = ["message", "Message"].iter();
            let found = keys.find_map(|key| value.get(key)?.as_str());
            found?.to_owned()
        }
        Err(_) => between(body, "Message")?.to_owned(),
    };
    let shown = message.chars().take(MESSAGE_CHARS_MAX);
    let shown: String = shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    Some(format!(": {shown}"))
}

fn name_of_error(headers: &HeaderMap, body: &str) -> Option<String> {
    let by_header = headers.get("x-amzn-errortype");
    let name = match by_header.and_then(|value| value.to_str().ok()) {
        Some(name) => name.to_owned(),
        None => match serde_json::from_str::<serde_json::Value>(body) {
            Ok(value) => {
                let mut keys = ["__type", "code", "Code"].iter();
                let found = keys.find_map(|key| value.get(key)?.as_str());
                found?.to_owned()
            }
            Err(_) => between(body, "Code")?.to_owned(),
        },
    };
    // `aws.protocoltests#FooError:http://…`
    let name = name.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default();
    Some(name.trim().to_owned())
}

fn clock(headers: &HeaderMap, now: SystemTime) -> String {
    let date = headers
        .get(header::DATE)
        .and_then(|value| value.to_str().ok());
    let Some(theirs) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return "; compare this machine's clock, since a signature holds for five minutes"
            .to_owned();
    };
    let apart = match now.duration_since(theirs) {
        Ok(ahead) => ahead,
        Err(behind) => behind.duration(),
    };
    let (theirs, ours) = (
        httpdate::fmt_http_date(theirs),
        httpdate::fmt_http_date(now),
    );
    match apart > Duration::from_secs(60) {
        true => format!(
            "; the answer is of {theirs}, and this machine's clock says {ours}, {} s apart: set the clock",
            apart.as_secs()
        ),
        false => {
            format!("; the clock is right ({theirs}): look at the keys, the region and the service")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &str,
        expected: Option<&str>,
    ) {
        let headers = headers.iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, http::HeaderValue::from_static(value))
        });
        let headers: HeaderMap = headers.collect();
        let status = StatusCode::from_u16(status).expect("a status");
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let found = refusal(status, &headers, body.as_bytes(), now);
        match (&found, expected) {
            (Some(found), Some(words)) => assert!(found.contains(words), "{found}"),
            (None, None) => {}
            _ => panic!("{body}: {found:?}"),
        }
    }

    #[test]
    fn errors_about_who_asks_are_told_from_others() {
        let expired = r#"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}"#;
        let late = ("date", "Sun, 06 Nov 1994 09:49:37 GMT");
        check(
            400,
            &[late],
            expired,
            Some(
                "InvalidSignatureException; the answer is of Sun, 06 Nov 1994 09:49:37 GMT, and this machine's clock says Sun, 06 Nov 1994 08:49:37 GMT, 3600 s apart",
            ),
        );
        check(
            403,
            &[("date", "Sun, 06 Nov 1994 08:49:30 GMT")],
            expired,
            Some("the clock is right"),
        );
        check(403, &[], expired, Some("compare this machine's clock"));
        let kind = ("x-amzn-errortype", "ExpiredTokenException:http://internal");
        check(
            400,
            &[kind],
            "",
            Some("HTTP status 400 Bad Request: ExpiredTokenException"),
        );
        check(
            403,
            &[],
            "<Error><Code>RequestTimeTooSkewed</Code></Error>",
            Some("RequestTimeTooSkewed"),
        );
        check(
            403,
            &[],
            r#"{"code":"AccessDeniedException","message":"not authorized to perform: xray:PutSpans"}"#,
            Some("AccessDeniedException: not authorized to perform: xray:PutSpans"),
        );
        check(400, &[], r#"{"__type":"ValidationException"}"#, None);
        check(400, &[], "\x08\x03\x12\x03bad", None);
        check(503, &[kind], "", None);
        check(200, &[kind], "", None);
    }
}
