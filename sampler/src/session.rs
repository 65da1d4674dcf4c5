//! One membership in the consumer group, from joining to leaving: consumer thread, dataflow workers, commit thread.
//!
//! The calling thread is the consumer. It cuts the input into epochs and keeps polling whatever happens, since a
//! member that doesn't poll loses its partitions. Whatever ends a session, the next one starts from the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use bus::{Assigned, Bus, GroupOptions, Member, Rebalance, TopicPartition};
use runtime::{Drain, Readiness, names};
use schemas::{Signal, Topics};

use crate::commit;
use crate::config::Config;
use crate::counters::Counters;
use crate::dataflow::{self, Inlets};
use crate::partition::RawRecord;
use crate::progress::{Failure, Progress};
use crate::recovery::{self, raw_record};
use crate::worker::{Command, Partitions};

/// Epochs between the consumer and their commit. Three keep the workers busy while one commits.
const EPOCHS_IN_FLIGHT: u64 = 3;
/// A revoked partition is given up after this long even if its last epoch is not committed.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(20);
/// The consumer goes back to polling at least this often, so that it stays a member.
const POLL_AT_LEAST: Duration = Duration::from_secs(1);

/// Why a session ended.
pub enum Ended {
    Drained,
    /// Partitions moved on under us; join again.
    Fenced(String),
}

/// What rebalances leave for the consumer, in order.
enum Change {
    Assigned(Vec<Assigned>),
    Gone(Vec<TopicPartition>),
    Truncated { partition: u32, to: u64 },
}

/// What the consumer and the rebalance callbacks, which run inside its polls, have in common.
struct Shared {
    inlets: Mutex<Inlets>,
    changes: Mutex<Vec<Change>>,
    progress: Arc<Progress>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rebalance for Shared {
    fn assigned(&self, partitions: Vec<Assigned>) {
        lock(&self.changes).push(Change::Assigned(partitions));
    }

    fn revoked(&self, partitions: Vec<TopicPartition>) {
        tracing::info!(
            partitions = partitions.len(),
            "partitions revoked; committing what is under way"
        );
        let revoke = partitions
            .iter()
            .map(|at| Command::Revoke {
                partition: at.partition,
            })
            .collect();
        let epoch = lock(&self.inlets).send(revoke);
        if !self.progress.wait_below(epoch + 1, REVOKE_TIMEOUT) && self.progress.failure().is_none()
        {
            tracing::warn!(
                waited_s = REVOKE_TIMEOUT.as_secs(),
                "partitions are given up before their last epoch is committed; their new owner does it again"
            );
        }
        lock(&self.changes).push(Change::Gone(partitions));
    }

    fn lost(&self, partitions: Vec<TopicPartition>) {
        tracing::warn!(
            partitions = partitions.len(),
            "partitions lost to another member"
        );
        self.progress.failed(Failure::Fenced(
            "the group took partitions away without waiting".to_owned(),
        ));
        lock(&self.changes).push(Change::Gone(partitions));
    }

    fn truncated(&self, at: TopicPartition, from: u64, to: u64) {
        tracing::error!(partition = %at, from, to, "retention deleted records before the sampler read them; lengthen retention or add samplers");
        metrics::counter!(names::SAMPLER_LOST_RECORDS, "partition" => at.partition.to_string())
            .increment(to - from);
        lock(&self.changes).push(Change::Truncated {
            partition: at.partition,
            to,
        });
    }
}

/// Joins the group and samples until drained, fenced or failed.
pub fn run(
    config: &Config,
    bus: &Arc<dyn Bus>,
    topics: &Topics,
    instance: &str,
    ready: &Readiness,
    drain: &Drain,
) -> anyhow::Result<Ended> {
    let raw = topics.raw(Signal::Traces);
    let progress = Arc::new(Progress::default());
    let (to_commit, from_workers) = std::sync::mpsc::channel();
    let workers = if config.workers == 0 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        config.workers
    };
    let (policies, options, from_bus, name) = (
        config.policies.clone(),
        config.options.clone(),
        bus.clone(),
        raw.clone(),
    );
    let emit_bytes_max = config.epoch_bytes * 2 / workers;
    let (inlets, guards) = dataflow::start(
        workers,
        move || {
            Partitions::new(
                policies.clone(),
                options.clone(),
                emit_bytes_max,
                from_bus.clone(),
                name.clone(),
            )
        },
        to_commit,
    )?;
    let shared = Arc::new(Shared {
        inlets: Mutex::new(inlets),
        changes: Mutex::default(),
        progress: progress.clone(),
    });
    let group = GroupOptions {
        group: topics.group("sampler"),
        topics: vec![raw],
        delivery: config.delivery,
        instance: instance.to_owned(),
        revoke_timeout: REVOKE_TIMEOUT,
    };
    let (member, committer) = bus
        .join(group, shared.clone())
        .context("cannot join the sampler's consumer group")?;
    let (for_commits, names) = (progress.clone(), topics.clone());
    let mut counters = Counters::new(&config.policies);
    let commits = std::thread::Builder::new()
        .name("sampler-commit".into())
        .spawn(move || {
            commit::run(from_workers, committer, &for_commits, &names, &mut counters);
            counters.release_all();
        })?;
    let mut consumer = Consumer {
        config,
        bus: &**bus,
        topics,
        shared: &shared,
        member,
        batch: Batch::default(),
        ready,
    };
    let result = consumer.run(drain);
    // Leaving revokes everything, which commits what is under way; after a failure it returns at once.
    let left = consumer.member.close();
    drop(shared);
    drop(guards);
    if commits.join().is_err() {
        anyhow::bail!("the commit thread panicked");
    }
    result?;
    match progress.failure() {
        Some(Failure::Fenced(reason)) => Ok(Ended::Fenced(reason)),
        Some(Failure::Fatal(reason)) => anyhow::bail!("cannot commit: {reason}"),
        None => {
            left.context("cannot leave the sampler's consumer group")?;
            Ok(Ended::Drained)
        }
    }
}

