//! The consumer thread of a session: polls, cuts the input into epochs, and has new partitions recovered before their first records.
//!
//! It goes back to polling whatever happens, since a member that doesn't poll loses its partitions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::fault::{self, Step};
use bus::{Assigned, Bus, Member, TopicPartition};
use runtime::{Drain, Readiness};
use schemas::{Signal, Topics};

use crate::config::Config;
use crate::epoch::batch::Batch;
use crate::epoch::command::Command;
use crate::names;
use crate::reconfigure::Reconfiguration;
use crate::recovery::{RESTORE_BYTES_MAX, Recovery};
use crate::shell::rebalance::{Change, Shared, lock};
use crate::shell::reload::Reload;

/// Epochs between the consumer and their commit. Three keep the workers busy while one commits.
const EPOCHS_IN_FLIGHT: u64 = 3;
/// The consumer goes back to polling at least this often, so that it stays a member.
const POLL_AT_LEAST: Duration = Duration::from_secs(1);
/// One poll while there is nothing to do, and so how late a drain may be seen.
const REST: Duration = Duration::from_millis(500);

pub struct Consumer<'a> {
    pub config: &'a mut Config,
    pub reload: &'a Reload,
    pub bus: &'a dyn Bus,
    pub topics: &'a Topics,
    pub shared: &'a Shared,
    pub member: Box<dyn Member>,
    pub batch: Batch,
    pub recovery: Recovery,
    /// Of partitions that are being recovered: for when they are.
    pub truncated: Vec<Command>,
    pub ready: &'a Readiness,
    pub polled: Instant,
    /// The session's monotonic clock begins here.
    pub began: Instant,
}

