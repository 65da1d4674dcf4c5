//! What an answer means for the batch that was offered, and how long to wait before it is offered again. Pure: no clock, no chance.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#failures>. A client of OTLP drops what is not retryable. Export has the bus
//! behind it and holds instead, wherever the answer is about us (credentials, address) or about the backend (an error inside of it)
//! and not about the batch; `breaker` tells those apart.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};
use tonic::Code;

use crate::config::RetryPolicy;

/// No server makes us wait longer than this, whatever it asks for.
const THROTTLE_MAX: Duration = Duration::from_secs(3600);

/// What to do with a batch that was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Offer it again, not before `after` if the backend said so.
    Retry { after: Option<Duration> },
    /// Too large or partly bad: its halves may be accepted. A single item is refused for good.
    Split,
    /// An error inside of the backend. It passes, or this batch causes it.
    Fault,
    /// The backend takes nothing from us: the credentials, the address or the form of the request are wrong.
    /// Where not `certain`, some backends answer like this to the contents of a batch as well.
    Denied { certain: bool },
}

/// gRPC: the seven retryable codes of the specification, RESOURCE_EXHAUSTED only with a delay in RetryInfo.
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
        Code::Unknown | Code::Internal | Code::Ok => Verdict::Fault,
        Code::Unauthenticated | Code::Unimplemented | Code::NotFound => {
            Verdict::Denied { certain: true }
        }
        Code::PermissionDenied | Code::FailedPrecondition | Code::AlreadyExists => {
            Verdict::Denied { certain: false }
        }
    }
}

/// HTTP. Beside the four retryable statuses of the specification, 408 and 425 say by their definition that the same request may
/// be sent again.
pub fn of_http(status: StatusCode, retry_after: Option<Duration>) -> Verdict {
    match status.as_u16() {
        408 | 425 | 429 | 502 | 503 | 504 => Verdict::Retry {
            after: retry_after.map(|delay| delay.min(THROTTLE_MAX)),
        },
        400 | 413 | 422 => Verdict::Split,
        500..=599 => Verdict::Fault,
        // Redirects are not followed: a credential isn't carried elsewhere.
        100..=399 | 401 | 404 | 405 | 407 => Verdict::Denied { certain: true },
        _ => Verdict::Denied { certain: false },
    }
}

/// An answer to a gRPC call without `grpc-status`: something between us and the backend answered.
/// A 400 is an error of the transport there and says nothing of the batch.
/// Source: <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>.
pub fn of_http_under_grpc(status: StatusCode, retry_after: Option<Duration>) -> Verdict {
    match status.as_u16() {
        200..=299 | 400 => Verdict::Fault,
        _ => of_http(status, retry_after),
    }
}

