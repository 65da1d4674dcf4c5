//! What we answer, as bytes: export responses and `google.rpc.Status`, in protobuf and in JSON.
//!
//! These messages have two or three fields each; written by hand they need no generated types and no decode.

use schemas::Signal;
use schemas::wire::{put_len, put_varint_field};

use crate::records::Partial;
use crate::refusal::Detail;

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Protobuf,
    Json,
}

/// An `Export…ServiceResponse`.
pub fn export_response(encoding: Encoding, signal: Signal, partial: &Partial) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf if partial.is_unset() => Vec::new(),
        Encoding::Protobuf => {
            let mut inner = Vec::with_capacity(partial.message.len() + 16);
            if partial.rejected > 0 {
                put_varint_field(&mut inner, 1, partial.rejected);
            }
            put_len(&mut inner, 2, partial.message.as_bytes());
            let mut out = Vec::with_capacity(inner.len() + 8);
            put_len(&mut out, 1, &inner);
            out
        }
        Encoding::Json if partial.is_unset() => b"{}".to_vec(),
        Encoding::Json => {
            let rejected = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            // int64 is a string in protobuf's JSON.
            serde_json::json!({
                "partialSuccess": {rejected: partial.rejected.to_string(), "errorMessage": partial.message}
            })
            .to_string()
            .into_bytes()
        }
    }
}

const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// A `google.rpc.Status {code = 1, message = 2, details = 3}`.
pub fn status(encoding: Encoding, code: i32, message: &str, detail: Option<Detail>) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => status_protobuf(code, message, detail),
        Encoding::Json => status_json(code, message, detail),
    }
}

fn status_protobuf(code: i32, message: &str, detail: Option<Detail>) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * message.len() + 64);
    put_varint_field(&mut out, 1, code as u64);
    put_len(&mut out, 2, message.as_bytes());
    if let Some(detail) = detail {
        let mut value = Vec::new();
        let type_url = match detail {
            Detail::BadRequest => {
                // BadRequest {field_violations = 1}, FieldViolation {field = 1, description = 2}
                let mut violation = Vec::new();
                put_len(&mut violation, 1, b"body");
                put_len(&mut violation, 2, message.as_bytes());
                put_len(&mut value, 1, &violation);
                BAD_REQUEST
            }
            Detail::RetryAfter(delay) => {
                // RetryInfo {retry_delay = 1}, Duration {seconds = 1, nanos = 2}
                let mut duration = Vec::new();
                put_varint_field(&mut duration, 1, delay.as_secs());
                put_varint_field(&mut duration, 2, u64::from(delay.subsec_nanos()));
                put_len(&mut value, 1, &duration);
                RETRY_INFO
            }
        };
        let mut any = Vec::with_capacity(type_url.len() + value.len() + 8);
        put_len(&mut any, 1, type_url.as_bytes());
        put_len(&mut any, 2, &value);
        put_len(&mut out, 3, &any);
    }
    out
}

fn status_json(code: i32, message: &str, detail: Option<Detail>) -> Vec<u8> {
    let details = match detail {
        None => serde_json::json!([]),
        Some(Detail::BadRequest) => serde_json::json!([
            {"@type": BAD_REQUEST, "fieldViolations": [{"field": "body", "description": message}]}
        ]),
        Some(Detail::RetryAfter(delay)) => {
            serde_json::json!([{"@type": RETRY_INFO, "retryDelay": format!("{}s", delay.as_secs_f64())}])
        }
    };
    serde_json::json!({"code": code, "message": message, "details": details})
        .to_string()
        .into_bytes()
}
