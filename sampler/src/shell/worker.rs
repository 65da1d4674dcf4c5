//! The partitions of one dataflow worker, and what it does with them in an epoch.
//!
//! The order within an epoch: what comes and goes, then records and ticks, partitions taking turns at being the first, then the emit cursors
//! (`emitting.rs`), then the output of every partition that this epoch touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bus::{Bus, Fetched, Topic};
use schemas::decisions::DecisionBatch;
use schemas::headers::UnknownVersion;

use crate::budget::{self, Budgets};
use crate::decide::facts::Facts;
use crate::decide::links::Linked;
use crate::epoch::command::Command;
use crate::epoch::part::{Gauges, Part, PartitionOutput};
use crate::memory::{Besides, Memory};
use crate::options::Options;
use crate::partition::Partition;
use crate::policy::Policies;
use crate::position::Start;
use crate::reconfigure::Reconfiguration;
use crate::record::RawRecord;
use crate::shell::emitting::Emitting;
use crate::stats::{Group, Keyed, Tallied};

/// What the partitions of all workers have in common.
#[derive(Clone)]
pub(crate) struct Common {
    /// What they know together.
    pub(crate) group: Arc<RwLock<Group>>,
    /// What they may keep together.
    pub(crate) budgets: Arc<Mutex<Budgets>>,
}

/// The partitions that one worker owns.
pub struct Partitions {
    owned: BTreeMap<u32, Partition>,
    /// Those whose decision log is still being read.
    restoring: BTreeSet<u32>,
    policies: Arc<Policies>,
    options: Options,
    bounds: Bounds,
    common: Common,
    /// Epochs so far.
    turn: u32,
    emitting: Emitting,
    /// Records are read into this, one after the other.
    scratch: Facts,
}

/// How much the partitions of one worker take, in bytes.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Output of one epoch, and what is read again in it.
    pub emit_bytes_max: usize,
    pub statistics_bytes_max: usize,
    /// Of the process.
    pub memory: Arc<Memory>,
}

impl Partitions {
    pub fn new(
        policies: Arc<Policies>,
        options: Options,
        bounds: Bounds,
        common: Common,
        bus: Arc<dyn Bus>,
        raw: Topic,
    ) -> Self {
        Self {
            owned: BTreeMap::new(),
            restoring: BTreeSet::new(),
            common,
            turn: 0,
            policies,
            options,
            emitting: Emitting::new(bounds.emit_bytes_max, &bus, &raw),
            bounds,
            scratch: Facts::default(),
        }
    }

    /// The number of partitions of the topic, owned or not.
    pub fn total(&self) -> u32 {
        self.options.bus.partitions
    }

    /// With their clocks.
    pub(crate) fn owned(&self) -> Vec<(u32, u64)> {
        let owned = self.owned.iter();
        owned
            .map(|(&number, partition)| (number, partition.clock_ms()))
            .collect()
    }

    /// Policies that look at more than one trace.
    pub(crate) fn rules(&self) -> &[Keyed] {
        self.policies.keyed()
    }

    /// What kept traces link to is kept.
    pub(crate) fn follows_links(&self) -> bool {
        self.options.keep_linked
    }

    /// What every owned partition has counted in this epoch.
    pub(crate) fn take_news(&mut self) -> Vec<Tallied> {
        let partitions = self.owned.values_mut();
        partitions.flat_map(Partition::take_news).collect()
    }

    /// What the owned partitions found in their decision logs, once all of these have been read: what is known already counts once,
    /// and only the sum over partitions that come together says how much that is. They are restored in one epoch on all workers.
    pub(crate) fn take_restored(&mut self) -> Vec<Tallied> {
        if !self.restoring.is_empty() {
            return Vec::new();
        }
        let partitions = self.owned.values_mut();
        partitions.flat_map(Partition::take_restored).collect()
    }

    pub(crate) fn common(&self) -> &Common {
        &self.common
    }

    /// Every partition gets the same part of the bound, and those that are coming.
    fn divide_statistics(&mut self, coming: usize) {
        let part = self.bounds.statistics_bytes_max / (self.owned.len() + coming).max(1);
        for partition in self.owned.values_mut() {
            partition.set_statistics_bytes(part);
        }
    }

    /// The memory limit's share, which partitions of other workers change too.
    fn divide_memory(&mut self) {
        let memory = &self.bounds.memory;
        let (cache, promoted) = (
            memory.cache_bytes(Besides::from(&self.options)),
            memory.promoted_bytes(),
        );
        for partition in self.owned.values_mut() {
            partition.set_cache_bytes(cache);
            partition.set_promoted_bytes(promoted);
        }
    }

    /// Traces that partitions of other numbers are to keep, from all owned ones.
    pub fn take_links(&mut self) -> Vec<Linked> {
        (self.owned.values_mut())
            .flat_map(Partition::take_links)
            .collect()
    }

    /// A trace to keep for the sake of another partition's.
    pub fn keep(&mut self, partition: u32, linked: Linked) {
        self.with(partition, |owned| owned.keep(linked));
    }

    /// Does one epoch's work.
    pub fn work(&mut self, mut commands: Vec<Command>) -> Part {
        self.take_turns(&mut commands);
        let mut part = Part::default();
        let mut revoked = Vec::new();
        let assigned = |command: &&Command| matches!(command, Command::Assign { .. });
        let mut coming = commands.iter().filter(assigned).count();
        self.bounds.memory.came(coming);
        self.divide_memory();
        for command in commands {
            match command {
                Command::Assign { partition, start } => {
                    self.assign(partition, start);
                    // Before it remembers what was.
                    coming -= 1;
                    self.divide_statistics(coming);
                }
                Command::Revoke { partition } => revoked.push(partition),
                command => self.obey(command, &mut part),
            }
        }
        self.emitting.emit(&mut self.owned, &mut part);
        part.policies = self.policies.clone();
        part.outputs = self
            .owned
            .iter_mut()
            .map(|(number, partition)| {
                let rebuilding = partition.rebuilding() || self.restoring.contains(number);
                take(*number, partition, rebuilding, revoked.contains(number))
            })
            .collect();
        revoked.into_iter().for_each(|number| self.give_up(number));
        part
    }

