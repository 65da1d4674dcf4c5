//! What a receiver's answer means. Pure.
//!
//! Source: <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-written-response-headers>, and what Prometheus 3.16 and
//! VictoriaMetrics 1.151 were seen to answer.

use std::time::SystemTime;

use http::response::Parts;
use http::{HeaderMap, StatusCode, header};

use super::wire::Version;
use crate::outcome::{Failure, FailureKind};
use crate::transport::refusal::printable;
use crate::transport::status;

/// How many samples and histograms were written, as receivers of version 2 say; exemplars don't count here.
const WRITTEN: [&str; 2] = [
    "x-prometheus-remote-write-samples-written",
    "x-prometheus-remote-write-histograms-written",
];
const EXEMPLARS_WRITTEN: &str = "x-prometheus-remote-write-exemplars-written";

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken, but for so many samples, and the receiver says why. 0 with a message is a warning.
    Taken {
        refused: u64,
        message: String,
    },
    /// The receiver doesn't speak version 2, whatever it answered: nothing is known of the samples.
    NotVersion2(String),
    Failed(Failure),
}

/// `samples` is what the request held.
pub fn read(version: Version, head: &Parts, body: &[u8], samples: u64, now: SystemTime) -> Verdict {
    let written = match version {
        Version::V1 => None,
        Version::V2 => written(&head.headers),
    };
    let reason = || reason(head.status, &head.headers, body);
    match (version, head.status.as_u16(), written) {
        (Version::V1, 200..=299, _) => Verdict::Taken {
            refused: 0,
            message: String::new(),
        },
        // Some receivers of version 1 alone answer 204 to what they can't read.
        (Version::V2, 200..=299, None) => Verdict::NotVersion2(format!(
            "HTTP status {} without a word of what was written",
            head.status
        )),
        (Version::V2, 415, _) | (Version::V2, 400, None) => Verdict::NotVersion2(reason()),
        (Version::V2, 200..=299, Some(written)) => Verdict::Taken {
            refused: samples.saturating_sub(written),
            message: match written < samples {
                true => format!("{written} of {samples} samples were written"),
                false => String::new(),
            },
        },
        (Version::V2, 400 | 409 | 422, Some(written)) if written > 0 => Verdict::Taken {
            refused: samples.saturating_sub(written),
            message: reason(),
        },
        // Out of order, too old, or another value for the same time: no part of it gets better.
        (_, 400 | 409 | 422, _) => failed(FailureKind::Refused, reason()),
        (Version::V1, 415, _) => failed(FailureKind::Denied { certain: true }, reason()),
        _ => {
            let retry_after = status::retry_after(&head.headers, now);
            failed(status::failure_kind(head.status, retry_after), reason())
        }
    }
}

fn failed(kind: FailureKind, reason: String) -> Verdict {
    Verdict::Failed(Failure { kind, reason })
}

/// `None`: it says nothing of what was written. Where it says something, what it leaves out is 0.
fn written(headers: &HeaderMap) -> Option<u64> {
    let says = |name: &str| headers.contains_key(name);
    if !WRITTEN.into_iter().chain([EXEMPLARS_WRITTEN]).any(says) {
        return None;
    }
    let count = |name| {
        let value = headers.get(name)?.to_str().ok()?;
        value.trim().parse::<u64>().ok()
    };
    let counts = WRITTEN.map(|name| count(name).unwrap_or(0));
    Some(counts.into_iter().fold(0, u64::saturating_add))
}

fn reason(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    if status.is_redirection() {
        let to = headers.get(header::LOCATION).map(|to| to.as_bytes());
        // A query may hold credentials.
        let to = to.unwrap_or_default().split(|byte| *byte == b'?').next();
        return format!(
            "HTTP status {status} to `{}`; redirects are not followed",
            printable(to.unwrap_or_default())
        );
    }
    format!("HTTP status {status}: {}", printable(body).trim_end())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const REFUSED: &str = "Refused";

    /// The answer to a request with 10 samples, in short.
    fn verdict(version: Version, status: u16, headers: &[(&str, &str)]) -> String {
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let (head, ()) = answer.body(()).unwrap().into_parts();
        match read(version, &head, b"because\n", 10, SystemTime::UNIX_EPOCH) {
            Verdict::Taken { refused, message } => format!("taken but {refused} {message}"),
            Verdict::NotVersion2(_) => "not version 2".to_owned(),
            Verdict::Failed(failure) => format!("{:?}", failure.kind),
        }
    }

    #[test]
    fn version_2() {
        let check = |status, headers: &[(&str, &str)], expected: &str| {
            assert_eq!(
                verdict(Version::V2, status, headers),
                expected,
                "{status} {headers:?}"
            );
        };
        let samples = "X-Prometheus-Remote-Write-Samples-Written";
        let histograms = "X-Prometheus-Remote-Write-Histograms-Written";
        let exemplars = "X-Prometheus-Remote-Write-Exemplars-Written";
        check(204, &[(samples, "10")], "taken but 0 ");
        check(204, &[(samples, "7"), (histograms, "3")], "taken but 0 ");
        check(
            204,
            &[(samples, "9")],
            "taken but 1 9 of 10 samples were written",
        );
        check(204, &[(samples, "11")], "taken but 0 ");
        check(204, &[], "not version 2");
        check(200, &[("x-prometheus-remote-write", "10")], "not version 2");
        check(415, &[], "not version 2");
        check(415, &[(samples, "0")], "not version 2");
        let because = "HTTP status 400 Bad Request: because";
        check(400, &[(samples, "1")], &format!("taken but 9 {because}"));
        check(400, &[(samples, "10")], &format!("taken but 0 {because}"));
        check(400, &[(samples, "0")], REFUSED);
        check(400, &[(exemplars, "3")], REFUSED);
        check(400, &[(samples, "many")], REFUSED);
        check(400, &[], "not version 2");
        check(409, &[], REFUSED);
        check(413, &[], "Split");
        check(429, &[("retry-after", "2")], "Retry { after: Some(2s) }");
        check(500, &[], "Fault");
        check(503, &[(samples, "0")], "Retry { after: None }");
        check(401, &[], "Denied { certain: true }");
        check(404, &[], "Denied { certain: true }");
        check(
            302,
            &[("location", "/x?secret")],
            "Denied { certain: true }",
        );
    }

    #[test]
    fn version_1() {
        for (status, expected) in [
            (200, "taken but 0 "),
            (204, "taken but 0 "),
            (400, REFUSED),
            (409, REFUSED),
            (422, REFUSED),
            (413, "Split"),
            (415, "Denied { certain: true }"),
            (500, "Fault"),
            (502, "Retry { after: None }"),
        ] {
            assert_eq!(verdict(Version::V1, status, &[]), expected, "{status}");
        }
    }
}