/// The input of the epoch that is being cut.
#[derive(Default)]
struct Batch {
    records: BTreeMap<u32, Vec<RawRecord>>,
    bytes: usize,
    /// Partitions with nothing left to read, and the wall clock less the allowance when that was so.
    idle: BTreeMap<u32, u64>,
    others: Vec<Command>,
}

impl Batch {
    fn forget(&mut self, partition: u32) {
        let bytes: usize = self
            .records
            .remove(&partition)
            .iter()
            .flatten()
            .map(|record| record.value.len())
            .sum();
        self.bytes -= bytes;
        self.idle.remove(&partition);
        self.others
            .retain(|command| command.partition() != partition);
    }

    fn commands(&mut self) -> Vec<Command> {
        let batch = std::mem::take(self);
        let records = batch
            .records
            .into_iter()
            .map(|(partition, records)| Command::Records { partition, records });
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

struct Consumer<'a> {
    config: &'a Config,
    bus: &'a dyn Bus,
    topics: &'a Topics,
    shared: &'a Shared,
    member: Box<dyn Member>,
    batch: Batch,
    ready: &'a Readiness,
}

impl Consumer<'_> {
    /// Polls and cuts epochs until drained or failed; a failure is in the progress, an error is fatal.
    fn run(&mut self, drain: &Drain) -> anyhow::Result<()> {
        let mut due = Instant::now() + self.config.epoch_interval;
        while !drain.is_requested() && self.shared.progress.failure().is_none() {
            let now = Instant::now();
            let full = self.batch.bytes >= self.config.epoch_bytes;
            if full || now >= due || self.shared.progress.backlog() {
                let oldest = lock(&self.shared.inlets)
                    .next_epoch()
                    .saturating_sub(EPOCHS_IN_FLIGHT - 1);
                if self.shared.progress.wait_below(oldest, POLL_AT_LEAST) {
                    lock(&self.shared.inlets).send(self.batch.commands());
                    due = Instant::now() + self.config.epoch_interval;
                } else if full {
                    self.stay_a_member(drain)?;
                } else {
                    let room = self.config.epoch_bytes - self.batch.bytes;
                    self.poll(Duration::ZERO, room, drain)?;
                }
                continue;
            }
            self.poll(due - now, self.config.epoch_bytes - self.batch.bytes, drain)?;
        }
        Ok(())
    }

    fn poll(&mut self, timeout: Duration, bytes_max: usize, drain: &Drain) -> anyhow::Result<()> {
        let idle_ms = wall_clock_ms().saturating_sub(self.config.idle_allowance.as_millis() as u64);
        let polled = self
            .member
            .poll(timeout, bytes_max)
            .context("cannot read the raw traces")?;
        // The records come after all changes: what a partition had before it was revoked is not among them.
        self.changes(drain)?;
        for record in polled.records {
            self.batch.bytes += record.value.len();
            self.batch.idle.remove(&record.partition);
            self.batch
                .records
                .entry(record.partition)
                .or_default()
                .push(raw_record(record));
        }
        for at in polled.caught_up {
            self.batch.idle.insert(at.partition, idle_ms);
        }
        Ok(())
    }

    /// The epoch is full and commits hang: poll without taking records.
    fn stay_a_member(&mut self, drain: &Drain) -> anyhow::Result<()> {
        let raw = self.topics.raw(Signal::Traces);
        let mut full: Vec<TopicPartition> = (self.batch.records.keys())
            .map(|partition| TopicPartition::new(raw.clone(), *partition))
            .collect();
        self.member.pause(&full).context("cannot pause reading")?;
        self.poll(Duration::ZERO, 1, drain)?;
        // What was revoked in this poll is not ours to resume.
        full.retain(|at| self.batch.records.contains_key(&at.partition));
        self.member.resume(&full).context("cannot resume reading")
    }

    /// Partitions that came and stayed are recovered, and given to the workers before their first records.
    fn changes(&mut self, drain: &Drain) -> anyhow::Result<()> {
        let changes = std::mem::take(&mut *lock(&self.shared.changes));
        let mut came: Vec<Assigned> = Vec::new();
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
                    self.batch.others.push(Command::Truncated { partition, to })
                }
            }
        }
        if came.is_empty() {
            Ok(())
        } else {
            self.assigned(&came, drain)
        }
    }

    fn assigned(&mut self, partitions: &[Assigned], drain: &Drain) -> anyhow::Result<()> {
        self.ready.not_ready("reading the decision log");
        let give_up = || drain.is_requested();
        let recovered = match recovery::recover(
            self.bus,
            self.topics,
            &self.config.options,
            partitions,
            give_up,
        ) {
            Err(_) if drain.is_requested() => return Ok(()),
            recovered => recovered?,
        };
        let cache_bytes = self.config.memory_limit_bytes / recovered.len().max(1);
        for partition in recovered {
            let behind = partition.start.decide - partition.start.emit;
            tracing::debug!(
                partition = partition.partition,
                emit = partition.start.emit,
                behind,
                "partition assigned"
            );
            self.batch.others.push(Command::Assign {
                partition: partition.partition,
                start: partition.start,
                decisions: partition.decisions,
                cache_bytes,
            });
        }
        tracing::info!(partitions = partitions.len(), "partitions assigned");
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
