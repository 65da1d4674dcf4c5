//! The input of the epoch that is being cut: what the consumer has read and not yet handed to the workers.

use std::collections::BTreeMap;

use bus::Fetched;
use schemas::headers::UnknownVersion;

use crate::epoch::command::Command;
use crate::record::RawRecord;

/// Records, bounded by `epoch_bytes`, and what else the workers must know.
#[derive(Default)]
pub struct Batch {
    records: BTreeMap<u32, Vec<RawRecord>>,
    /// Those of the records that this build can't read.
    refused: BTreeMap<u32, Vec<(u64, UnknownVersion)>>,
    /// When the last of them was read, on the session's monotonic clock.
    read_ms: u64,
    bytes: usize,
    /// Of decision logs, among the others.
    restore_bytes: usize,
    /// Partitions with nothing left to read of what had been written by then.
    idle: BTreeMap<u32, u64>,
    others: Vec<Command>,
}

impl Batch {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// A record that was read just now.
    pub fn push(&mut self, record: Fetched, now_ms: u64) {
        self.bytes += record.value.len();
        self.read_ms = now_ms;
        self.idle.remove(&record.partition);
        if let Err(unknown) = record.check_version() {
            let refused = self.refused.entry(record.partition).or_default();
            refused.push((record.offset, unknown));
        }
        self.records
            .entry(record.partition)
            .or_default()
            .push(RawRecord::from(record));
    }

    /// Nothing is left to read of what had been written to this partition by then.
    pub fn idle(&mut self, partition: u32, since_ms: u64) {
        self.idle.insert(partition, since_ms);
    }

    pub fn has_only_ticks(&self) -> bool {
        self.records.is_empty() && self.others.is_empty()
    }

    pub fn drop_ticks(&mut self) {
        self.idle.clear();
    }

    /// Bytes of decision logs: bounded apart from the records, see `recovery`.
    pub fn restore_bytes(&self) -> usize {
        self.restore_bytes
    }

    /// To be done before the records.
    pub fn add(&mut self, command: Command) {
        self.restore_bytes += command.restore_bytes();
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
        self.restore_bytes = self.others.iter().map(Command::restore_bytes).sum();
    }

    /// Everything, in the order in which it has to be done; what is left is empty.
    pub fn commands(&mut self) -> Vec<Command> {
        let mut batch = std::mem::take(self);
        let read_ms = batch.read_ms;
        let records = batch
            .records
            .into_iter()
            .map(|(partition, records)| Command::Records {
                partition,
                records,
                refused: batch.refused.remove(&partition).unwrap_or_default(),
                read_ms,
            });
        let ticks = batch
            .idle
            .into_iter()
            .map(|(partition, since_ms)| Command::Idle {
                partition,
                since_ms,
            });
        batch
            .others
            .into_iter()
            .chain(records)
            .chain(ticks)
            .collect()
    }
}
