//! One record of the bus through the rewriter: what goes on, and what goes to the dead letters.
//!
//! A record holds items of many senders. What one of them got wrong must not take the others along: a record that can't
//! go on as a whole is taken apart, and only the items that were refused are given up.

use bytes::Bytes;
use schemas::Signal;
use schemas::otlp::Items;
use schemas::pack::Packer;
use schemas::wire::WireError;

use crate::rewrite::{Outcome, Reason, Refused, Rewriter};

/// What one record became.
#[derive(Debug, Default)]
pub(crate) struct Processed {
    /// Records to go on.
    pub(crate) clean: Vec<Bytes>,
    /// Records as they were, unredacted, that can't go on.
    pub(crate) dead: Vec<(Bytes, Reason)>,
    pub(crate) consumed: usize,
    pub(crate) written: usize,
    pub(crate) dead_lettered: usize,
    /// By the index of [`crate::Rules::counters`].
    pub(crate) redactions: Vec<u64>,
}

/// Applies the rules to one record. No record that comes out is larger than `bytes_max`.
pub(crate) fn process(
    rewriter: &mut Rewriter,
    signal: Signal,
    record: Bytes,
    bytes_max: usize,
) -> Processed {
    let mut processed = Processed {
        redactions: vec![0; rewriter.rules().counters().len()],
        ..Processed::default()
    };
    processed.consumed = processed.add(rewriter, signal, record, bytes_max);
    processed
}

impl Processed {
    /// A record that is given up unseen.
    pub(crate) fn refused(record: Bytes, reason: Reason) -> Self {
        let mut processed = Self::default();
        processed.consumed = processed.give_up(record, reason);
        processed
    }

    /// Returns the number of items in the record.
    fn add(
        &mut self,
        rewriter: &mut Rewriter,
        signal: Signal,
        record: Bytes,
        bytes_max: usize,
    ) -> usize {
        let mut out = Vec::new();
        match rewriter.transform(signal, &record, &mut out) {
            // An empty request says nothing to anybody.
            Ok(done) if done.items == 0 => 0,
            Ok(done) if out.len() <= bytes_max => {
                self.clean.push(match done.outcome {
                    Outcome::Unchanged => record,
                    Outcome::Changed => Bytes::from(out),
                });
                self.written += done.items;
                for (sum, count) in self.redactions.iter_mut().zip(rewriter.counts()) {
                    *sum += count;
                }
                done.items
            }
            // Hashes and what is set can make a record larger than it was.
            Ok(done) if done.items > 1 => {
                let half = done.items / 2;
                self.add_parts(rewriter, signal, record, bytes_max, |number| number < half)
            }
            Ok(_) => {
                let reason = Reason::TooLarge {
                    bytes: out.len(),
                    limit: bytes_max,
                };
                self.give_up(record, reason)
            }
            Err(Refused::Record(reason)) => self.give_up(record, reason),
            Err(Refused::Items {
                numbers,
                items,
                reason,
            }) => {
                let bad: usize = numbers.iter().map(ExactSizeIterator::len).sum();
                if bad == items {
                    return self.give_up(record, reason);
                }
                let mut ranges = numbers.into_iter().peekable();
                // Items come in order of their numbers, and so do the ranges.
                let is_bad = |number: usize| {
                    while ranges.next_if(|range| range.end <= number).is_some() {}
                    ranges.peek().is_some_and(|range| range.contains(&number))
                };
                match split(&record, is_bad) {
                    Ok((bad, good)) => {
                        self.give_up(bad, reason) + self.add(rewriter, signal, good, bytes_max)
                    }
                    Err(error) => self.give_up(record, unreadable(error)),
                }
            }
        }
    }

    fn add_parts(
        &mut self,
        rewriter: &mut Rewriter,
        signal: Signal,
        record: Bytes,
        bytes_max: usize,
        first: impl FnMut(usize) -> bool,
    ) -> usize {
        match split(&record, first) {
            Ok((first, rest)) => {
                self.add(rewriter, signal, first, bytes_max)
                    + self.add(rewriter, signal, rest, bytes_max)
            }
            Err(error) => self.give_up(record, unreadable(error)),
        }
    }

    /// What can't be counted counts as one.
    fn give_up(&mut self, record: Bytes, reason: Reason) -> usize {
        let items = Items::new(&record).map_while(Result::ok).count().max(1);
        self.dead_lettered += items;
        self.dead.push((record, reason));
        items
    }
}

/// Two requests: the items for which `first` holds, and the others, each with its resource and scope.
fn split(record: &[u8], mut first: impl FnMut(usize) -> bool) -> Result<(Bytes, Bytes), WireError> {
    let (mut firsts, mut rest) = (Packer::new(), Packer::new());
    firsts.begin_source();
    rest.begin_source();
    for (number, item) in Items::new(record).enumerate() {
        let item = item?;
        if first(number) {
            firsts.push(&item);
        } else {
            rest.push(&item);
        }
    }
    Ok((firsts.finish(), rest.finish()))
}

fn unreadable(error: WireError) -> Reason {
    Reason::Wire {
        message: "the record",
        error,
    }
}
