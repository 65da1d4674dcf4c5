//! The partitions of one dataflow worker, and what it does with them in an epoch.
//!
//! The order within an epoch: commands in the order in which the consumer gave them, then the emit cursors, reading
//! again from the bus what has left the caches, then the output of every partition that this epoch touched.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Bus, Topic};
use schemas::decisions::DecisionBatch;

use crate::partition::{Options, Output, Partition, RawRecord, Start};
use crate::policy::Policies;
use crate::reread::Reread;

/// What the consumer tells the worker that owns a partition.
pub enum Command {
    /// The partition is ours from now on; `decisions` are the verdicts that may still hold, in log order.
    Assign {
        partition: u32,
        start: Start,
        decisions: Vec<DecisionBatch>,
        cache_bytes: usize,
    },
    Records {
        partition: u32,
        records: Vec<RawRecord>,
    },
    /// Retention deleted what lies below `to`.
    Truncated { partition: u32, to: u64 },
    /// Nothing is left to read, and the wall clock less an allowance says this.
    Tick { partition: u32, time_ms: u64 },
    /// Output what is ready, then forget the partition.
    Revoke { partition: u32 },
}

impl Command {
    pub fn partition(&self) -> u32 {
        match self {
            Self::Assign { partition, .. }
            | Self::Records { partition, .. }
            | Self::Truncated { partition, .. }
            | Self::Tick { partition, .. }
            | Self::Revoke { partition } => *partition,
        }
    }
}

/// What one partition adds to an epoch.
pub struct PartitionOutput {
    pub partition: u32,
    pub output: Output,
    /// Nothing of it may be committed yet, only counted.
    pub rebuilding: bool,
    /// The partition is given up with this epoch.
    pub revoked: bool,
    pub gauges: Gauges,
}

/// The state of a partition after an epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gauges {
    pub open_traces: u64,
    pub pending_spans: u64,
    pub cache_bytes: u64,
}

/// What one worker adds to an epoch.
#[derive(Default)]
pub struct Part {
    pub outputs: Vec<PartitionOutput>,
    /// An emit cursor stopped at its budget and wants to go on.
    pub backlog: bool,
    pub reread_bytes: u64,
}

/// The partitions that one worker owns.
pub struct Partitions {
    owned: BTreeMap<u32, Partition>,
    policies: Arc<Policies>,
    options: Options,
    /// Output and second reads of one worker in one epoch, in bytes.
    emit_bytes_max: usize,
    reread: Reread,
}

impl Partitions {
    pub fn new(
        policies: Arc<Policies>,
        options: Options,
        emit_bytes_max: usize,
        bus: Arc<dyn Bus>,
        raw: Topic,
    ) -> Self {
        Self {
            owned: BTreeMap::new(),
            policies,
            options,
            emit_bytes_max,
            reread: Reread::new(bus, raw),
        }
    }

    /// The number of partitions of the topic, owned or not.
    pub fn total(&self) -> u32 {
        self.options.partitions
    }

    /// What every owned partition asked of the rate budgets in this epoch.
    pub fn demand(&mut self) -> Vec<(u32, Vec<u64>)> {
        let demands = self
            .owned
            .iter_mut()
            .map(|(number, partition)| (*number, partition.demand()));
        demands.filter(|(_, demand)| !demand.is_empty()).collect()
    }

    pub fn set_shares(&mut self, partition: u32, shares: &[f64]) {
        if let Some(partition) = self.owned.get_mut(&partition) {
            partition.set_shares(shares);
        }
    }

    /// Does one epoch's work.
    pub fn work(&mut self, commands: Vec<Command>) -> Part {
        let mut part = Part::default();
        let mut revoked = Vec::new();
        for command in commands {
            match command {
                Command::Assign {
                    partition,
                    start,
                    decisions,
                    cache_bytes,
                } => {
                    let mut fresh = Partition::new(
                        partition,
                        self.policies.clone(),
                        self.options.clone(),
                        start,
                        cache_bytes,
                    );
                    decisions.iter().for_each(|batch| fresh.restore(batch));
                    self.owned.insert(partition, fresh);
                }
                Command::Revoke { partition } => revoked.push(partition),
                Command::Records { partition, records } => {
                    self.with(partition, |owned| {
                        records.into_iter().for_each(|record| owned.observe(record))
                    });
                }
                Command::Truncated { partition, to } => {
                    self.with(partition, |owned| owned.skip_to(to))
                }
                Command::Tick { partition, time_ms } => {
                    self.with(partition, |owned| owned.tick(time_ms))
                }
            }
        }
        self.emit(&mut part);
        part.outputs = self
            .owned
            .iter_mut()
            .map(|(number, partition)| take(*number, partition, revoked.contains(number)))
            .collect();
        for number in revoked {
            self.owned.remove(&number);
            self.reread.forget(number);
        }
        part
    }

    /// Records of partitions that were revoked in the meantime are dropped: their new owner reads them.
    fn with(&mut self, number: u32, act: impl FnOnce(&mut Partition)) {
        if let Some(partition) = self.owned.get_mut(&number) {
            act(partition);
        }
    }

    fn emit(&mut self, part: &mut Part) {
        let mut budget = self.emit_bytes_max;
        for partition in self
            .owned
            .values_mut()
            .filter(|partition| !partition.rebuilding())
        {
            partition.emit(budget);
        }
        while budget > 0 && self.reread.wanted(&self.owned) {
            let read = self.reread.supply(&mut self.owned, budget);
            part.reread_bytes += read as u64;
            if read == 0 {
                break;
            }
            budget = budget.saturating_sub(read);
            for partition in self
                .owned
                .values_mut()
                .filter(|partition| !partition.rebuilding())
            {
                partition.emit(self.emit_bytes_max);
            }
        }
        part.backlog = self.reread.wanted(&self.owned);
    }
}

fn take(number: u32, partition: &mut Partition, revoked: bool) -> PartitionOutput {
    let rebuilding = partition.rebuilding();
    PartitionOutput {
        partition: number,
        output: partition.take(),
        rebuilding,
        revoked,
        gauges: Gauges {
            open_traces: partition.open_traces() as u64,
            pending_spans: partition.pending_spans(),
            cache_bytes: partition.cache_bytes() as u64,
        },
    }
}
