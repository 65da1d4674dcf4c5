//! The polling thread of a backend: reads, hands records to the lanes, and follows the partitions that come and go.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bus::{Bus, Member, Polled, TopicPartition};
use runtime::{Drain, Readiness};

use crate::commit::intent::Intent;
use crate::commit::ledger::{Ledger, Read};
use crate::config::{Backend, Start};
use crate::delivery::queue::lanes::Lanes;
use crate::records::entry::Entry;
use crate::records::skipped::Skipped;
use crate::shell::holding::Holding;
use crate::shell::intake::{self, Intake, Taken};
use crate::shell::membership::{Event, Given, Membership, REVOKE_TIMEOUT};

/// After the drain signal, reading goes on to the end of what is on the bus, at most for this long.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest poll: how late a drain signal may be seen.
const POLL_MAX: Duration = Duration::from_millis(200);
/// While a batch waits for room in flight, polls are this short at first.
const POLL_MIN: Duration = Duration::from_millis(5);
const POLL_BYTES_MAX: usize = 4 << 20;

pub struct Pump {
    member: Box<dyn Member>,
    membership: Arc<Membership>,
    ledger: Arc<Ledger>,
    lanes: Lanes,
    intake: Intake,
    holding: Holding,
    backend: String,
    bus: Arc<dyn Bus>,
    start: Start,
    /// Where partitions began that the group had never read.
    starts: HashMap<TopicPartition, u64>,
    /// Partitions that the last poll moved to where they begin: what it brought of them comes again.
    moved: HashSet<TopicPartition>,
    /// Records were skipped since then, and the ledger wasn't told to commit.
    skipped_since: Option<Instant>,
    owned: HashSet<TopicPartition>,
    poll_bytes: usize,
    drain: Drain,
    ready: Readiness,
}

impl Pump {
    /// Not more than a batch is polled at a time.
    pub fn new(
        (member, membership): (Box<dyn Member>, Arc<Membership>),
        ledger: Arc<Ledger>,
        lanes: Lanes,
        (backend, bus): (&Backend, Arc<dyn Bus>),
        intake: Intake,
        drain: Drain,
        ready: Readiness,
    ) -> Self {
        let signals = backend.signals.iter();
        let batches = signals.map(|signal| backend.batch(*signal).bytes);
        let largest_batch = batches.max().unwrap_or(POLL_BYTES_MAX);
        Self {
            member,
            membership,
            ledger,
            lanes,
            intake,
            holding: Holding::new(&backend.name),
            backend: backend.name.clone(),
            bus,
            start: backend.start,
            starts: HashMap::new(),
            moved: HashSet::new(),
            skipped_since: None,
            owned: HashSet::new(),
            poll_bytes: largest_batch.min(POLL_BYTES_MAX),
            drain,
            ready,
        }
    }

    /// Reads and hands over until drained; then delivers what waits, unless the backend takes nothing now, commits, and leaves the group.
    ///
    /// # Errors
    /// The bus can't be used any more.
    pub fn run(mut self) -> anyhow::Result<()> {
        self.read_until_drained()?;
        self.finish()
    }

    fn read_until_drained(&mut self) -> anyhow::Result<()> {
        let mut draining_since = None;
        let mut caught_up = HashSet::new();
        let mut blocked = POLL_MIN;
        loop {
            let now = Instant::now();
            if self.drain.is_requested() {
                let since = *draining_since.get_or_insert(now);
                if now - since >= CATCH_UP_TIMEOUT
                    || self.owned.is_subset(&caught_up)
                    || self.lanes.is_any_failing()
                {
                    return Ok(());
                }
            }
            if self.lanes.send_due(now) {
                blocked = POLL_MIN;
            }
            self.release_held()?;
            self.pause_full_lanes();
            let wait = match self.lanes.due_in(now) {
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
                let at = TopicPartition::new(record.topic.clone(), record.partition);
                let start = self.starts.get(&at);
                let is_before = start.is_some_and(|start| record.offset < *start);
                if !is_before && !self.moved.contains(&at) {
                    self.take(Entry::new(record), now);
                }
            }
            self.moved.clear();
            self.commit_skipped(now);
        }
    }

    fn take(&mut self, entry: Entry, now: Instant) {
        let read = Read::from(&entry);
        if self.holding.holds(&read.at) {
            return;
        }
        let (at, offset) = (read.at.clone(), read.offset);
        match self.intake.take(entry, intake::now()) {
            Taken::Goes(entry) => {
                self.ledger.read(read);
                self.lanes.push(entry, now);
            }
            Taken::Skipped(skipped) => {
                self.ledger.read(read);
                self.skip(&at, offset, skipped, now);
            }
            Taken::NotBefore(time_ms) => {
                self.pause(std::slice::from_ref(&at));
                self.holding.hold(at, offset, time_ms);
            }
        }
    }

