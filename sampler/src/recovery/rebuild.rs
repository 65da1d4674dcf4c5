//! How long taking partitions over took, and how much was read for it: from their assignment until the last of them stands where its
//! last owner stood.
//!
//! The consumer says when partitions come and what the decision log held; the commit thread sees epoch by epoch which still rebuild.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::epoch::part::Part;
use crate::names;

/// The partitions of one assignment that are on their way.
#[derive(Debug, Default)]
pub struct Rebuild {
    under_way: Mutex<Option<UnderWay>>,
}

#[derive(Debug)]
struct UnderWay {
    since: Instant,
    read: DecisionsRead,
    verdicts: u64,
    partitions: BTreeSet<u32>,
    left: BTreeSet<u32>,
    records: u64,
    bytes: u64,
    spans: u64,
}

/// What was read of the decision log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionsRead {
    pub batches: u64,
    pub bytes: u64,
    pub took: Duration,
}

impl Rebuild {
    /// These partitions were assigned.
    pub fn begin(&self, partitions: &BTreeSet<u32>) {
        let mut under_way = self.lock();
        let this = under_way.get_or_insert_with(|| UnderWay {
            since: Instant::now(),
            read: DecisionsRead::default(),
            verdicts: 0,
            partitions: BTreeSet::new(),
            left: BTreeSet::new(),
            records: 0,
            bytes: 0,
            spans: 0,
        });
        this.partitions.extend(partitions);
        this.left.extend(partitions);
    }

    /// Their decision log has been read; the workers have yet to be told.
    pub fn read(&self, read: DecisionsRead) {
        if let Some(this) = self.lock().as_mut() {
            this.read = read;
        }
    }

    /// These partitions are somebody else's.
    pub fn forget(&self, partitions: impl IntoIterator<Item = u32>) {
        let mut under_way = self.lock();
        if let Some(this) = under_way.as_mut() {
            for partition in partitions {
                this.left.remove(&partition);
                this.partitions.remove(&partition);
            }
            if this.partitions.is_empty() {
                *under_way = None;
            }
        }
    }

    /// Every worker has finished an epoch. Says so when it was the last one of a recovery.
    pub fn epoch(&self, parts: &[Part]) {
        let mut under_way = self.lock();
        let Some(this) = under_way.as_mut() else {
            return;
        };
        this.verdicts += parts.iter().map(|part| part.restored).sum::<u64>();
        for output in parts.iter().flat_map(|part| &part.outputs) {
            if this.left.contains(&output.partition) {
                let counts = &output.output.counts;
                this.records += counts.decider.consumed_records;
                this.bytes += counts.decider.consumed_bytes;
                this.spans += counts.decider.consumed_spans;
                if output.revoked || !output.rebuilding {
                    this.left.remove(&output.partition);
                }
            }
        }
        if !this.left.is_empty() {
            return;
        }
        let took = this.since.elapsed();
        metrics::histogram!(names::RECOVERY_SECONDS).record(took.as_secs_f64());
        tracing::info!(
            partitions = this.partitions.len(),
            took_ms = took.as_millis() as u64,
            decision_log_ms = this.read.took.as_millis() as u64,
            decision_batches = this.read.batches,
            decision_bytes = this.read.bytes,
            verdicts = this.verdicts,
            records = this.records,
            bytes = this.bytes,
            spans = this.spans,
            "recovered"
        );
        *under_way = None;
    }

    /// Whether partitions are still on their way.
    #[cfg(test)]
    fn is_under_way(&self) -> bool {
        self.lock().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<UnderWay>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::part::{Gauges, PartitionOutput};
    use crate::output::{Counts, DecideCounts, Output};

    fn part(outputs: &[(u32, bool, u64)]) -> Part {
        let outputs = outputs
            .iter()
            .map(|&(partition, rebuilding, consumed_spans)| PartitionOutput {
                partition,
                output: Output {
                    counts: Counts {
                        decider: DecideCounts {
                            consumed_spans,
                            ..DecideCounts::default()
                        },
                        ..Counts::default()
                    },
                    ..Output::default()
                },
                rebuilding,
                revoked: false,
                gauges: Gauges::default(),
            });
        Part {
            outputs: outputs.collect(),
            ..Part::default()
        }
    }

    #[test]
    fn it_lasts_until_the_slowest_partition_has_caught_up() {
        let rebuild = Rebuild::default();
        rebuild.begin(&[1, 2].into());
        rebuild.epoch(&[part(&[(1, false, 0)]), part(&[(2, true, 70)])]);
        assert!(rebuild.is_under_way());
        // What partition 1 reads now is no recovery any more.
        rebuild.epoch(&[part(&[(1, false, 5), (2, true, 3)])]);
        assert_eq!(rebuild.lock().as_ref().map(|this| this.spans), Some(73));
        rebuild.epoch(&[part(&[(2, false, 1)])]);
        assert!(!rebuild.is_under_way());
    }

    #[test]
    fn what_goes_elsewhere_is_not_waited_for() {
        let rebuild = Rebuild::default();
        rebuild.begin(&[1].into());
        rebuild.begin(&[2, 3].into());
        rebuild.forget([1, 3]);
        assert!(rebuild.is_under_way());
        rebuild.epoch(&[part(&[(2, false, 0)])]);
        assert!(!rebuild.is_under_way());
        rebuild.begin(&[4].into());
        rebuild.forget([4]);
        assert!(!rebuild.is_under_way());
    }
}
