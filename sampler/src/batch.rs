//! The input of the epoch that is being cut: what the consumer has read and not yet handed to the workers.

use std::collections::BTreeMap;

use bus::Fetched;
use schemas::headers::UnknownVersion;

use crate::partition::RawRecord;
use crate::recovery::raw_record;
use crate::worker::Command;

/// Records, bounded by `epoch_bytes`, and what else the workers must know.
#[derive(Default)]
pub struct Batch {
    records: BTreeMap<u32, Vec<RawRecord>>,
    /// Those of the records that this build can't read.
    refused: BTreeMap<u32, Vec<(u64, UnknownVersion)>>,
    bytes: usize,
    /// Partitions with nothing left to read, and the wall clock less the allowance when that was so.
    idle: BTreeMap<u32, u64>,
    others: Vec<Command>,
}

impl Batch {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn push(&mut self, record: Fetched) {
        self.bytes += record.value.len();
        self.idle.remove(&record.partition);
        if let Err(unknown) = record.check_version() {
            let refused = self.refused.entry(record.partition).or_default();
            refused.push((record.offset, unknown));
        }
        self.records
            .entry(record.partition)
            .or_default()
            .push(raw_record(record));
    }

    /// Nothing is left to read on this partition, as of `time_ms` by the wall clock less the allowance.
    pub fn idle(&mut self, partition: u32, time_ms: u64) {
        self.idle.insert(partition, time_ms);
    }

    pub fn has_only_ticks(&self) -> bool {
        self.records.is_empty() && self.others.is_empty()
    }

    pub fn drop_ticks(&mut self) {
        self.idle.clear();
    }

    /// To be done before the records.
    pub fn add(&mut self, command: Command) {
        self.others.push(command);
    }

    /// The partitions that records were read of.
    pub fn partitions(&self) -> impl Iterator<Item = u32> {
        self.records.keys().copied()
    }

    pub fn has_records_of(&self, partition: u32) -> bool {
        self.records.contains_key(&partition)
    }

    pub fn forget(&mut self, partition: u32) {
        let bytes: usize = self
            .records
            .remove(&partition)
            .iter()
            .flatten()
            .map(|record| record.value.len())
            .sum();
        self.bytes -= bytes;
        self.refused.remove(&partition);
        self.idle.remove(&partition);
        self.others
            .retain(|command| command.partition() != Some(partition));
    }

    /// Everything, in the order in which it has to be done; what is left is empty.
    pub fn commands(&mut self) -> Vec<Command> {
        let mut batch = std::mem::take(self);
        let records = batch
            .records
            .into_iter()
            .map(|(partition, records)| Command::Records {
                partition,
                records,
                refused: batch.refused.remove(&partition).unwrap_or_default(),
            });
        let ticks = batch
            .idle
            .into_iter()
            .map(|(partition, time_ms)| Command::Tick { partition, time_ms });
        batch
            .others
            .into_iter()
            .chain(records)
            .chain(ticks)
            .collect()
    }
}