    /// Goes on with partitions that waited for room in a quota.
    fn release_held(&mut self) -> anyhow::Result<()> {
        let now_ms = intake::now().as_millis() as u64;
        for (at, offset) in self.holding.release(now_ms, !self.intake.quota_holds()) {
            let seek = self.member.seek(&at, offset);
            seek.with_context(|| format!("can't go on with {at} after its quota was used up"))?;
            if self.lanes.paused_of(std::slice::from_ref(&at)).is_empty() {
                log_failure("resume", self.member.resume(&[at]));
            }
        }
        Ok(())
    }

    /// A record of which nothing is for the backend.
    fn skip(&mut self, at: &TopicPartition, offset: u64, skipped: Skipped, now: Instant) {
        self.ledger.skip(at, offset, skipped);
        self.lanes.skip(at, offset);
        self.skipped_since.get_or_insert(now);
    }

    /// A commit costs the bus the same however much it is about, so skipped records wait for each other.
    fn commit_skipped(&mut self, now: Instant) {
        if self
            .skipped_since
            .is_some_and(|since| now - since >= POLL_MAX)
        {
            self.skipped_since = None;
            self.ledger.wake();
        }
    }

    fn finish(mut self) -> anyhow::Result<()> {
        loop {
            self.lanes.send_all(Instant::now());
            if self.lanes.is_done() {
                break;
            }
            self.lanes.pause_all();
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
        // Its failure must not pass for one of the poll, whose records would be passed over.
        self.apply_events().context("can't begin at `start`")?;
        match polled {
            Ok(polled) => {
                self.ready.set(self.lanes.trouble().map_or(Ok(()), Err));
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

    /// What the group said while the member polled comes before the records of that poll.
    fn apply_events(&mut self) -> bus::Result<()> {
        for event in self.membership.take_events() {
            match event {
                Event::Assigned(given) => {
                    for Given { at, intent, is_new } in &given {
                        self.intake.own(at);
                        if let Some(Intent { last }) = intent {
                            self.lanes.remake(at, *last);
                        }
                        if *is_new {
                            self.begin_at_start(at)?;
                        }
                    }
                    let partitions: Vec<_> = given.into_iter().map(|given| given.at).collect();
                    let paused = self.lanes.paused_of(&partitions);
                    self.pause(&paused);
                    self.owned.extend(partitions);
                }
                Event::Gone(partitions) => {
                    self.lanes.give_up(&partitions);
                    self.intake.give_up(&partitions);
                    for at in &partitions {
                        self.holding.give_up(at);
                        self.owned.remove(at);
                        self.starts.remove(at);
                    }
                }
            }
        }
        Ok(())
    }

    /// A partition that the group has never read begins where the configuration says. What was read of it before is left out, and the position is
    /// committed, or a restart would begin elsewhere.
    fn begin_at_start(&mut self, at: &TopicPartition) -> bus::Result<()> {
        if self.start == Start::Oldest {
            return Ok(());
        }
        let look_up = || {
            let mut reader = self.bus.reader()?;
            match self.start {
                Start::At(time_ms) => reader.offset_at(at, time_ms),
                _ => reader.range(at).map(|range| range.end),
            }
        };
        let Some(offset) = bus::until_reachable(look_up, &self.ready, &self.drain)? else {
            // Draining: nothing of it is read, and the next start begins there.
            self.starts.insert(at.clone(), u64::MAX);
            return Ok(());
        };
        self.member.seek(at, offset)?;
        self.moved.insert(at.clone());
        self.starts.insert(at.clone(), offset);
        self.ledger.start(at, offset);
        tracing::info!(backend = self.backend, %at, offset, "a new backend begins here");
        Ok(())
    }

    fn pause_full_lanes(&mut self) {
        let mut flow = self.lanes.flow(&self.owned);
        flow.resume.retain(|at| !self.holding.holds(at));
        self.pause(&flow.pause);
        if !flow.resume.is_empty() {
            log_failure("resume", self.member.resume(&flow.resume));
        }
    }

    fn pause(&mut self, partitions: &[TopicPartition]) {
        if !partitions.is_empty() {
            log_failure("pause", self.member.pause(partitions));
        }
    }
}

/// A partition that could not be paused overfills its lane for a moment, and one that went meanwhile needs nothing.
fn log_failure(what: &str, outcome: bus::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "can't {what} partitions");
    }
}
