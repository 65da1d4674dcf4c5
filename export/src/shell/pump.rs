//! The polling thread of a backend: reads, hands records to the lanes, and follows the partitions that come and go.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bus::{Member, Polled, TopicPartition};
use runtime::{Drain, Readiness};

use crate::commit::intent::Intent;
use crate::commit::ledger::Ledger;
use crate::config::{Audience, Backend};
use crate::delivery::lanes::Lanes;
use crate::records::entry::Entry;
use crate::shell::membership::{Event, Membership, REVOKE_TIMEOUT};

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
    /// Whose records the backend gets.
    tenants: Audience,
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
        backend: &Backend,
        drain: Drain,
        ready: Readiness,
    ) -> Self {
        Self {
            member,
            membership,
            ledger,
            lanes,
            tenants: backend.tenants.clone(),
            skipped_since: None,
            owned: HashSet::new(),
            poll_bytes: backend.batch.bytes.min(POLL_BYTES_MAX),
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
                self.take(Entry::new(record), now);
            }
            self.commit_skipped(now);
        }
    }

    fn take(&mut self, entry: Entry, now: Instant) {
        self.ledger.read(&entry);
        if self.tenants.takes(entry.tenant()) {
            self.lanes.push(entry, now);
        } else {
            self.ledger.skip(&entry);
            self.lanes.skip(&entry);
            self.skipped_since.get_or_insert(now);
        }
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
        self.apply_events();
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
    fn apply_events(&mut self) {
        for event in self.membership.take_events() {
            match event {
                Event::Assigned(assigned) => {
                    for (at, intent) in &assigned {
                        if let Some(Intent { last }) = intent {
                            self.lanes.remake(at, *last);
                        }
                    }
                    let partitions: Vec<_> = assigned.into_iter().map(|(at, _)| at).collect();
                    let paused = self.lanes.paused_of(&partitions);
                    self.pause(&paused);
                    self.owned.extend(partitions);
                }
                Event::Gone(partitions) => {
                    self.lanes.give_up(&partitions);
                    for at in &partitions {
                        self.owned.remove(at);
                    }
                }
            }
        }
    }

    fn pause_full_lanes(&mut self) {
        let flow = self.lanes.flow(&self.owned);
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