impl Consumer<'_> {
    /// Polls and cuts epochs until drained or failed; a failure is in the progress, an error is fatal.
    pub fn run(&mut self, drain: &Drain) -> anyhow::Result<()> {
        let mut due = Instant::now() + self.config.epoch_interval;
        while !drain.is_requested() && self.shared.progress.failure().is_none() {
            if self.nothing_to_do() {
                self.batch.drop_ticks();
                self.poll(REST, self.config.epoch_bytes)?;
                due = Instant::now() + self.config.epoch_interval;
                continue;
            }
            let now = Instant::now();
            let full = self.batch.bytes() >= self.config.epoch_bytes
                || self.batch.restore_bytes() >= RESTORE_BYTES_MAX;
            // Polls come first even while emit cursors catch up, epoch after epoch.
            let backlog = self.shared.progress.backlog();
            let polled = self.polled.elapsed() < POLL_AT_LEAST;
            if full || now >= due || (backlog && polled) {
                let oldest = lock(&self.shared.inlets)
                    .next_epoch()
                    .saturating_sub(EPOCHS_IN_FLIGHT - 1);
                if self.shared.progress.wait_below(oldest, POLL_AT_LEAST) {
                    let commands = self.reconfigured().chain(self.batch.commands());
                    lock(&self.shared.inlets).send(commands.collect());
                    due = Instant::now() + self.config.epoch_interval;
                } else if full {
                    self.stay_a_member()?;
                } else {
                    let room = self.config.epoch_bytes - self.batch.bytes();
                    self.poll(Duration::ZERO, room)?;
                }
                continue;
            }
            let wait = if backlog { Duration::ZERO } else { due - now };
            self.poll(wait, self.config.epoch_bytes - self.batch.bytes())?;
        }
        Ok(())
    }

    /// No input, and no partition that the passing of time could change: an epoch would only cost time.
    fn nothing_to_do(&self) -> bool {
        let next = lock(&self.shared.inlets).next_epoch();
        self.batch.has_only_ticks()
            && !self.recovery.is_under_way()
            && !self.reload.is_pending()
            && self.shared.progress.rests_before(next)
    }

    /// Decision logs are read between two polls of the group.
    fn poll(&mut self, timeout: Duration, bytes_max: usize) -> anyhow::Result<()> {
        if !self.recovery.is_under_way() {
            return self.poll_member(timeout, bytes_max);
        }
        self.recovery
            .step(self.bus, &self.config.options, timeout, &mut self.batch)?;
        if let Some(reason) = self.recovery.trouble() {
            self.ready
                .not_ready(format!("reading the decision log: {reason}"));
        }
        self.finish_recovery()?;
        let rest = self.recovery.rest().min(timeout);
        self.poll_member(rest, bytes_max)
    }

    fn poll_member(&mut self, timeout: Duration, bytes_max: usize) -> anyhow::Result<()> {
        // Before the bus is asked: what it says then is true of this moment.
        let asked = self.began.elapsed();
        let idle_ms = millis(asked.saturating_sub(self.config.idle_allowance));
        let polled = self
            .member
            .poll(timeout, bytes_max)
            .context("cannot read the raw traces")?;
        self.polled = Instant::now();
        // The records come after all changes: what a partition had before it was revoked is not among them.
        self.changes()?;
        if !polled.records.is_empty() {
            fault::at(Step::Polled);
        }
        let now_ms = millis(self.began.elapsed());
        let mut unread: BTreeMap<u32, (TopicPartition, u64)> = BTreeMap::new();
        for record in polled.records {
            if self.recovery.holds(record.partition) {
                // It came with its partition, before that could be paused.
                let at = TopicPartition::new(record.topic, record.partition);
                unread
                    .entry(record.partition)
                    .or_insert((at, record.offset));
            } else {
                self.batch.push(record, now_ms);
            }
        }
        for (at, offset) in unread.values() {
            self.member
                .seek(at, *offset)
                .context("cannot go back to the first record of a partition")?;
        }
        for at in polled.caught_up {
            if !self.recovery.holds(at.partition) {
                self.batch.idle(at.partition, idle_ms);
            }
        }
        Ok(())
    }

    /// Another configuration begins with an epoch, before everything else in it.
    fn reconfigured(&mut self) -> impl Iterator<Item = Command> + use<> {
        let change = self.reload.take().map(|next| {
            self.config.take_over(next);
            let generation = format!("{:016x}", self.config.options.generation);
            tracing::info!(generation, "another configuration begins with this epoch");
            metrics::counter!(names::RECONFIGURATIONS).increment(1);
            Command::Reconfigure(Arc::new(Reconfiguration {
                policies: self.config.policies.clone(),
                options: self.config.options.clone(),
            }))
        });
        change.into_iter()
    }

    /// The epoch is full and commits hang: poll without taking records.
    fn stay_a_member(&mut self) -> anyhow::Result<()> {
        let raw = self.topics.raw(Signal::Traces);
        let mut full: Vec<TopicPartition> = (self.batch.partitions())
            .map(|partition| TopicPartition::new(raw.clone(), partition))
            .collect();
        self.member.pause(&full).context("cannot pause reading")?;
        self.poll_member(Duration::ZERO, 1)?;
        // What was revoked in this poll is not ours to resume.
        full.retain(|at| self.batch.has_records_of(at.partition));
        self.member.resume(&full).context("cannot resume reading")
    }

    /// Partitions that came and stayed are recovered before their first records are read.
    fn changes(&mut self) -> anyhow::Result<()> {
        let changes = std::mem::take(&mut *lock(&self.shared.changes));
        let mut came: Vec<Assigned> = Vec::new();
        for change in changes {
            match change {
                Change::Assigned(partitions) => came.extend(partitions),
                Change::Gone(partitions) => {
                    for at in &partitions {
                        self.forget(at.partition);
                    }
                    came.retain(|assigned| !partitions.contains(&assigned.at));
                }
                Change::Truncated { partition, to } => {
                    let command = Command::Truncated { partition, to };
                    let comes = came.iter().any(|came| came.at.partition == partition);
                    if comes || self.recovery.holds(partition) {
                        self.truncated.push(command);
                    } else {
                        self.batch.add(command);
                    }
                }
            }
        }
        if came.is_empty() {
            return Ok(());
        }
        let paused: Vec<_> = came.iter().map(|assigned| assigned.at.clone()).collect();
        self.member
            .pause(&paused)
            .context("cannot pause what is being recovered")?;
        self.ready.not_ready("reading the decision log");
        let numbers = paused.iter().map(|at| at.partition).collect();
        self.shared.rebuild.begin(&numbers);
        self.recovery.begin(came);
        Ok(())
    }

    fn forget(&mut self, partition: u32) {
        self.batch.forget(partition);
        let was_under_way = self.recovery.is_under_way();
        self.recovery.forget(partition);
        self.truncated
            .retain(|command| command.partition() != Some(partition));
        self.shared.rebuild.forget([partition]);
        if was_under_way && !self.recovery.is_under_way() {
            self.ready.ready();
        }
    }

    /// When every decision log has been read: the workers are told, and records are read.
    fn finish_recovery(&mut self) -> anyhow::Result<()> {
        let Some((partitions, read)) = self.recovery.finish() else {
            return Ok(());
        };
        fault::at(Step::Recovered);
        self.shared.rebuild.read(read);
        let now_ms = millis(self.began.elapsed());
        for &partition in &partitions {
            self.batch.add(Command::Restored { partition, now_ms });
        }
        std::mem::take(&mut self.truncated)
            .into_iter()
            .for_each(|command| self.batch.add(command));
        let raw = self.topics.raw(Signal::Traces);
        let restored: Vec<_> = (partitions.iter())
            .map(|partition| TopicPartition::new(raw.clone(), *partition))
            .collect();
        self.member
            .resume(&restored)
            .context("cannot read what was recovered")?;
        self.ready.ready();
        Ok(())
    }
}

/// Of the session's monotonic clock. There is no other clock in the sampler: what time it is, only the bus says.
fn millis(since_began: Duration) -> u64 {
    u64::try_from(since_began.as_millis()).unwrap_or(u64::MAX)
}
