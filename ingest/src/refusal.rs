//! Why a request is refused whole, and what that is in gRPC and in HTTP. One place decides which refusals are worth a retry:
//! OTLP clients drop what they are told is permanent, and hammer us with what they are told is not.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use schemas::json::JsonError;
use schemas::wire::WireError;
use tonic::Code;

use crate::identity::{Kind, Unauthorized};

/// A refused request. Nothing of it was counted as received, except where a variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the request is not an OTLP export request in protobuf: {0}")]
    Protobuf(#[from] WireError),
    #[error("the request is not an OTLP export request in JSON: {0}")]
    Json(#[from] JsonError),
    #[error("the request could not be read: {0}")]
    Framing(String),
    #[error(
        "the request is above the limit of {limit} bytes ({form}); send smaller batches or raise ingest.request_bytes_max"
    )]
    TooLarge { limit: usize, form: &'static str },
    #[error("the encoding `{0}` is not supported; use identity, gzip, deflate or zstd")]
    Encoding(String),
    #[error(
        "the content type `{0}` is not supported; use application/x-protobuf or application/json"
    )]
    MediaType(String),
    #[error("the method {0} is not supported; use POST")]
    Method(String),
    #[error("there is nothing at {0}; OTLP is taken at /v1/traces, /v1/metrics and /v1/logs")]
    Path(String),
    #[error("{0} is not implemented; traces, metrics and logs are")]
    Service(String),
    #[error("the tenant in the header {0} is not printable ASCII of at most 256 bytes")]
    Tenant(String),
    /// Who sends isn't known, or may not send this.
    #[error(transparent)]
    Unauthorized(#[from] Unauthorized),
    /// With the class that isn't taken here.
    #[error(
        "this tenant's data has the retention class `{0}`, which is not taken here; send it to an endpoint of that class"
    )]
    RetentionClass(Arc<str>),
    /// With the time after which there will be some left again.
    #[error("the tenant has used up its rate (`tenants` in the configuration); send again later")]
    Quota(Duration),
    #[error("the request's body did not come in time; send again")]
    Slow,
    #[error("too many bytes in flight; send again later")]
    Overload,
    /// Its items were counted as received, and as rejected where the bus said so.
    #[error("the bus did not take the request; send again later")]
    Bus,
    /// Its items were counted as received and as rejected.
    #[error(
        "the bus refuses records of this size; lower ingest.record_bytes_max or raise the bus's limit"
    )]
    Record,
}

impl Refusal {
    /// All reasons that there are.
    pub const REASONS: [&str; 18] = [
        "protobuf",
        "json",
        "framing",
        "too_large",
        "encoding",
        "media_type",
        "method",
        "path",
        "tenant",
        "unauthenticated",
        "forbidden",
        "issuer",
        "retention_class",
        "quota",
        "slow",
        "overload",
        "bus",
        "record",
    ];

