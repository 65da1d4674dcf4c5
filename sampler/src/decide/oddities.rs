//! Records that need a second look when the emit cursor comes by; all others are good and plain.

use std::collections::VecDeque;

use schemas::headers::UnknownVersion;

/// What is odd about a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    /// Of a version that this build can't read.
    Refused(UnknownVersion),
    /// Not OTLP.
    Bad,
    /// Good, but some span doesn't begin with a valid trace id.
    Unusual,
}

/// The odd records between the cursors, in order.
#[derive(Debug, Default)]
pub(crate) struct Oddities {
    records: VecDeque<(u64, Oddity)>,
}

impl Oddities {
    pub(crate) fn add(&mut self, offset: u64, oddity: Oddity) {
        self.records.push_back((offset, oddity));
    }

    /// What is odd about a record; those below it are forgotten.
    pub(crate) fn at(&mut self, offset: u64) -> Option<Oddity> {
        while let Some((at, oddity)) = self.records.front() {
            if *at == offset {
                return Some(oddity.clone());
            }
            if *at > offset {
                return None;
            }
            self.records.pop_front();
        }
        None
    }
}