/// When the backend asks to be called again: `Retry-After`, or else the `reset` of a `RateLimit` header.
/// Source: <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>, drafts 0 (`RateLimit-Reset: 30`), 3 (`reset=30`) and 8 (`t=30`).
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(value) = text(header::RETRY_AFTER.as_str()) {
        return parse_retry_after(value, now);
    }
    let reset = text("ratelimit-reset").map(str::trim);
    let reset = reset.or_else(|| {
        let parameters = text("ratelimit")?.split([',', ';']);
        let pairs = parameters.filter_map(|parameter| parameter.trim().split_once('='));
        let mut resets = pairs.filter(|(name, _)| matches!(*name, "reset" | "t"));
        resets.next().map(|(_, seconds)| seconds)
    });
    reset?.parse().ok().map(Duration::from_secs)
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

    /// The next pause. `chance` is in 0..1.
    pub fn next(&mut self, throttle: Option<Duration>, chance: f64) -> Duration {
        let spread = self.policy.randomization_factor * (2.0 * chance - 1.0);
        let pause = self.interval.mul_f64((1.0 + spread).max(0.0));
        self.interval = self
            .interval
            .mul_f64(self.policy.multiplier)
            .min(self.policy.max_interval);
        pause.max(throttle.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_secs(2));
    const DENIED: Verdict = Verdict::Denied { certain: true };
    const DOUBTFUL: Verdict = Verdict::Denied { certain: false };

    #[test]
    fn grpc_codes() {
        let retry = Verdict::Retry { after: None };
        let expected = [
            (Code::Cancelled, retry),
            (Code::Unknown, Verdict::Fault),
            (Code::InvalidArgument, Verdict::Split),
            (Code::DeadlineExceeded, retry),
            (Code::NotFound, DENIED),
            (Code::AlreadyExists, DOUBTFUL),
            (Code::PermissionDenied, DOUBTFUL),
            (Code::ResourceExhausted, Verdict::Split),
            (Code::FailedPrecondition, DOUBTFUL),
            (Code::Aborted, retry),
            (Code::OutOfRange, retry),
            (Code::Unimplemented, DENIED),
            (Code::Internal, Verdict::Fault),
            (Code::Unavailable, retry),
            (Code::DataLoss, retry),
            (Code::Unauthenticated, DENIED),
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
        assert_eq!(of_grpc(Code::Internal, "", SOON), Verdict::Fault);
        let tonic = "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes";
        assert_eq!(of_grpc(Code::OutOfRange, tonic, None), Verdict::Split);
    }

    /// No status refuses a batch unseen: each is retried, divided, or holds.
    #[test]
    fn http_statuses() {
        for status in 300..=599 {
            let verdict = of_http(StatusCode::from_u16(status).unwrap(), SOON);
            let expected = match status {
                408 | 425 | 429 | 502 | 503 | 504 => Verdict::Retry { after: SOON },
                400 | 413 | 422 => Verdict::Split,
                500.. => Verdict::Fault,
                300..=399 | 401 | 404 | 405 | 407 => DENIED,
                _ => DOUBTFUL,
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
    fn what_stands_between_us_and_a_grpc_backend() {
        let of = |status| of_http_under_grpc(StatusCode::from_u16(status).unwrap(), None);
        assert_eq!(of(200), Verdict::Fault);
        assert_eq!(of(400), Verdict::Fault);
        assert_eq!(of(413), Verdict::Split);
        assert_eq!(of(503), Verdict::Retry { after: None });
        for status in [301, 401, 404] {
            assert_eq!(of(status), DENIED, "{status}");
        }
    }

    #[test]
    fn rate_limits_say_when_to_come_again() {
        let check = |headers: &[(&'static str, &'static str)], expected: Option<u64>| {
            let headers = headers.iter().map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, http::HeaderValue::from_static(value))
            });
            let headers: HeaderMap = headers.collect();
            let found = retry_after(&headers, SystemTime::UNIX_EPOCH);
            assert_eq!(found, expected.map(Duration::from_secs), "{headers:?}");
        };
        check(&[], None);
        check(&[("retry-after", "7"), ("ratelimit-reset", "30")], Some(7));
        check(&[("ratelimit-reset", " 30 ")], Some(30));
        check(
            &[("ratelimit", "limit=100, remaining=0, reset=31")],
            Some(31),
        );
        check(&[("ratelimit", "\"default\";r=0;t=32")], Some(32));
        check(&[("ratelimit", "limit=100, reset=soon")], None);
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
    fn pauses_grow_to_their_bound() {
        let policy = RetryPolicy {
            initial_interval: Duration::from_secs(4),
            randomization_factor: 0.5,
            multiplier: 2.0,
            max_interval: Duration::from_secs(10),
            max_elapsed_time: None,
            poison_after: Duration::from_secs(600),
        };
        let run = |chance, throttle| {
            let mut backoff = Backoff::new(policy);
            let pauses = (0..4).map(|_| backoff.next(throttle, chance).as_secs());
            pauses.collect::<Vec<_>>()
        };
        assert_eq!(run(0.5, None), [4, 8, 10, 10]);
        assert_eq!(run(0.0, None), [2, 4, 5, 5]);
        assert_eq!(run(1.0, None), [6, 12, 15, 15]);
        assert_eq!(run(0.5, Some(Duration::from_secs(9))), [9, 9, 10, 10]);
    }
}
