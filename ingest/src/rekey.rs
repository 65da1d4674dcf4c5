//! Partitioning anew what somebody else wrote to the bus, such as a Collector's Kafka exporter: read, split by trace, write to the raw
//! topic, exactly once.
//!
//! One thread, one epoch at a time: everything that a poll brought is committed, with its positions, before the next poll. So
//! nothing is under way when partitions come and go. Only traces. A record that names a tenant (another Tailwater wrote it, or somebody who
//! knows the header) stays that tenant's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::{
    Bus, Committer, DeadLetter, Delivery, Epoch, Fetched, GroupOptions, Member, Position, Record,
    Topic, TopicPartition, commit,
};
use bytes::Bytes;
use runtime::{Drain, Readiness};
use schemas::wire::WireError;
use schemas::{Signal, Topics};
use stage::{Announced, End, memberships, records_headers, tenant_of};

use crate::config::Rekey;
use crate::records::{Closed, Counts, Limits, Pack, RecordLimits, Rejected, Split, split};

/// Of one epoch's input; its output is smaller.
const EPOCH_BYTES: usize = 8 << 20;
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
const REVOKE_TIMEOUT: Duration = Duration::from_secs(30);
const SIGNAL: Signal = Signal::Traces;

/// Runs until the drain: blocking, so on a thread of its own. All topics must exist.
///
/// # Errors
/// What somebody has to act upon: a topic that isn't there, a bus that can't go on.
pub fn rekey(
    config: Rekey,
    bus: Arc<dyn Bus>,
    topics: Topics,
    instance: &str,
    ready: Readiness,
    drain: Drain,
) -> anyhow::Result<()> {
    let ask = || Rekeyer::new(&config, &*bus, &topics);
    let rekeyer =
        bus::until_reachable(ask, &ready, &drain).context("preparing to partition a topic anew")?;
    let Some(rekeyer) = rekeyer else {
        return Ok(());
    };
    let membership = || -> Result<(), End> {
        let options = GroupOptions {
            group: config
                .group
                .clone()
                .unwrap_or_else(|| topics.group("ingest")),
            topics: vec![config.topic.as_str().into()],
            delivery: Delivery::ExactlyOnce,
            instance: format!("{instance}-ingest"),
            revoke_timeout: REVOKE_TIMEOUT,
        };
        // Nothing is under way between two polls, so partitions may come and go.
        let (mut member, mut committer) =
            bus.join(options, Arc::new(Announced { stage: "ingest" }))?;
        let ended = rekeyer.membership(&mut *member, &mut *committer, &ready, &drain);
        let closed = member.close();
        ended.and(closed.map_err(End::from))
    };
    memberships("ingest", &ready, &drain, membership)
        .with_context(|| format!("partitioning {} anew", config.topic))
}

struct Rekeyer {
    raw: Topic,
    dead_letters: Topic,
    dead_partitions: u32,
    split: Limits,
    record: RecordLimits,
    counts: Counts,
}

/// An epoch with what it adds to the counters once it is visible.
#[derive(Default)]
struct Outcome {
    epoch: Epoch,
    /// Of each record that was split: items that were taken, and those that weren't.
    split: Vec<(usize, Rejected)>,
    items: u64,
    bytes: u64,
}

impl Rekeyer {
    fn new(config: &Rekey, bus: &dyn Bus, topics: &Topics) -> bus::Result<Self> {
        let (raw, dead_letters) = (topics.raw(SIGNAL), topics.dead_letters());
        let hard = bus.record_bytes_max();
        Ok(Self {
            split: Limits {
                partitions: bus.partition_count(&raw)?,
                item_bytes_max: hard,
            },
            dead_partitions: bus.partition_count(&dead_letters)?,
            record: RecordLimits {
                wanted: config.record_bytes_max.min(hard),
                hard,
            },
            counts: Counts::new(SIGNAL),
            raw,
            dead_letters,
        })
    }

