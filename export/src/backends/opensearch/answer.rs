//! What a bulk API answers. Pure.
//!
//! The answer has an object for each document. It is read as a stream: what is kept of it is one count for each meaning, and the first reason of each.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde::de::{IgnoredAny, SeqAccess, Visitor};

use crate::outcome::{Failure, FailureKind};
use crate::transport::refusal::printable;
use crate::transport::status;

/// All documents of a request are there.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many of them were there before.
    pub there_already: usize,
}

/// Reads the answer to a request of so many documents. `after`: when the backend asks to be called again.
///
/// # Errors
/// Some documents were not created, or the answer doesn't say.
pub fn read(body: &[u8], documents: usize, after: Option<Duration>) -> Result<Verdict, Failure> {
    if body.is_empty() {
        return Err(Failure {
            // Half of the request has an answer of half the length. One document's is always short enough.
            kind: match documents {
                ..2 => FailureKind::Fault,
                _ => FailureKind::Split,
            },
            reason: "the answer is empty, or longer than 4 MiB".to_owned(),
        });
    }
    let answer: Result<Answer, _> = serde_json::from_slice(body);
    let tally = match answer {
        Ok(Answer { items: Some(tally) }) => tally,
        _ => {
            return Err(Failure {
                kind: FailureKind::Denied { certain: true },
                reason: format!("no answer of a bulk API: {}", printable(body)),
            });
        }
    };
    tally.conclude(documents, after)
}

/// What an answer that isn't a success says: `{"error":{"type":…,"reason":…},"status":…}`, or anything.
pub fn error_message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        error: Error<'a>,
    }
    match serde_json::from_slice::<Refusal<'_>>(body) {
        Ok(Refusal { error }) => error.text(),
        Err(_) => printable(body),
    }
}

#[derive(Deserialize)]
struct Answer {
    items: Option<Tally>,
}

/// How the documents fared.
#[derive(Debug, Default)]
struct Tally {
    documents: usize,
    there_already: usize,
    /// By what is to be done, the more urgent first.
    retry: Failed,
    denied: Failed,
    fault: Failed,
    bad: Failed,
}

#[derive(Debug, Default)]
struct Failed {
    documents: usize,
    /// Of the first of them.
    kind: Option<FailureKind>,
    reason: String,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome<'_>) {
        self.documents += 1;
        let status = match outcome.status {
            200 | 201 => return,
            409 => {
                self.there_already += 1;
                return;
            }
            status => status,
        };
        // 404 is `index_not_found_exception`: nobody makes that index.
        let known = StatusCode::from_u16(status).map(|status| status::failure_kind(status, None));
        let kind = known.unwrap_or(FailureKind::Fault);
        let failed = match kind {
            FailureKind::Retry { .. } => &mut self.retry,
            FailureKind::Denied { .. } => &mut self.denied,
            FailureKind::Fault => &mut self.fault,
            FailureKind::Split | FailureKind::Refused => &mut self.bad,
        };
        failed.documents += 1;
        if failed.kind.is_none() {
            failed.kind = Some(kind);
            let text = outcome.error.as_ref().map(Error::text);
            failed.reason = format!("status {status}: {}", text.unwrap_or_default());
        }
    }

    /// All of the request is repeated when some of it is: the others are there already then.
    fn conclude(self, documents: usize, after: Option<Duration>) -> Result<Verdict, Failure> {
        if self.documents != documents {
            return Err(Failure {
                kind: FailureKind::Fault,
                reason: format!(
                    "the answer is about {} documents, and {documents} were sent",
                    self.documents
                ),
            });
        }
        for failed in [self.retry, self.denied, self.fault, self.bad] {
            let Some(kind) = failed.kind else {
                continue;
            };
            return Err(Failure {
                kind: match kind {
                    FailureKind::Retry { .. } => FailureKind::Retry {
                        after: after.map(|after| after.min(status::THROTTLE_MAX)),
                    },
                    kind => kind,
                },
                reason: match documents {
                    1 => failed.reason,
                    _ => format!(
                        "{} of {documents} documents: {}",
                        failed.documents, failed.reason
                    ),
                },
            });
        }
        Ok(Verdict {
            there_already: self.there_already,
        })
    }
}

/// `{"create": {…}}`; the name of the action doesn't matter.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    create: Outcome<'a>,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    status: u16,
    #[serde(borrow)]
    error: Option<Error<'a>>,
}

/// Why a document or a request was refused.
#[derive(Deserialize)]
#[serde(untagged)]
enum Error<'a> {
    Object {
        #[serde(borrow, rename = "type")]
        name: Cow<'a, str>,
        #[serde(borrow)]
        reason: Option<Cow<'a, str>>,
        #[serde(borrow)]
        caused_by: Option<Cause<'a>>,
    },
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Cause<'a> {
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

