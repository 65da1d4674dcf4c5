//! What an answer to a gRPC call means.

use std::time::Duration;

use http::StatusCode;
use tonic::Code;

use crate::outcome::FailureKind;
use crate::transport::status::{self, THROTTLE_MAX};

/// gRPC: the seven retryable codes of the specification, RESOURCE_EXHAUSTED only with a delay in RetryInfo.
///
/// A message above the server's limit comes as bare RESOURCE_EXHAUSTED (grpc-go) or as OUT_OF_RANGE (tonic). The
/// latter would be retried for ever as it stands; both are halved instead.
pub fn failure_kind(code: Code, message: &str, retry_info: Option<Duration>) -> FailureKind {
    let after = retry_info.map(|delay| delay.min(THROTTLE_MAX));
    match code {
        Code::OutOfRange if message.contains("message length too large") => FailureKind::Split,
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => FailureKind::Retry { after },
        Code::ResourceExhausted if after.is_some() => FailureKind::Retry { after },
        Code::ResourceExhausted | Code::InvalidArgument => FailureKind::Split,
        Code::Unknown | Code::Internal | Code::Ok => FailureKind::Fault,
        Code::Unauthenticated | Code::Unimplemented | Code::NotFound => {
            FailureKind::Denied { certain: true }
        }
        Code::PermissionDenied | Code::FailedPrecondition | Code::AlreadyExists => {
            FailureKind::Denied { certain: false }
        }
    }
}

/// An answer to a gRPC call without `grpc-status`: something between us and the backend answered.
/// A 400 is an error of the transport there and says nothing of the batch.
/// Source: <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>.
pub fn failure_kind_without_status(
    status: StatusCode,
    retry_after: Option<Duration>,
) -> FailureKind {
    match status.as_u16() {
        200..=299 | 400 => FailureKind::Fault,
        _ => status::failure_kind(status, retry_after),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_secs(2));
    const DENIED: FailureKind = FailureKind::Denied { certain: true };
    const DOUBTFUL: FailureKind = FailureKind::Denied { certain: false };

    #[test]
    fn grpc_codes() {
        let retry = FailureKind::Retry { after: None };
        let expected = [
            (Code::Cancelled, retry),
            (Code::Unknown, FailureKind::Fault),
            (Code::InvalidArgument, FailureKind::Split),
            (Code::DeadlineExceeded, retry),
            (Code::NotFound, DENIED),
            (Code::AlreadyExists, DOUBTFUL),
            (Code::PermissionDenied, DOUBTFUL),
            (Code::ResourceExhausted, FailureKind::Split),
            (Code::FailedPrecondition, DOUBTFUL),
            (Code::Aborted, retry),
            (Code::OutOfRange, retry),
            (Code::Unimplemented, DENIED),
            (Code::Internal, FailureKind::Fault),
            (Code::Unavailable, retry),
            (Code::DataLoss, retry),
            (Code::Unauthenticated, DENIED),
        ];
        for (code, kind) in expected {
            assert_eq!(failure_kind(code, "", None), kind, "{code:?}");
        }
        assert_eq!(
            failure_kind(Code::ResourceExhausted, "", SOON),
            FailureKind::Retry { after: SOON }
        );
        assert_eq!(
            failure_kind(Code::Unavailable, "", SOON),
            FailureKind::Retry { after: SOON }
        );
        assert_eq!(failure_kind(Code::Internal, "", SOON), FailureKind::Fault);
        let tonic = "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes";
        assert_eq!(
            failure_kind(Code::OutOfRange, tonic, None),
            FailureKind::Split
        );
    }

    #[test]
    fn what_stands_between_us_and_a_grpc_backend() {
        let of = |status| failure_kind_without_status(StatusCode::from_u16(status).unwrap(), None);
        assert_eq!(of(200), FailureKind::Fault);
        assert_eq!(of(400), FailureKind::Fault);
        assert_eq!(of(413), FailureKind::Split);
        assert_eq!(of(503), FailureKind::Retry { after: None });
        for status in [301, 401, 404] {
            assert_eq!(of(status), DENIED, "{status}");
        }
    }
}
