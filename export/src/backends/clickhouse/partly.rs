//! Batches that some tables have taken and others haven't. Pure.
//!
//! A batch of metrics goes to up to five tables, and is divided when one of them refuses it. The halves have names of their own, so the others
//! would take their rows again: here stands what they have. Nothing is lost with it in a crash, since who takes over offers the whole batch first.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::records::batch::BatchRange;

/// The most tables that one signal goes to.
pub const TABLES_MAX: usize = 5;
/// So many batches are remembered; those that fail at a time are as many as there are partitions in flight.
const BATCHES_MAX: usize = 1024;

/// Which tables of a signal have taken their rows.
pub type Taken = [bool; TABLES_MAX];

#[derive(Debug, Default)]
pub struct Partly(Mutex<VecDeque<(BatchRange, Taken)>>);

impl Partly {
    /// A batch failed, after these tables had taken their rows.
    pub fn note(&self, range: &BatchRange, taken: Taken) {
        if !taken.contains(&true) {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| known != range);
        if all.len() == BATCHES_MAX {
            all.pop_front();
        }
        all.push_back((range.clone(), taken));
    }

    /// Which tables have the rows of these records already.
    pub fn taken(&self, range: &BatchRange) -> Taken {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Taken::default();
        for (_, by) in all.iter().filter(|(known, _)| holds(known, range)) {
            for (taken, by) in taken.iter_mut().zip(by) {
                *taken |= by;
            }
        }
        taken
    }
}

fn holds(outer: &BatchRange, inner: &BatchRange) -> bool {
    outer.topic == inner.topic
        && outer.partition == inner.partition
        && outer.first <= inner.first
        && inner.last <= outer.last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(partition: u32, first: u64, last: u64) -> BatchRange {
        BatchRange {
            topic: "t".into(),
            partition,
            first,
            last,
        }
    }

    const GAUGE: Taken = [true, false, false, false, false];
    const SUM: Taken = [false, true, false, false, false];

    #[test]
    fn halves_know_what_the_whole_had_delivered() {
        let partly = Partly::default();
        partly.note(&range(0, 10, 19), GAUGE);
        partly.note(&range(0, 10, 14), SUM);
        assert_eq!(partly.taken(&range(0, 15, 19)), GAUGE);
        assert_eq!(
            partly.taken(&range(0, 12, 12)),
            [true, true, false, false, false]
        );
        for other in [range(0, 9, 12), range(0, 15, 20), range(1, 12, 12)] {
            assert_eq!(partly.taken(&other), Taken::default());
        }
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let partly = Partly::default();
        partly.note(&range(0, 0, 0), Taken::default());
        for at in 0..=BATCHES_MAX as u64 {
            partly.note(&range(1, at, at), GAUGE);
        }
        assert_eq!(partly.taken(&range(1, 0, 0)), Taken::default());
        assert_eq!(partly.taken(&range(1, 1, 1)), GAUGE);
    }
}
