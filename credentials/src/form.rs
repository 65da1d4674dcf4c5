//! Forms, as OAuth and AWS's STS take them.

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;

/// As forms write text: what isn't a letter, a digit or one of four signs is a percent sign with two digits.
pub fn encoded(text: &str) -> String {
    encoded_bytes(text.as_bytes())
}

/// The same of bytes.
pub fn encoded_bytes(bytes: &[u8]) -> String {
    let byte = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    bytes.iter().map(byte).collect()
}

/// Fields as the body of a form.
pub fn body(fields: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", encoded(value));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// A form that is posted.
///
/// # Errors
/// The address is none.
pub fn post(url: &str, fields: &[(&str, &str)]) -> Result<Request<Full<Bytes>>, String> {
    Request::post(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Full::from(body(fields)))
        .map_err(|e| e.to_string())
}

/// A file that holds a token.
///
/// # Errors
/// It can't be read.
pub fn read_trimmed(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("reading {path}: {e}"))?;
    Ok(text.trim().to_owned())
}
