//! What backends answer: the three OTLP responses (which share their layout), `google.rpc.Status`, `RetryInfo`.
//! Read leniently: an answer that can't be read is an empty one, since its status already said what matters.

use std::time::Duration;

use schemas::wire::{Fields, Value};

use crate::transport::refusal::printable;

/// What the backend did not take of an accepted request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    pub rejected: u64,
    pub message: String,
}

/// `Export…ServiceResponse {partial_success = 1 {rejected_… = 1, error_message = 2}}`.
pub fn partial_success(response: &[u8]) -> Partial {
    let Some(partial) = last_message(response, 1) else {
        return Partial::default();
    };
    Partial {
        rejected: last_varint(partial, 1).max(0) as u64,
        message: last_message(partial, 2).map(printable).unwrap_or_default(),
    }
}

/// The same in JSON; the count is a string or a number.
pub fn partial_success_json(response: &[u8]) -> Partial {
    let Ok(response) = serde_json::from_slice::<serde_json::Value>(response) else {
        return Partial::default();
    };
    let partial = &response["partialSuccess"];
    let names = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"];
    let rejected = names.iter().find_map(|name| match &partial[name] {
        serde_json::Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    });
    Partial {
        rejected: rejected.unwrap_or(0),
        message: printable(partial["errorMessage"].as_str().unwrap_or("").as_bytes()),
    }
}

/// `google.rpc.Status {message = 2}`, as protobuf or JSON, or else the text itself.
pub fn error_message(content_type: &str, body: &[u8]) -> String {
    if content_type.starts_with("application/x-protobuf") {
        return last_message(body, 2).map(printable).unwrap_or_default();
    }
    if content_type.starts_with("application/json")
        && let Ok(status) = serde_json::from_slice::<serde_json::Value>(body)
        && let Some(message) = status["message"].as_str()
    {
        return printable(message.as_bytes());
    }
    printable(body)
}

/// `google.rpc.Status {details = 3 Any {type_url = 1, value = 2}}` with `RetryInfo {retry_delay = 1}`.
pub fn retry_info(status: &[u8]) -> Option<Duration> {
    messages(status, 3).find_map(|any| {
        let type_url = last_message(any, 1)?;
        if !type_url.ends_with(b"google.rpc.RetryInfo") {
            return None;
        }
        // An empty RetryInfo is no delay, but it does say that retrying is fine.
        let delay = last_message(last_message(any, 2).unwrap_or_default(), 1).unwrap_or_default();
        let seconds = last_varint(delay, 1).max(0) as u64;
        let nanos = last_varint(delay, 2).clamp(0, 999_999_999) as u32;
        Some(Duration::new(seconds, nanos))
    })
}

fn messages(message: &[u8], number: u32) -> impl Iterator<Item = &[u8]> {
    Fields::new(message)
        .map_while(Result::ok)
        .filter_map(move |field| match field.value {
            Value::Len(bytes) if field.number == number => Some(bytes),
            _ => None,
        })
}

fn last_message(message: &[u8], number: u32) -> Option<&[u8]> {
    messages(message, number).last()
}

fn last_varint(message: &[u8], number: u32) -> i64 {
    let found = Fields::new(message)
        .map_while(Result::ok)
        .filter_map(|field| match field.value {
            Value::Varint(value) if field.number == number => Some(value as i64),
            _ => None,
        });
    found.last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::wire::{put_len, put_varint};

    fn message(fields: &[(u32, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, bytes) in fields {
            put_len(&mut out, *number, bytes);
        }
        out
    }

    fn varint(number: u32, value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, u64::from(number << 3));
        put_varint(&mut out, value);
        out
    }

    #[test]
    fn partial_success_in_both_encodings() {
        let partial = [varint(1, 7), message(&[(2, b"too\nold")])].concat();
        let expected = Partial {
            rejected: 7,
            message: "too old".into(),
        };
        assert_eq!(partial_success(&message(&[(1, &partial)])), expected);
        for (name, count) in [
            ("rejectedSpans", "\"7\""),
            ("rejectedLogRecords", "7"),
            ("rejectedDataPoints", "\"7\""),
        ] {
            let json =
                format!(r#"{{"partialSuccess":{{"{name}":{count},"errorMessage":"too\nold"}}}}"#);
            assert_eq!(partial_success_json(json.as_bytes()), expected);
        }
        for nothing in [&b""[..], b"{}", b"\x0a\x05", b"\xff\xff", b"<html>"] {
            assert_eq!(partial_success(nothing), Partial::default());
            assert_eq!(partial_success_json(nothing), Partial::default());
        }
        let negative = message(&[(1, &varint(1, u64::MAX))]);
        assert_eq!(partial_success(&negative).rejected, 0);
    }

    #[test]
    fn retry_info_among_other_details() {
        let delay = [varint(1, 2), varint(2, 500_000_000)].concat();
        let info = message(&[
            (1, b"type.googleapis.com/google.rpc.RetryInfo"),
            (2, &message(&[(1, &delay)])),
        ]);
        let other = message(&[(1, b"type.googleapis.com/google.rpc.DebugInfo"), (2, b"x")]);
        let status = [
            varint(1, 14),
            message(&[(2, b"later"), (3, &other), (3, &info)]),
        ]
        .concat();
        assert_eq!(retry_info(&status), Some(Duration::from_millis(2500)));
        assert_eq!(retry_info(&message(&[(3, &other)])), None);
        let empty = message(&[(1, b"type.googleapis.com/google.rpc.RetryInfo")]);
        assert_eq!(retry_info(&message(&[(3, &empty)])), Some(Duration::ZERO));
        assert_eq!(retry_info(b"\x1a\xff"), None);
    }

    #[test]
    fn error_messages_are_short_and_printable() {
        let status = message(&[(2, b"no \x1b[31mway")]);
        assert_eq!(
            error_message("application/x-protobuf", &status),
            "no  [31mway"
        );
        let json = br#"{"code":3,"message":"no way"}"#;
        assert_eq!(
            error_message("application/json; charset=utf-8", json),
            "no way"
        );
        assert_eq!(error_message("text/html", b"<h1>no</h1>"), "<h1>no</h1>");
        assert_eq!(error_message("text/plain", &[b'x'; 10_000]).len(), 300);
    }
}
