//! What the collector answers: `{"text": "Invalid token", "code": 4}`, with the number of the event that it stumbled over.
//! Source: <https://help.splunk.com/en/splunk-enterprise/get-data-in/collect-http-event-data/troubleshoot-http-event-collector>.

use std::time::SystemTime;

use serde::Deserialize;

use crate::outcome::{Failure, FailureKind};
use crate::transport::client::Answer;
use crate::transport::refusal::{printable, refusal};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    text: String,
    code: Option<u32>,
    #[serde(rename = "invalid-event-number")]
    invalid_event: Option<u64>,
}

/// An answer that isn't a success.
pub fn failure(answer: &Answer, now: SystemTime) -> Failure {
    let said: Said = serde_json::from_slice(&answer.body).unwrap_or_default();
    let failure = refusal(answer, now, |_, body| message(&said, body));
    Failure {
        kind: said.code.and_then(kind).unwrap_or(failure.kind),
        reason: failure.reason,
    }
}

/// Where the code says more than the HTTP status.
fn kind(code: u32) -> Option<FailureKind> {
    match code {
        // Disabled, missing, malformed, unknown: the token. Channels: what the token is set up for.
        1..=4 | 10 | 11 | 14 | 16 => Some(FailureKind::Denied { certain: true }),
        // An index that the token may not write to: ours, or that which some event names.
        7 => Some(FailureKind::Denied { certain: false }),
        _ => None,
    }
}

fn message(said: &Said, body: &[u8]) -> String {
    let Some(code) = said.code else {
        return printable(body);
    };
    let text = printable(said.text.as_bytes());
    let event = said.invalid_event.map(|event| format!(", event {event}"));
    let hint = match code {
        10 | 11 => {
            "; the token wants acknowledgements by channel, which are not needed here: turn `useACK` off, or set the header x-splunk-request-channel"
        }
        _ => "",
    };
    format!("{text} (code {code}{}){hint}", event.unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn of(status: u16, body: &'static str) -> Failure {
        let response = Response::builder()
            .status(status)
            .header("retry-after", "3");
        let (head, ()) = response.body(()).unwrap().into_parts();
        let answer = Answer {
            head,
            body: Bytes::from_static(body.as_bytes()),
            trailers: None,
        };
        failure(&answer, SystemTime::UNIX_EPOCH)
    }

    /// The documented answers.
    #[test]
    fn codes() {
        let denied = |certain| FailureKind::Denied { certain };
        let retry = FailureKind::Retry {
            after: Some(Duration::from_secs(3)),
        };
        for (status, body, kind) in [
            (403, r#"{"text":"Token disabled","code":1}"#, denied(true)),
            (
                401,
                r#"{"text":"Token is required","code":2}"#,
                denied(true),
            ),
            (
                401,
                r#"{"text":"Invalid authorization","code":3}"#,
                denied(true),
            ),
            (403, r#"{"text":"Invalid token","code":4}"#, denied(true)),
            (400, r#"{"text":"No data","code":5}"#, FailureKind::Split),
            (
                400,
                r#"{"text":"Invalid data format","code":6,"invalid-event-number":7}"#,
                FailureKind::Split,
            ),
            (
                400,
                r#"{"text":"Incorrect index","code":7,"invalid-event-number":1}"#,
                denied(false),
            ),
            (
                500,
                r#"{"text":"Internal server error","code":8}"#,
                FailureKind::Fault,
            ),
            (503, r#"{"text":"Server is busy","code":9}"#, retry),
            (
                400,
                r#"{"text":"Data channel is missing","code":10}"#,
                denied(true),
            ),
            (
                400,
                r#"{"text":"Invalid data channel","code":11}"#,
                denied(true),
            ),
            (
                400,
                r#"{"text":"Event field is required","code":12}"#,
                FailureKind::Split,
            ),
            (
                400,
                r#"{"text":"Event field cannot be blank","code":13}"#,
                FailureKind::Split,
            ),
            (400, r#"{"text":"ACK is disabled","code":14}"#, denied(true)),
            (
                400,
                r#"{"text":"Error in handling indexed fields","code":15}"#,
                FailureKind::Split,
            ),
            (
                400,
                r#"{"text":"Query string authorization is not enabled","code":16}"#,
                denied(true),
            ),
            (429, r#"{"text":"Too many","code":26}"#, retry),
            (404, "<html>", denied(true)),
            (413, "", FailureKind::Split),
            (502, "{", retry),
        ] {
            assert_eq!(of(status, body).kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn reasons() {
        assert_eq!(
            of(
                400,
                r#"{"text":"Invalid data format","code":6,"invalid-event-number":7}"#
            )
            .reason,
            "HTTP status 400 Bad Request: Invalid data format (code 6, event 7)"
        );
        assert_eq!(
            of(404, "<html>").reason,
            "HTTP status 404 Not Found: <html>"
        );
        let channel = of(400, r#"{"text":"Data channel is missing","code":10}"#).reason;
        assert!(channel.contains("(code 10); the token wants"), "{channel}");
    }
}
