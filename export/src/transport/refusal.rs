//! An HTTP answer that isn't a success, as a [`Failure`]: for kinds whose backends give statuses no other meaning.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, header};

use super::client::Answer;
use super::status;
use crate::outcome::Failure;

/// Messages of backends go to logs and headers, so they are cut and made printable.
const MESSAGE_CHARS_MAX: usize = 300;

/// What a status says about a batch. `message` reads what the backend said, given the type and the bytes of the body.
pub fn refusal(
    answer: &Answer,
    now: SystemTime,
    message: impl FnOnce(&str, &[u8]) -> String,
) -> Failure {
    let headers = &answer.head.headers;
    let code = answer.head.status;
    let reason = match code.is_redirection() {
        true => {
            // A query may hold credentials.
            let location = text(headers, &header::LOCATION).split('?').next();
            format!(
                "HTTP status {code} to `{}`; redirects are not followed",
                printable(location.unwrap_or_default().as_bytes())
            )
        }
        false => {
            let content_type = text(headers, &header::CONTENT_TYPE);
            format!(
                "HTTP status {code}: {}",
                message(content_type, &answer.body)
            )
        }
    };
    Failure {
        kind: status::failure_kind(code, status::retry_after(headers, now)),
        reason,
    }
}

/// A header's value; empty when it is absent or no text.
pub fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// At most 300 characters, without control characters.
pub fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MESSAGE_CHARS_MAX)]);
    text.chars()
        .take(MESSAGE_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
