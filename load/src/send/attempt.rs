//! One attempt to deliver a request, whatever the protocol.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

/// Of one connection: an address behind which nobody is may never answer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// What one attempt came to.
pub enum Attempt {
    /// With the number of rejected items.
    Accepted(u64),
    /// Whatever is there doesn't answer, or nobody is.
    Unreachable(String),
    /// It answered that it can't take the request now.
    Retry(String),
    Failed(String),
}

/// `partial_success.rejected_*`: the same fields for all signals.
pub fn rejected(response: &[u8]) -> u64 {
    let response = ExportTraceServiceResponse::decode(response).unwrap_or_default();
    response
        .partial_success
        .map_or(0, |partial| partial.rejected_spans.max(0) as u64)
}

/// The cause of an error: what a person can do something about. The layers above it say only that something failed.
pub fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
