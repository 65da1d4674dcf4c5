//! Redaction: the rules of the crate `redact`. It refuses what it can't understand.

use redact::{Outcome, Rewriter};
use schemas::Signal;

use super::outcome::{Done, Refused};

pub(super) fn apply(
    rewriter: &mut Rewriter,
    signal: Signal,
    record: &[u8],
    out: &mut Vec<u8>,
) -> Result<Done, Refused> {
    match rewriter.transform(signal, record, out) {
        Ok(done) => Ok(Done {
            items: done.items,
            dropped: done.dropped,
            changed: done.outcome == Outcome::Changed,
        }),
        Err(redact::Refused::Record(reason)) => Err(Refused::Record(reason.into())),
        Err(redact::Refused::Items {
            numbers,
            items,
            reason,
        }) => Err(Refused::Items {
            numbers,
            items,
            reason: reason.into(),
        }),
    }
}