    /// The `reason` label of the refused requests' counter.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Protobuf(_) => "protobuf",
            Self::Json(_) => "json",
            Self::Framing(_) => "framing",
            Self::TooLarge { .. } => "too_large",
            Self::Encoding(_) => "encoding",
            Self::MediaType(_) => "media_type",
            Self::Method(_) => "method",
            Self::Path(_) | Self::Service(_) => "path",
            Self::Tenant(_) => "tenant",
            Self::Unauthorized(why) => match why.kind() {
                Kind::Unauthenticated => "unauthenticated",
                Kind::Forbidden => "forbidden",
                Kind::Unavailable => "issuer",
            },
            Self::RetentionClass(_) => "retention_class",
            Self::Quota(_) => "quota",
            Self::Slow => "slow",
            Self::Overload => "overload",
            Self::Bus => "bus",
            Self::Record => "record",
        }
    }

    /// RESOURCE_EXHAUSTED stands for a quota alone, and never for load: without `RetryInfo` clients drop what it answers.
    pub fn code(&self) -> Code {
        match self {
            Self::Protobuf(_)
            | Self::Json(_)
            | Self::Framing(_)
            | Self::MediaType(_)
            | Self::Tenant(_) => Code::InvalidArgument,
            Self::TooLarge { .. } | Self::Quota(_) => Code::ResourceExhausted,
            Self::Encoding(_) | Self::Method(_) | Self::Service(_) => Code::Unimplemented,
            Self::Path(_) => Code::NotFound,
            Self::Unauthorized(why) => match why.kind() {
                Kind::Unauthenticated => Code::Unauthenticated,
                Kind::Forbidden => Code::PermissionDenied,
                Kind::Unavailable => Code::Unavailable,
            },
            Self::RetentionClass(_) => Code::PermissionDenied,
            Self::Slow | Self::Overload | Self::Bus => Code::Unavailable,
            Self::Record => Code::Internal,
        }
    }

    /// Of these OTLP clients retry exactly 429, 502, 503 and 504.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Protobuf(_) | Self::Json(_) | Self::Framing(_) | Self::Tenant(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Quota(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Encoding(_) | Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Path(_) | Self::Service(_) => StatusCode::NOT_FOUND,
            Self::Unauthorized(why) => match why.kind() {
                Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
                Kind::Forbidden => StatusCode::FORBIDDEN,
                Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::RetentionClass(_) => StatusCode::FORBIDDEN,
            Self::Slow | Self::Overload | Self::Bus => StatusCode::SERVICE_UNAVAILABLE,
            Self::Record => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the client should do, for the details of the answer.
    pub fn detail(&self, retry_after: Duration) -> Option<Detail> {
        if let Self::Quota(wait) = self {
            return Some(Detail::RetryAfter(retry_after.max(*wait)));
        }
        match self.code() {
            Code::Unavailable => Some(Detail::RetryAfter(retry_after)),
            Code::InvalidArgument => Some(Detail::BadRequest),
            _ => None,
        }
    }
}

/// The one detail that an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// `google.rpc.RetryInfo`
    RetryAfter(Duration),
    /// `google.rpc.BadRequest`
    BadRequest,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The two protocols agree on what may be retried.
    #[test]
    fn retryable_in_both_protocols_or_in_none() {
        for refusal in [
            Refusal::Protobuf(WireError::Truncated { at: 0 }),
            Refusal::Framing(String::new()),
            Refusal::TooLarge { limit: 1, form: "" },
            Refusal::Encoding(String::new()),
            Refusal::MediaType(String::new()),
            Refusal::Method(String::new()),
            Refusal::Path(String::new()),
            Refusal::Service(String::new()),
            Refusal::Tenant(String::new()),
            Refusal::Unauthorized(Unauthorized::Missing),
            Refusal::Unauthorized(Unauthorized::UnknownTenant),
            Refusal::Unauthorized(Unauthorized::NoKeys),
            Refusal::RetentionClass("eu".into()),
            Refusal::Quota(Duration::from_secs(2)),
            Refusal::Slow,
            Refusal::Overload,
            Refusal::Bus,
            Refusal::Record,
        ] {
            let http = [429, 502, 503, 504].contains(&refusal.status().as_u16());
            let grpc = matches!(
                refusal.code(),
                Code::Cancelled
                    | Code::DeadlineExceeded
                    | Code::Aborted
                    | Code::OutOfRange
                    | Code::Unavailable
                    | Code::DataLoss
            );
            // RESOURCE_EXHAUSTED is, with RetryInfo.
            let grpc = grpc || matches!(refusal, Refusal::Quota(_));
            assert_eq!(http, grpc, "{refusal:?}");
            assert!(
                Refusal::REASONS.contains(&refusal.reason()),
                "{refusal:?} isn't registered"
            );
            let detail = refusal.detail(Duration::from_secs(1));
            assert_eq!(
                matches!(detail, Some(Detail::RetryAfter(_))),
                grpc,
                "{refusal:?}"
            );
        }
    }
}
