//! One backend: it joins its group, reads, and hands batches to its lanes; the polling thread is the caller's.
//!
//! Three threads a backend, so that none can hold up another: one polls (and so stays a member through any outage), one
//! delivers, one commits. What is in memory is bounded for each signal by `(concurrency + 2) × batch.bytes` and one poll (metrics:
//! `3 × concurrency × batch.bytes`, since each partition has its turn);
//! beyond that, partitions are paused and the bus is the buffer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bus::{Bus, Delivery as Guarantee, GroupOptions, Member, Polled, TopicPartition};
use runtime::{Drain, Readiness};
use schemas::{Signal, Topics};
use tokio::runtime::Handle;

use crate::commit::counts::Counts;
use crate::commit::ledger::Ledger;
use crate::config::Backend;
use crate::delivery::dead_letters::DeadLetters;
use crate::delivery::deliver::Delivery;
use crate::delivery::lane::Lane;
use crate::records::entry::Entry;
use crate::shell::membership::{Event, Membership};

/// How long giving up partitions may take: what is in flight may finish within it.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(10);
/// After the drain signal, reading goes on to the end of what is on the bus, at most for this long.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest poll: how late a drain signal may be seen.
const POLL_MAX: Duration = Duration::from_millis(200);
/// While a batch waits for room in flight, polls are this short at first.
const POLL_MIN: Duration = Duration::from_millis(5);
const POLL_BYTES_MAX: usize = 4 << 20;

/// Runs one backend until it is drained. Blocks; returns early only when the bus can't be used any more.
pub fn run_backend(
    backend: Backend,
    bus: Arc<dyn Bus>,
    topics: Topics,
    instance: String,
    ready: Readiness,
    drain: Drain,
) -> anyhow::Result<()> {
    let name: Arc<str> = backend.name.as_str().into();
    let sink = backend
        .kind
        .open()
        .with_context(|| format!("backend `{name}`"))?;
    let start = || {
        let count = |signal: &Signal| bus.partition_count(&topics.clean(*signal));
        let partitions: bus::Result<Vec<u32>> = backend.signals.iter().map(count).collect();
        Ok((partitions?, DeadLetters::new(&*bus, &topics, &name)?))
    };
    let started = bus::until_reachable(start, &ready, &drain)
        .with_context(|| format!("backend `{name}`: can't learn of its topics"))?;
    let Some((partitions, dead_letters)) = started else {
        return Ok(());
    };
    let dead_letters = Arc::new(dead_letters);
    let counts = Counts::new(&name, &backend.signals, &topics);
    let ledger = Arc::new(Ledger::new(counts));
    let io = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(format!("export-{name}"))
        .enable_all()
        .build()
        .context("can't start the exporter's runtime")?;

    let mut lanes = Vec::new();
    let mut deliveries = Vec::new();
    for (signal, partitions) in backend.signals.iter().zip(partitions) {
        let delivery = Delivery::new(
            &backend,
            *signal,
            sink.clone(),
            dead_letters.clone(),
            ledger.clone(),
            drain.clone(),
        );
        let topic = topics.clean(*signal);
        let own = Lane::of(
            &topic,
            partitions,
            backend.batch,
            backend.concurrency,
            delivery,
        );
        deliveries.extend(own.first().map(|lane| (topic, lane.delivery())));
        lanes.extend(own);
    }
    let read: Vec<_> = deliveries.iter().map(|(topic, _)| topic.clone()).collect();
    let membership = Arc::new(Membership::new(
        ledger.clone(),
        deliveries,
        REVOKE_TIMEOUT.mul_f64(0.8),
    ));
    let group = topics.group(&format!("export-{name}"));
    let options = GroupOptions {
        group: group.clone(),
        topics: read,
        delivery: Guarantee::AtLeastOnce,
        instance: format!("{instance}-export-{name}"),
        revoke_timeout: REVOKE_TIMEOUT,
    };
    let join = || bus.join(options.clone(), membership.clone());
    let joined = bus::until_reachable(join, &ready, &drain)
        .with_context(|| format!("backend `{name}`: can't join group `{group}`"))?;
    let Some((member, mut committer)) = joined else {
        return Ok(());
    };
    tracing::info!(
        backend = &*name,
        kind = backend.kind.name(),
        group,
        "exporting"
    );

    let mut pump = Pump {
        member,
        membership,
        ledger: ledger.clone(),
        lanes,
        owned: HashSet::new(),
        poll_bytes: backend.batch.bytes.min(POLL_BYTES_MAX),
        io: io.handle().clone(),
        drain,
        ready,
    };
    let outcome = std::thread::scope(|scope| {
        let spawned = std::thread::Builder::new()
            .name(format!("commit-{name}"))
            .spawn_scoped(scope, || ledger.commit_until_closed(&mut *committer));
        let outcome = match spawned {
            Ok(_) => match pump.run() {
                Ok(()) => pump.finish(),
                Err(error) => Err(error),
            },
            Err(error) => Err(anyhow!(error).context("can't start the committing thread")),
        };
        ledger.close();
        outcome
    });
    // Requests that were given up are cut off here; their records are on the bus.
    io.shutdown_background();
    outcome.with_context(|| format!("backend `{name}`"))
}