    fn membership(
        &self,
        member: &mut dyn Member,
        committer: &mut dyn Committer,
        ready: &Readiness,
        drain: &Drain,
    ) -> Result<(), End> {
        while !drain.is_requested() {
            let polled = member.poll(POLL_TIMEOUT, EPOCH_BYTES)?;
            ready.ready();
            if polled.records.is_empty() {
                continue;
            }
            let outcome = self.epoch(&polled.records);
            commit(committer, &outcome.epoch, |_| {
                for (accepted, rejected) in &outcome.split {
                    self.counts.split(*accepted, rejected);
                }
                self.counts.published(outcome.items, outcome.bytes);
            })?;
        }
        Ok(())
    }

    /// What becomes of one poll's records. Pure.
    fn epoch(&self, records: &[Fetched]) -> Outcome {
        let mut packs: BTreeMap<(u32, Tenant), Pack<()>> = BTreeMap::new();
        let mut outcome = Outcome::default();
        let mut positions = BTreeMap::new();
        // Packs are closed at the end of the epoch, whatever the time.
        let due = Instant::now();
        for record in records {
            let at = TopicPartition::new(record.topic.clone(), record.partition);
            positions.insert(at, record.offset + 1);
            // Nobody sends again what stands in a topic: with one broken span the whole record is kept as a dead letter.
            let read = match record.check_version() {
                Ok(()) => split(SIGNAL, &record.value, self.split)
                    .and_then(whole)
                    .map_err(|error| format!("not an OTLP trace request: {error}")),
                Err(unknown) => Err(unknown.to_string()),
            };
            let split = match read {
                Ok(split) => split,
                Err(reason) => {
                    tracing::warn!(reason, topic = %record.topic, partition = record.partition, offset = record.offset, "a record can't be read");
                    outcome
                        .epoch
                        .records
                        .push(self.dead_letter(record, &reason));
                    continue;
                }
            };
            outcome
                .split
                .push((split.accepted(), split.rejected.clone()));
            let tenant = tenant_of(record);
            for (partition, items) in split.partitions() {
                let mut closed = Vec::new();
                let pack = packs.entry((partition, tenant.clone())).or_default();
                pack.add(items, &(), due, self.record, &mut closed);
                for record in closed {
                    self.put(&mut outcome, partition, &tenant, record);
                }
            }
        }
        for ((partition, tenant), pack) in &mut packs {
            if let Some(record) = pack.close() {
                self.put(&mut outcome, *partition, tenant, record);
            }
        }
        let position = |(at, offset)| Position {
            at,
            offset,
            metadata: String::new(),
        };
        outcome.epoch.positions = positions.into_iter().map(position).collect();
        outcome
    }

    fn put(&self, outcome: &mut Outcome, partition: u32, tenant: &Tenant, closed: Closed<()>) {
        outcome.items += closed.items;
        outcome.bytes += closed.value.len() as u64;
        let record = Record {
            headers: records_headers(tenant.clone()),
            value: closed.value,
        };
        let to = TopicPartition::new(self.raw.clone(), partition);
        outcome.epoch.records.push((to, record));
    }

    fn dead_letter(&self, record: &Fetched, reason: &str) -> (TopicPartition, Record) {
        let to = TopicPartition::new(
            self.dead_letters.clone(),
            record.partition % self.dead_partitions,
        );
        let letter = DeadLetter {
            stage: "ingest",
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            reason,
            value: record.value.clone(),
        };
        (
            to,
            letter.into_record(records_headers(tenant_of(record)), self.record.hard),
        )
    }
}

/// A split without malformed items.
fn whole(split: Split<'_>) -> Result<Split<'_>, WireError> {
    match split.rejected.wire_error() {
        Some(error) => Err(*error),
        None => Ok(split),
    }
}

/// Whose spans a record holds; `None`: the default tenant's.
type Tenant = Option<Bytes>;
