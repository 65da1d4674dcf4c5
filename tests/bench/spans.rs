//! Which spans there are: ids alone, so that millions are compared in a moment.

use std::collections::HashSet;

use schemas::otlp::{Items, SpanView};
use xxhash_rust::xxh3::xxh3_64;

/// A span by the hashes of its trace's and its own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    pub trace: u64,
    pub span: u64,
}

/// Spans, each as often as it was seen.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    ids: Vec<Id>,
    sorted: bool,
}

/// What became of the spans of a corpus.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fate {
    pub lost: u64,
    /// Seen more often than they went in.
    pub doubled: u64,
}

impl Spans {
    /// Adds the spans of an `ExportTraceServiceRequest`.
    pub fn add(&mut self, request: &[u8]) {
        self.sorted = false;
        each(request, |id, _| self.ids.push(id));
    }

    pub fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    fn sort(&mut self) -> &[Id] {
        if !self.sorted {
            self.ids.sort_unstable();
            self.sorted = true;
        }
        &self.ids
    }

    /// In `self` and not in `other`, and the other way round.
    pub fn difference(&mut self, other: &mut Self) -> (u64, u64) {
        let (mut ours, mut theirs) = (self.sort(), other.sort());
        let (mut left, mut right) = (0, 0);
        while let (Some(a), Some(b)) = (ours.first(), theirs.first()) {
            match a.cmp(b) {
                std::cmp::Ordering::Less => (left, ours) = (left + 1, &ours[1..]),
                std::cmp::Ordering::Greater => (right, theirs) = (right + 1, &theirs[1..]),
                std::cmp::Ordering::Equal => (ours, theirs) = (&ours[1..], &theirs[1..]),
            }
        }
        (left + ours.len() as u64, right + theirs.len() as u64)
    }

    /// Of these that went in, when all had to come out.
    pub fn fate_of_all(&mut self, out: &mut Self) -> Fate {
        let (lost, doubled) = self.difference(out);
        Fate { lost, doubled }
    }

    /// Of these that went in, when whole traces were chosen: whatever trace was kept, or had to be, has to be whole.
    pub fn fate_of_kept(&mut self, out: &mut Self, must_keep: &[u64]) -> Fate {
        let mut traces: HashSet<u64> = out.ids.iter().map(|id| id.trace).collect();
        traces.extend(must_keep);
        let whole = self.ids.iter().filter(|id| traces.contains(&id.trace));
        let mut whole = Self {
            ids: whole.copied().collect(),
            sorted: self.sorted,
        };
        whole.fate_of_all(out)
    }
}

/// Each span of a request.
///
/// # Panics
/// If it isn't one.
pub fn each(request: &[u8], mut each: impl FnMut(Id, &SpanView<'_>)) {
    for item in Items::new(request) {
        let span = SpanView::parse(item.expect("a request").body).expect("a span");
        let id = Id {
            trace: xxh3_64(span.trace_id),
            span: xxh3_64(span.span_id),
        };
        each(id, &span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(ids: &[(u64, u64)]) -> Spans {
        Spans {
            ids: ids
                .iter()
                .map(|&(trace, span)| Id { trace, span })
                .collect(),
            sorted: false,
        }
    }

    /// What is missing and what is there twice shows, in either order.
    #[test]
    fn differences_are_counted() {
        let mut sent = spans(&[(2, 1), (1, 1), (1, 2)]);
        let fate = sent.fate_of_all(&mut spans(&[(1, 2), (2, 1), (2, 1)]));
        assert_eq!((fate.lost, fate.doubled), (1, 1));
        let fate = sent.fate_of_all(&mut spans(&[(1, 1), (2, 1), (1, 2)]));
        assert_eq!((fate.lost, fate.doubled), (0, 0));
    }

    /// A dropped trace is no loss, a part of a kept one is, and so is one that had to be kept.
    #[test]
    fn kept_traces_have_to_be_whole() {
        let mut sent = spans(&[(1, 1), (1, 2), (2, 1), (3, 1), (4, 1)]);
        let fate = sent.fate_of_kept(&mut spans(&[(1, 1), (3, 1)]), &[4]);
        assert_eq!((fate.lost, fate.doubled), (2, 0));
    }
}
