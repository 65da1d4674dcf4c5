//! Reads the topics of `ingest.kafka` as a member of a group, and commits what becomes of them with their positions.
//!
//! One thread: everything that a poll brought is committed before the next poll. So nothing is under way when partitions come and go. A
//! record that names a tenant (another Tailwater wrote it, or somebody who knows the header) stays that tenant's, and goes to the topics of that
//! tenant's retention class. Where the class isn't taken here, nothing of the record is copied.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::{Bus, Committer, Delivery, Error, Fetched, GroupOptions, Member, Topic, commit};
use metrics::counter;
use runtime::{Drain, Readiness};
use schemas::Signal;
use stage::{Announced, End, memberships};

use super::config::Kafka;
use super::epoch::{OUTCOMES, Outcome, Rekeying};
use crate::names;
use crate::records::Counts;
use crate::residency::Residency;

/// Of one poll's records, about.
const POLL_BYTES: usize = 8 << 20;
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
const REVOKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks for topics that weren't there.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until the drain: blocking, so on a thread of its own. All topics of ours must exist; a source that doesn't is waited for.
///
/// # Errors
/// What somebody has to act upon: a topic that isn't there, a bus that can't go on.
pub fn rekey(
    config: Kafka,
    bus: Arc<dyn Bus>,
    residency: impl Into<Residency>,
    instance: &str,
    ready: Readiness,
    drain: Drain,
) -> anyhow::Result<()> {
    let residency = residency.into();
    let counts = Signal::ALL.map(Counts::new);
    config.topics().for_each(register);
    let ask = || Rekeying::new(&config, &*bus, &residency);
    let rekeying =
        bus::until_reachable(ask, &ready, &drain).context("preparing to partition topics anew")?;
    let Some(rekeying) = rekeying else {
        return Ok(());
    };
    let rekeyer = Rekeyer { rekeying, counts };
    let membership = || -> Result<(), End> {
        let (there, mut absent) = Absent::look(&*bus, &config);
        if there.is_empty() {
            return Err(End::Again(format!("none of its topics is there: {absent}")));
        }
        let options = GroupOptions {
            group: config
                .group
                .clone()
                .unwrap_or_else(|| residency.group("ingest")),
            delivery: Delivery::ExactlyOnce,
            instance: member_name(instance, &there),
            topics: there,
            revoke_timeout: REVOKE_TIMEOUT,
        };
        // Nothing is under way between two polls, so partitions may come and go.
        let (mut member, mut committer) =
            bus.join(options, Arc::new(Announced { stage: "ingest" }))?;
        let ended = rekeyer.membership(&mut *member, &mut *committer, &mut absent, &ready, &drain);
        let closed = member.close();
        ended.and(closed.map_err(End::from))
    };
    let named = config.topics().collect::<Vec<_>>().join(", ");
    memberships("ingest", &ready, &drain, membership)
        .with_context(|| format!("partitioning {named} anew"))
}

/// Topics that don't exist (yet): others are read meanwhile, and a subscription to what isn't there would make the bus seem away.
struct Absent<'b> {
    bus: &'b dyn Bus,
    topics: Vec<Topic>,
    looked: Instant,
    /// The last look found one.
    found: bool,
}

impl<'b> Absent<'b> {
    /// The topics that are there, and those that aren't. Where the bus doesn't say, the membership finds out.
    fn look(bus: &'b dyn Bus, config: &Kafka) -> (Vec<Topic>, Self) {
        let topics = config.topics().map(Topic::from);
        let (topics, there): (Vec<_>, Vec<_>) = topics
            .partition(|topic| matches!(bus.ranges(topic, LOOK_TIMEOUT), Err(Error::Fatal(_))));
        let looked = Instant::now();
        let absent = Self {
            bus,
            topics,
            looked,
            found: false,
        };
        if !absent.topics.is_empty() {
            tracing::warn!(topics = %absent, "topics of ingest.kafka don't exist; they are read once they do");
        }
        (there, absent)
    }

    /// # Errors
    /// One of them is there now, and the group has to be joined again.
    fn appeared(&mut self) -> Result<(), End> {
        if self.topics.is_empty() || self.looked.elapsed() < LOOK_EVERY {
            return Ok(());
        }
        let is_there = |topic: &&Topic| self.bus.ranges(topic, LOOK_TIMEOUT).is_ok();
        let found = self.topics.iter().find(is_there);
        self.looked = Instant::now();
        // Twice: not all brokers know of a new topic at once, and a client that hears of none asks again after minutes.
        match (found, std::mem::replace(&mut self.found, found.is_some())) {
            (Some(topic), true) => Err(End::Again(format!("topic `{topic}` is there now"))),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Absent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.topics.join(", "))
    }
}

/// Kafka gives a static member that comes back what it had, whatever it subscribes to now. So with other topics it is another member, and
/// the one before times out.
fn member_name(instance: &str, topics: &[Topic]) -> String {
    let mut hasher = DefaultHasher::new();
    topics.iter().collect::<BTreeSet<_>>().hash(&mut hasher);
    format!("{instance}-ingest-{:08x}", hasher.finish() as u32)
}

struct Rekeyer {
    rekeying: Rekeying,
    counts: [Counts; Signal::ALL.len()],
}

impl Rekeyer {
    fn membership(
        &self,
        member: &mut dyn Member,
        committer: &mut dyn Committer,
        absent: &mut Absent<'_>,
        ready: &Readiness,
        drain: &Drain,
    ) -> Result<(), End> {
        while !drain.is_requested() {
            let polled = member.poll(POLL_TIMEOUT, POLL_BYTES)?;
            ready.ready();
            self.commit(&polled.records, committer)?;
            absent.appeared()?;
        }
        Ok(())
    }

    /// In as many epochs as the records need.
    fn commit(&self, mut records: &[Fetched], committer: &mut dyn Committer) -> Result<(), End> {
        while !records.is_empty() {
            let (outcome, taken) = self.rekeying.epoch(records);
            commit(committer, &outcome.epoch, |_| self.count(&outcome))?;
            records = &records[taken..];
        }
        Ok(())
    }

    fn count(&self, outcome: &Outcome) {
        for (signal, accepted, rejected) in &outcome.split {
            self.counts[*signal as usize].split(*accepted, rejected);
        }
        for (counts, filtered) in self.counts.iter().zip(outcome.filtered) {
            counts.filtered(filtered);
        }
        for (counts, published) in self.counts.iter().zip(outcome.published) {
            counts.published(published.items, published.bytes);
        }
        for (topic, counts) in &outcome.records {
            for (outcome, count) in OUTCOMES.into_iter().zip(counts) {
                records(topic, outcome).increment(*count);
            }
        }
    }
}

/// Every counter is there from the start.
fn register(topic: &str) {
    for outcome in OUTCOMES {
        records(topic, outcome).increment(0);
    }
}

fn records(topic: &str, outcome: &'static str) -> metrics::Counter {
    counter!(names::KAFKA_RECORDS, "topic" => topic.to_owned(), "outcome" => outcome)
}