struct Pump {
    member: Box<dyn Member>,
    membership: Arc<Membership>,
    ledger: Arc<Ledger>,
    lanes: Vec<Lane>,
    owned: HashSet<TopicPartition>,
    poll_bytes: usize,
    io: Handle,
    drain: Drain,
    ready: Readiness,
}

impl Pump {
    /// Reads and hands over until drained.
    fn run(&mut self) -> anyhow::Result<()> {
        let mut draining_since = None;
        let mut caught_up = HashSet::new();
        let mut blocked = POLL_MIN;
        loop {
            let now = Instant::now();
            if self.drain.is_requested() {
                let since = *draining_since.get_or_insert(now);
                if now - since >= CATCH_UP_TIMEOUT
                    || self.owned.is_subset(&caught_up)
                    || self.lanes.iter().any(Lane::is_failing)
                {
                    return Ok(());
                }
            }
            for lane in &mut self.lanes {
                if lane.send_due(now, false, &self.io) {
                    blocked = POLL_MIN;
                }
            }
            self.pause_full_lanes();
            let wait = match self.lanes.iter().filter_map(|lane| lane.due_in(now)).min() {
                // Due, but there is no room in flight.
                Some(Duration::ZERO) => {
                    blocked = (blocked * 2).min(POLL_MAX);
                    blocked
                }
                Some(due) => due.min(POLL_MAX),
                None => POLL_MAX,
            };
            let polled = self.poll(wait)?;
            if draining_since.is_some() {
                caught_up.extend(polled.caught_up);
            }
            let now = Instant::now();
            for record in polled.records {
                let lane = self
                    .lanes
                    .iter_mut()
                    .find(|lane| lane.takes(&record.topic, record.partition));
                if let Some(lane) = lane {
                    lane.push(Entry::new(record), now);
                }
            }
        }
    }

    /// Delivers what is held, unless the backend takes nothing now, commits, and leaves the group.
    fn finish(mut self) -> anyhow::Result<()> {
        loop {
            let now = Instant::now();
            for lane in self.lanes.iter_mut().filter(|lane| !lane.is_failing()) {
                lane.send_due(now, true, &self.io);
            }
            let held =
                |lane: &Lane| lane.is_in_flight() || (!lane.is_failing() && !lane.is_empty());
            if !self.lanes.iter().any(held) {
                break;
            }
            for lane in &mut self.lanes {
                lane.paused = true;
            }
            let owned: Vec<_> = self.owned.iter().cloned().collect();
            self.member.pause(&owned)?;
            self.poll(POLL_MIN)?;
        }
        let owned: Vec<_> = self.owned.iter().cloned().collect();
        self.ledger.settle(&owned, REVOKE_TIMEOUT, || true);
        self.member.close().context("can't leave the group")
    }

    fn poll(&mut self, timeout: Duration) -> anyhow::Result<Polled> {
        if let Some(reason) = self.ledger.failure() {
            return Err(anyhow!(reason).context("can't commit positions"));
        }
        let polled = self.member.poll(timeout, self.poll_bytes);
        self.apply_events();
        match polled {
            Ok(polled) => {
                let trouble = self.lanes.iter().find_map(Lane::trouble);
                self.ready.set(trouble.map_or(Ok(()), Err));
                Ok(polled)
            }
            Err(bus::Error::Unavailable(reason) | bus::Error::Denied(reason)) => {
                tracing::warn!(reason, "can't read from the bus; trying again");
                self.ready
                    .not_ready(format!("can't read from the bus: {reason}"));
                std::thread::sleep(POLL_MAX);
                Ok(Polled::default())
            }
            Err(error) => Err(error).context("can't read from the bus"),
        }
    }

    /// What the member was told while it polled comes before the records of that poll.
    fn apply_events(&mut self) {
        for event in self.membership.take_events() {
            match event {
                Event::Assigned(partitions) => {
                    let full = |at: &&TopicPartition| {
                        self.lanes
                            .iter()
                            .any(|lane| lane.paused && lane.takes(&at.topic, at.partition))
                    };
                    let full: Vec<_> = partitions.iter().filter(full).cloned().collect();
                    if !full.is_empty() {
                        log_failure("pause", self.member.pause(&full));
                    }
                    self.owned.extend(partitions);
                }
                Event::Gone(partitions) => {
                    for lane in &mut self.lanes {
                        lane.give_up(&partitions);
                    }
                    for at in &partitions {
                        self.owned.remove(at);
                    }
                }
            }
        }
    }

    fn pause_full_lanes(&mut self) {
        for lane in &mut self.lanes {
            if lane.paused == lane.is_full() {
                continue;
            }
            lane.paused = lane.is_full();
            let own = |at: &&TopicPartition| lane.takes(&at.topic, at.partition);
            let partitions: Vec<_> = self.owned.iter().filter(own).cloned().collect();
            if lane.paused {
                log_failure("pause", self.member.pause(&partitions));
            } else {
                log_failure("resume", self.member.resume(&partitions));
            }
        }
    }
}

/// A partition that could not be paused overfills its lane for a moment, and one that went meanwhile needs nothing.
fn log_failure(what: &str, outcome: bus::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "can't {what} partitions");
    }
}