    /// What changes nothing of who owns which partition.
    fn obey(&mut self, command: Command, part: &mut Part) {
        match command {
            Command::Assign { .. } | Command::Revoke { .. } => {}
            Command::Restore { partition, records } => self.restore(partition, &records, part),
            Command::Restored { partition, now_ms } => {
                self.restoring.remove(&partition);
                self.with(partition, |owned| owned.read_at(now_ms));
            }
            Command::Reconfigure(change) => self.reconfigure(&change),
            Command::Records {
                partition,
                records,
                refused,
                read_ms,
            } => {
                if let Some(owned) = self.owned.get_mut(&partition) {
                    owned.exchange_scratch(&mut self.scratch);
                    owned.read_at(read_ms);
                    observe(owned, records, refused);
                    owned.exchange_scratch(&mut self.scratch);
                }
            }
            Command::Truncated { partition, to } => self.with(partition, |owned| owned.skip_to(to)),
            Command::Idle {
                partition,
                since_ms,
            } => self.with(partition, |owned| owned.idle(since_ms)),
        }
    }

    fn give_up(&mut self, number: u32) {
        if self.owned.remove(&number).is_some() {
            budget::lock(&self.common.budgets).revoked();
            self.bounds.memory.gone(1);
        }
        self.emitting.forget(number);
        self.restoring.remove(&number);
        self.divide_statistics(0);
    }

    /// Takes a partition in; its memory was divided off before.
    fn assign(&mut self, partition: u32, start: Start) {
        let memory = &self.bounds.memory;
        let mut fresh = Partition::new(
            partition,
            self.policies.clone(),
            self.options.clone(),
            start,
            memory.cache_bytes(Besides::from(&self.options)),
        );
        fresh.set_promoted_bytes(memory.promoted_bytes());
        fresh.join(&self.common.group);
        fresh.join_budgets(&self.common.budgets);
        fresh.share_rescues(memory.pool());
        match self.owned.insert(partition, fresh) {
            None => budget::lock(&self.common.budgets).assigned(),
            Some(_) => memory.gone(1),
        }
        self.restoring.insert(partition);
    }

    /// Each partition is the first at the budgets in its turn.
    fn take_turns(&mut self, commands: &mut [Command]) {
        self.turn = self.turn.wrapping_add(1);
        let (turn, total) = (self.turn, self.total().max(1));
        commands.sort_by_key(|command| match command {
            Command::Records { partition, .. } | Command::Idle { partition, .. } => {
                1 + u64::from(partition.wrapping_add(turn) % total)
            }
            _ => 0,
        });
    }

    /// Decodes one record after the other, so that no more than one is in memory as a whole.
    fn restore(&mut self, number: u32, records: &[Fetched], part: &mut Part) {
        let Some(owned) = self.owned.get_mut(&number) else {
            return;
        };
        for record in records {
            match DecisionBatch::decode(&record.value) {
                Ok(batch) => {
                    part.restored += batch.entries.len() as u64;
                    owned.restore(&batch);
                }
                Err(error) => {
                    part.failure = Some(format!(
                        "cannot read the decision log {}/{number} at offset {}: {error}",
                        record.topic, record.offset
                    ));
                    return;
                }
            }
        }
    }

    fn reconfigure(&mut self, change: &Reconfiguration) {
        self.policies = change.policies.clone();
        self.options = change.options.clone();
        for partition in self.owned.values_mut() {
            partition.reconfigure(change);
        }
        let mut group = self
            .common
            .group
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        group.set_rules(change.policies.keyed());
        drop(group);
        budget::lock(&self.common.budgets).set_limits(change.policies.limits());
        self.divide_statistics(0);
    }

    /// Records of partitions that were revoked in the meantime are dropped: their new owner reads them.
    fn with(&mut self, number: u32, act: impl FnOnce(&mut Partition)) {
        if let Some(partition) = self.owned.get_mut(&number) {
            act(partition);
        }
    }
}

fn observe(
    partition: &mut Partition,
    records: Vec<RawRecord>,
    refused: Vec<(u64, UnknownVersion)>,
) {
    let mut refused = refused.into_iter().peekable();
    for record in records {
        match refused.next_if(|(offset, _)| *offset == record.offset) {
            Some((_, why)) => partition.refuse(record, why),
            None => partition.observe(record),
        }
    }
}

fn take(
    number: u32,
    partition: &mut Partition,
    rebuilding: bool,
    revoked: bool,
) -> PartitionOutput {
    let (statistics_keys, statistics_bytes) = partition.statistics();
    PartitionOutput {
        partition: number,
        output: partition.take(),
        rebuilding,
        revoked,
        gauges: Gauges {
            open_traces: partition.open_traces() as u64,
            pending_spans: partition.pending_spans(),
            cache_bytes: partition.cache_bytes() as u64,
            statistics_keys: statistics_keys as u64,
            statistics_bytes: statistics_bytes as u64,
            promoted_bytes: partition.promoted_bytes() as u64,
            at_rest: !rebuilding && partition.emit_offset() == partition.decide_offset(),
        },
    }
}
