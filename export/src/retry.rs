//! What an answer means for the batch that was offered, and how long to wait before it is offered again. Pure: no clock, no chance.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#failures>, read strictly: what isn't listed there as retryable isn't
//! retried, since a client that repeats what can't succeed does harm. Two exceptions are argued for at [`of_grpc`].

use std::time::{Duration, SystemTime};

use http::StatusCode;
use tonic::Code;

use crate::config::RetryPolicy;

/// No server makes us wait longer than this, whatever it asks for.
const THROTTLE_MAX: Duration = Duration::from_secs(3600);

/// What to do with a batch that was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Offer it again, not before `after` if the backend said so.
    Retry { after: Option<Duration> },
    /// Too large or partly bad: its halves may be accepted. A single record is refused.
    Split,
    /// Never offer it again.
    Refuse,
}

/// gRPC: the seven codes of the specification, RESOURCE_EXHAUSTED only with a delay in RetryInfo.
///
/// A message above the server's limit comes as bare RESOURCE_EXHAUSTED (grpc-go) or as OUT_OF_RANGE (tonic). The
/// latter would be retried for ever as it stands; both are halved instead.
pub fn of_grpc(code: Code, message: &str, retry_info: Option<Duration>) -> Verdict {
    let after = retry_info.map(|delay| delay.min(THROTTLE_MAX));
    match code {
        Code::OutOfRange if message.contains("message length too large") => Verdict::Split,
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Verdict::Retry { after },
        Code::ResourceExhausted if after.is_some() => Verdict::Retry { after },
        Code::ResourceExhausted | Code::InvalidArgument => Verdict::Split,
        _ => Verdict::Refuse,
    }
}

/// HTTP: exactly 429, 502, 503 and 504 are retryable.
pub fn of_http(status: StatusCode, retry_after: Option<Duration>) -> Verdict {
    match status.as_u16() {
        429 | 502 | 503 | 504 => Verdict::Retry {
            after: retry_after.map(|delay| delay.min(THROTTLE_MAX)),
        },
        400 | 413 | 422 => Verdict::Split,
        _ => Verdict::Refuse,
    }
}

/// The gRPC code that an HTTP status without `grpc-status` stands for.
/// Source: <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>.
pub fn grpc_code_of(status: StatusCode) -> Code {
    match status.as_u16() {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// `Retry-After`: seconds, or an HTTP date; anything else counts as absent.
pub fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// The pauses of one batch: exponential, with jitter, and never shorter than the backend asked for.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    interval: Duration,
}

impl Backoff {
    pub fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            interval: policy.initial_interval,
        }
    }

    /// The next pause, or `None` when it would end after `max_elapsed_time`. `chance` is in 0..1, `elapsed` counts
    /// from the first attempt.
    pub fn next(
        &mut self,
        elapsed: Duration,
        throttle: Option<Duration>,
        chance: f64,
    ) -> Option<Duration> {
        let spread = self.policy.randomization_factor * (2.0 * chance - 1.0);
        let pause = self.interval.mul_f64((1.0 + spread).max(0.0));
        let pause = pause.max(throttle.unwrap_or_default());
        self.interval = self
            .interval
            .mul_f64(self.policy.multiplier)
            .min(self.policy.max_interval);
        match self.policy.max_elapsed_time {
            Some(limit) if elapsed + pause > limit => None,
            _ => Some(pause),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_secs(2));

    #[test]
    fn grpc_codes() {
        let retry = Verdict::Retry { after: None };
        let expected = [
            (Code::Cancelled, retry),
            (Code::Unknown, Verdict::Refuse),
            (Code::InvalidArgument, Verdict::Split),
            (Code::DeadlineExceeded, retry),
            (Code::NotFound, Verdict::Refuse),
            (Code::AlreadyExists, Verdict::Refuse),
            (Code::PermissionDenied, Verdict::Refuse),
            (Code::ResourceExhausted, Verdict::Split),
            (Code::FailedPrecondition, Verdict::Refuse),
            (Code::Aborted, retry),
            (Code::OutOfRange, retry),
            (Code::Unimplemented, Verdict::Refuse),
            (Code::Internal, Verdict::Refuse),
            (Code::Unavailable, retry),
            (Code::DataLoss, retry),
            (Code::Unauthenticated, Verdict::Refuse),
        ];
        for (code, verdict) in expected {
            assert_eq!(of_grpc(code, "", None), verdict, "{code:?}");
        }
        assert_eq!(
            of_grpc(Code::ResourceExhausted, "", SOON),
            Verdict::Retry { after: SOON }
        );
        assert_eq!(
            of_grpc(Code::Unavailable, "", SOON),
            Verdict::Retry { after: SOON }
        );
        assert_eq!(of_grpc(Code::Internal, "", SOON), Verdict::Refuse);
        let tonic = "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes";
        assert_eq!(of_grpc(Code::OutOfRange, tonic, None), Verdict::Split);
    }

    #[test]
    fn http_codes_exactly_four_are_retryable() {
        for status in 300..=599 {
            let verdict = of_http(StatusCode::from_u16(status).unwrap(), SOON);
            let expected = match status {
                429 | 502 | 503 | 504 => Verdict::Retry { after: SOON },
                400 | 413 | 422 => Verdict::Split,
                _ => Verdict::Refuse,
            };
            assert_eq!(verdict, expected, "{status}");
        }
        let year = Some(Duration::from_secs(365 * 24 * 3600));
        assert_eq!(
            of_http(StatusCode::TOO_MANY_REQUESTS, year),
            Verdict::Retry {
                after: Some(THROTTLE_MAX)
            }
        );
    }

    #[test]
    fn retry_after_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        let check = |value, expected: Option<u64>| {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(parse_retry_after(value, now), expected, "{value}");
        };
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("-1", None);
        check("soon", None);
        check("", None);
    }

    #[test]
    fn pauses_grow_to_their_bound_and_end() {
        let mut policy = RetryPolicy {
            initial_interval: Duration::from_secs(4),
            randomization_factor: 0.5,
            multiplier: 2.0,
            max_interval: Duration::from_secs(10),
            max_elapsed_time: None,
        };
        let run = |policy, chance, throttle| {
            let mut backoff = Backoff::new(policy);
            let mut elapsed = Duration::ZERO;
            let pauses: Vec<_> = (0..4)
                .map_while(|_| {
                    let pause = backoff.next(elapsed, throttle, chance)?;
                    elapsed += pause;
                    Some(pause.as_secs())
                })
                .collect();
            pauses
        };
        assert_eq!(run(policy, 0.5, None), [4, 8, 10, 10]);
        assert_eq!(run(policy, 0.0, None), [2, 4, 5, 5]);
        assert_eq!(run(policy, 1.0, None), [6, 12, 15, 15]);
        assert_eq!(
            run(policy, 0.5, Some(Duration::from_secs(9))),
            [9, 9, 10, 10]
        );
        policy.max_elapsed_time = Some(Duration::from_secs(21));
        assert_eq!(
            run(policy, 0.5, None),
            [4, 8],
            "the third would end after 21 s"
        );
    }
}
