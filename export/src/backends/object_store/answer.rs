//! What a store's answer means for the batch. Pure.
//!
//! An object that was refused may be there all the same, unless the store says that it isn't. So nothing but "too large" ever divides a batch: parts of it
//! would be other objects, beside the whole one. Sources of the codes: S3's "Error responses", Azure's "Blob service error codes",
//! Google's "HTTP status and error codes for XML".

use std::error::Error;
use std::fmt;
use std::time::SystemTime;

use http::StatusCode;

use crate::outcome::{Failure, FailureKind};
use crate::transport::client::Answer;
use crate::transport::refusal::printable;
use crate::transport::status;

/// What a request was for.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    Put { bucket: &'a str, bytes: usize },
    Credentials { of: &'a str },
}

/// A failure on its way through the crate `object_store`.
#[derive(Debug)]
pub struct Carried(pub Failure);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.reason)
    }
}

impl Error for Carried {}

/// What an error of the crate means. What isn't an answer, and isn't known, is worth another try.
pub fn failure(error: &::object_store::Error) -> Failure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(Carried(failure)) = error.downcast_ref() {
            return failure.clone();
        }
        cause = error.source();
    }
    Failure::retry(error.to_string())
}

/// No answer came.
pub fn unanswered(asked: &Asked<'_>, failure: Failure) -> Failure {
    match asked {
        Asked::Put { .. } => failure,
        Asked::Credentials { .. } => Failure {
            reason: format!(
                "can't get credentials, of which `login` and the environment have none: {}",
                failure.reason
            ),
            ..failure
        },
    }
}

/// Of an answer that isn't a success.
pub fn refused(asked: &Asked<'_>, answer: &Answer, now: SystemTime) -> Failure {
    let code = answer.head.status;
    let text = printable(&answer.body);
    let says = |name: &str| text.contains(name);
    let after = status::retry_after(&answer.head.headers, now);
    let passes = code.is_server_error()
        || matches!(
            code,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::CONFLICT
        )
        // S3 has these as 400: the request didn't arrive as it was sent.
        || ["RequestTimeout<", "IncompleteBody", "BadDigest"].iter().any(|name| says(name));
    let (bucket, bytes) = match asked {
        Asked::Put { bucket, bytes } => (*bucket, *bytes),
        Asked::Credentials { of } => {
            return Failure {
                kind: match passes {
                    true => FailureKind::Retry { after },
                    false => FailureKind::Denied { certain: true },
                },
                reason: format!("{of} gave no credentials: HTTP status {code}: {text}"),
            };
        }
    };
    if passes {
        return Failure {
            kind: FailureKind::Retry { after },
            reason: format!("bucket `{bucket}`: HTTP status {code}: {text}"),
        };
    }
    if code == StatusCode::PAYLOAD_TOO_LARGE || says("EntityTooLarge") {
        return Failure {
            kind: FailureKind::Split,
            reason: format!(
                "bucket `{bucket}` takes no object of {bytes} bytes: set `roll.bytes` lower: HTTP status {code}: {text}"
            ),
        };
    }
    let what_to_do = match code {
        _ if says("RequestTimeTooSkewed") => {
            "this host's clock and the store's are too far apart for a signature: set this host's clock"
        }
        _ if says("ExpiredToken") => "the session token has expired: renew it",
        StatusCode::NOT_FOUND => {
            "it doesn't exist there: create it, or correct `url`, `endpoint` or `region`"
        }
        StatusCode::UNAUTHORIZED => "it doesn't accept our credentials: see `login`",
        StatusCode::FORBIDDEN => {
            "it refuses us: the credentials need the right to put and overwrite objects below the prefix"
        }
        _ if code.is_redirection() => "it is elsewhere: correct `region` or `endpoint`",
        _ => "it doesn't take the request: is `endpoint` that of such a store?",
    };
    Failure {
        kind: FailureKind::Denied { certain: true },
        reason: format!("bucket `{bucket}`: {what_to_do}: HTTP status {code}: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &'static str, kind: FailureKind, reason: &str) {
        let (mut head, ()) = http::Response::new(()).into_parts();
        head.status = StatusCode::from_u16(status).unwrap_or_default();
        let answer = Answer {
            head,
            body: body.into(),
            trailers: None,
        };
        let asked = Asked::Put {
            bucket: "b",
            bytes: 7,
        };
        let failure = refused(&asked, &answer, SystemTime::UNIX_EPOCH);
        assert_eq!(failure.kind, kind, "{status} {body}");
        assert!(failure.reason.contains(reason), "{}", failure.reason);
        assert!(failure.reason.contains("`b`"), "{}", failure.reason);
    }

    #[test]
    fn answers() {
        let denied = FailureKind::Denied { certain: true };
        let retry = FailureKind::Retry { after: None };
        check(404, "<Code>NoSuchBucket</Code>", denied, "create it");
        check(403, "<Code>AccessDenied</Code>", denied, "right to put");
        check(403, "<Code>RequestTimeTooSkewed</Code>", denied, "clock");
        check(401, "", denied, "`login`");
        check(400, "<Code>ExpiredToken</Code>", denied, "expired");
        check(
            400,
            "<Code>EntityTooLarge</Code>",
            FailureKind::Split,
            "roll.bytes",
        );
        check(413, "", FailureKind::Split, "7 bytes");
        check(301, "<Code>PermanentRedirect</Code>", denied, "`region`");
        check(503, "<Code>SlowDown</Code>", retry, "SlowDown");
        check(500, "<Code>InternalError</Code>", retry, "500");
        check(400, "<Code>RequestTimeout</Code>", retry, "400");
        check(429, "", retry, "429");
    }
}
