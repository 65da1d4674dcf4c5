//! The consumer thread of a session: polls, cuts the input into epochs, and has new partitions recovered before their first records.
//!
//! It goes back to polling whatever happens, since a member that doesn't poll loses its partitions.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use bus::fault::{self, Step};
use bus::{Assigned, Bus, Member, TopicPartition};
use runtime::{Drain, Readiness, names};
use schemas::{Signal, Topics};

use crate::batch::Batch;
use crate::config::Config;
use crate::rebalance::{Change, Shared, lock};
use crate::reconfigure::Reconfiguration;
use crate::recovery;
use crate::reload::Reload;
use crate::worker::Command;

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
    pub ready: &'a Readiness,
}

impl Consumer<'_> {
    /// Polls and cuts epochs until drained or failed; a failure is in the progress, an error is fatal.
    pub fn run(&mut self, drain: &Drain) -> anyhow::Result<()> {
        let mut due = Instant::now() + self.config.epoch_interval;
        while !drain.is_requested() && self.shared.progress.failure().is_none() {
            if self.nothing_to_do() {
                self.batch.drop_ticks();
                self.poll(REST, self.config.epoch_bytes, drain)?;
                due = Instant::now() + self.config.epoch_interval;
                continue;
            }
            let now = Instant::now();
            let full = self.batch.bytes() >= self.config.epoch_bytes;
            if full || now >= due || self.shared.progress.backlog() {
                let oldest = lock(&self.shared.inlets)
                    .next_epoch()
                    .saturating_sub(EPOCHS_IN_FLIGHT - 1);
                if self.shared.progress.wait_below(oldest, POLL_AT_LEAST) {
                    let commands = self.reconfigured().chain(self.batch.commands());
                    lock(&self.shared.inlets).send(commands.collect());
                    due = Instant::now() + self.config.epoch_interval;
                } else if full {
                    self.stay_a_member(drain)?;
                } else {
                    let room = self.config.epoch_bytes - self.batch.bytes();
                    self.poll(Duration::ZERO, room, drain)?;
                }
                continue;
            }
            self.poll(
                due - now,
                self.config.epoch_bytes - self.batch.bytes(),
                drain,
            )?;
        }
        Ok(())
    }

    /// No input, and no partition that the passing of time could change: an epoch would only cost time.
    fn nothing_to_do(&self) -> bool {
        let next = lock(&self.shared.inlets).next_epoch();
        self.batch.has_only_ticks()
            && !self.reload.is_pending()
            && self.shared.progress.rests_before(next)
    }

    fn poll(&mut self, timeout: Duration, bytes_max: usize, drain: &Drain) -> anyhow::Result<()> {
        let idle_ms = wall_clock_ms().saturating_sub(self.config.idle_allowance.as_millis() as u64);
        let polled = self
            .member
            .poll(timeout, bytes_max)
            .context("cannot read the raw traces")?;
        // The records come after all changes: what a partition had before it was revoked is not among them.
        self.changes(drain)?;
        if !polled.records.is_empty() {
            fault::at(Step::Polled);
        }
        for record in polled.records {
            self.batch.push(record);
        }
        for at in polled.caught_up {
            self.batch.idle(at.partition, idle_ms);
        }
        Ok(())
    }

    /// Another configuration begins with an epoch, before everything else in it.
    fn reconfigured(&mut self) -> impl Iterator<Item = Command> + use<> {
        let change = self.reload.take().map(|next| {
            self.config.take_over(next);
            let generation = format!("{:016x}", self.config.options.generation);
            tracing::info!(generation, "another configuration begins with this epoch");
            metrics::counter!(names::SAMPLER_RECONFIGURATIONS).increment(1);
            Command::Reconfigure(Arc::new(Reconfiguration {
                policies: self.config.policies.clone(),
                options: self.config.options.clone(),
            }))
        });
        change.into_iter()
    }

    /// The epoch is full and commits hang: poll without taking records.
    fn stay_a_member(&mut self, drain: &Drain) -> anyhow::Result<()> {
        let raw = self.topics.raw(Signal::Traces);
        let mut full: Vec<TopicPartition> = (self.batch.partitions())
            .map(|partition| TopicPartition::new(raw.clone(), partition))
            .collect();
        self.member.pause(&full).context("cannot pause reading")?;
        self.poll(Duration::ZERO, 1, drain)?;
        // What was revoked in this poll is not ours to resume.
        full.retain(|at| self.batch.has_records_of(at.partition));
        self.member.resume(&full).context("cannot resume reading")
    }

    /// Partitions that came and stayed are recovered, and given to the workers before their first records.
    fn changes(&mut self, drain: &Drain) -> anyhow::Result<()> {
        let changes = std::mem::take(&mut *lock(&self.shared.changes));
        let mut came: Vec<Assigned> = Vec::new();
        let mut truncated = Vec::new();
        for change in changes {
            match change {
                Change::Assigned(partitions) => came.extend(partitions),
                Change::Gone(partitions) => {
                    partitions
                        .iter()
                        .for_each(|at| self.batch.forget(at.partition));
                    came.retain(|assigned| !partitions.contains(&assigned.at));
                }
                Change::Truncated { partition, to } => {
                    truncated.push(Command::Truncated { partition, to });
                }
            }
        }
        if !came.is_empty() {
            self.assigned(&came, drain)?;
        }
        // What was just assigned may have been found truncated in the same poll.
        truncated
            .into_iter()
            .for_each(|command| self.batch.add(command));
        Ok(())
    }

    fn assigned(&mut self, partitions: &[Assigned], drain: &Drain) -> anyhow::Result<()> {
        self.ready.not_ready("reading the decision log");
        let give_up = || drain.is_requested();
        let since = Instant::now();
        let (recovered, read) = match recovery::recover(
            self.bus,
            self.topics,
            &self.config.options,
            partitions,
            give_up,
        ) {
            Err(_) if drain.is_requested() => return Ok(()),
            recovered => recovered?,
        };
        fault::at(Step::Recovered);
        let numbers = recovered.iter().map(|partition| partition.partition);
        self.shared.rebuild.begin(numbers.collect(), since, read);
        for partition in recovered {
            let behind = partition.start.decide - partition.start.emit;
            tracing::debug!(
                partition = partition.partition,
                emit = partition.start.emit,
                behind,
                "partition assigned"
            );
            self.batch.add(Command::Assign {
                partition: partition.partition,
                start: partition.start,
                decisions: partition.decisions,
            });
        }
        self.ready.ready();
        Ok(())
    }
}

/// The only wall clock in the sampler: it makes verdicts on idle partitions visible, it never changes one.
fn wall_clock_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64)
}
