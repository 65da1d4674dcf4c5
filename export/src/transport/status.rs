//! What an HTTP status and its headers mean, where a backend gives them no other meaning.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#failures>. A client of OTLP drops what is not retryable. Export has the bus
//! behind it and holds instead, wherever the answer is about us (credentials, address) or about the backend (an error inside of it)
//! and not about the batch; the breaker tells those apart.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header};

use crate::outcome::FailureKind;

/// No server makes us wait longer than this, whatever it asks for.
pub const THROTTLE_MAX: Duration = Duration::from_secs(3600);

/// HTTP. Beside the four retryable statuses of the specification, 408 and 425 say by their definition that the same request may
/// be sent again.
pub fn failure_kind(status: StatusCode, retry_after: Option<Duration>) -> FailureKind {
    match status.as_u16() {
        408 | 425 | 429 | 502 | 503 | 504 => FailureKind::Retry {
            after: retry_after.map(|delay| delay.min(THROTTLE_MAX)),
        },
        400 | 413 | 422 => FailureKind::Split,
        500..=599 => FailureKind::Fault,
        // Redirects are not followed: a credential isn't carried elsewhere.
        100..=399 | 401 | 404 | 405 | 407 => FailureKind::Denied { certain: true },
        _ => FailureKind::Denied { certain: false },
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_secs(2));
    const DENIED: FailureKind = FailureKind::Denied { certain: true };
    const DOUBTFUL: FailureKind = FailureKind::Denied { certain: false };

    /// No status refuses a batch unseen: each is retried, divided, or holds.
    #[test]
    fn http_statuses() {
        for status in 300..=599 {
            let kind = failure_kind(StatusCode::from_u16(status).unwrap(), SOON);
            let expected = match status {
                408 | 425 | 429 | 502 | 503 | 504 => FailureKind::Retry { after: SOON },
                400 | 413 | 422 => FailureKind::Split,
                500.. => FailureKind::Fault,
                300..=399 | 401 | 404 | 405 | 407 => DENIED,
                _ => DOUBTFUL,
            };
            assert_eq!(kind, expected, "{status}");
        }
        let year = Some(Duration::from_secs(365 * 24 * 3600));
        assert_eq!(
            failure_kind(StatusCode::TOO_MANY_REQUESTS, year),
            FailureKind::Retry {
                after: Some(THROTTLE_MAX)
            }
        );
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
}