impl Error<'_> {
    fn text(&self) -> String {
        match self {
            Self::Object {
                name,
                reason,
                caused_by,
            } => {
                let mut text = name.to_string();
                let cause = caused_by.as_ref().and_then(|cause| cause.reason.as_deref());
                for part in [reason.as_deref(), cause].into_iter().flatten() {
                    text.push_str(": ");
                    text.push_str(part);
                }
                printable(text.as_bytes())
            }
            Self::Text(text) => printable(text.as_bytes()),
            Self::Other(_) => String::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Tally {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Lines;
        impl<'de> Visitor<'de> for Lines {
            type Value = Tally;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the outcome of each document")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<Tally, A::Error> {
                let mut tally = Tally::default();
                while let Some(line) = lines.next_element::<Line<'de>>()? {
                    tally.add(&line.create);
                }
                Ok(tally)
            }
        }
        from.deserialize_seq(Lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Option<Duration> = Some(Duration::from_secs(3));
    const CREATED: &str = r#"{"create":{"status":201}}"#;
    const THERE: &str = r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"[a]: document already exists"}}}"#;
    const BUSY: &str = r#"{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}}}"#;
    const BAD: &str = r#"{"create":{"_id":"x","status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to \"parse\"","caused_by":{"type":"x","reason":"no number"}}}}"#;
    const GONE: &str = r#"{"create":{"status":404,"error":{"type":"index_not_found_exception","reason":"no such index"}}}"#;
    const BROKEN: &str = r#"{"create":{"status":500,"error":"out of luck"}}"#;
    const BLOCKED: &str = r#"{"create":{"status":403,"error":{"type":"cluster_block_exception"}}}"#;

    fn outcome(lines: &[&str]) -> Result<usize, Failure> {
        let body = format!(
            r#"{{"took":3,"errors":true,"items":[{}]}}"#,
            lines.join(",")
        );
        read(body.as_bytes(), lines.len(), SOON).map(|verdict| verdict.there_already)
    }

    #[track_caller]
    fn check(lines: &[&str], kind: FailureKind, reason: &str) {
        let reason = reason.to_owned();
        assert_eq!(outcome(lines), Err(Failure { kind, reason }));
    }

    #[test]
    fn what_is_there_is_delivered() {
        assert_eq!(outcome(&[CREATED, THERE, CREATED]), Ok(1));
        assert_eq!(outcome(&[CREATED]), Ok(0));
    }

    /// What passes by itself is waited for first, then what is about us, then what is about documents.
    #[test]
    fn the_most_urgent_failure_decides() {
        let retry = FailureKind::Retry { after: SOON };
        let busy = "1 of 3 documents: status 429: es_rejected_execution_exception: full";
        check(&[BAD, BUSY, CREATED], retry, busy);
        check(
            &[BAD, GONE],
            FailureKind::Denied { certain: true },
            "1 of 2 documents: status 404: index_not_found_exception: no such index",
        );
        check(
            &[BLOCKED],
            FailureKind::Denied { certain: false },
            "status 403: cluster_block_exception",
        );
        check(&[BROKEN], FailureKind::Fault, "status 500: out of luck");
        check(
            &[CREATED, BAD, THERE, BAD],
            FailureKind::Split,
            "2 of 4 documents: status 400: mapper_parsing_exception: failed to \"parse\": no number",
        );
    }

    #[test]
    fn answers_that_are_none() {
        let kind = |body: &str, documents| {
            read(body.as_bytes(), documents, SOON)
                .map_err(|failure| failure.kind)
                .err()
        };
        let denied = Some(FailureKind::Denied { certain: true });
        assert_eq!(kind("<html>Log in</html>", 1), denied);
        assert_eq!(kind("{}", 1), denied);
        assert_eq!(kind(r#"{"items":[{"create":{}}]}"#, 1), denied);
        // Too long an answer isn't read. Nobody's data goes to the dead letters for that.
        assert_eq!(kind("", 2), Some(FailureKind::Split));
        assert_eq!(kind("", 1), Some(FailureKind::Fault));
        assert_eq!(kind(r#"{"items":[]}"#, 1), Some(FailureKind::Fault));
    }

    #[test]
    fn messages_of_whole_refusals() {
        let body = br#"{"error":{"root_cause":[],"type":"security_exception","reason":"missing\n token"},"status":401}"#;
        assert_eq!(error_message(body), "security_exception: missing  token");
        assert_eq!(
            error_message(br#"{"error":"Unauthorized"}"#),
            "Unauthorized"
        );
        assert_eq!(error_message(b"no"), "no");
        assert_eq!(error_message(br#"{"message":"no"}"#), r#"{"message":"no"}"#);
    }
}
