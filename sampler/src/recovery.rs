//! What a new owner of partitions needs from the bus: where to start, and the verdicts that still hold.
//!
//! Committed positions were read before this runs, and the decision log is read up to the high watermark that it has
//! now: every verdict of an epoch whose position is visible lies below it, even when its transaction marker is late.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bus::{Assigned, Bus, Fetched, TopicPartition};
use schemas::decisions::DecisionBatch;
use schemas::{Signal, Topics, headers};

use crate::partition::{Options, RawRecord, Start};
use crate::position::Position;
use crate::rebuild::DecisionsRead;

/// Progress is logged this often while the decision log is read.
const REPORT_EVERY: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(200);
const POLL_BYTES: usize = 8 << 20;

/// One partition's way into memory.
pub struct Recovered {
    pub partition: u32,
    pub start: Start,
    pub decisions: Vec<DecisionBatch>,
}

/// A record of the raw topic as the window takes it.
pub fn raw_record(record: Fetched) -> RawRecord {
    let tenant = record
        .headers
        .into_iter()
        .find(|header| &*header.name == headers::TENANT)
        .map(|header| header.value);
    RawRecord {
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        tenant,
        value: record.value,
    }
}

/// Reads what the partitions need. Blocks until the decision log is stable up to its present end.
///
/// # Errors
/// The bus fails for good, position metadata or a decision batch can't be read, or `give_up` says so.
pub fn recover(
    bus: &dyn Bus,
    topics: &Topics,
    options: &Options,
    assigned: &[Assigned],
    give_up: impl Fn() -> bool,
) -> anyhow::Result<(Vec<Recovered>, DecisionsRead)> {
    if assigned.is_empty() {
        return Ok(Default::default());
    }
    let started = Instant::now();
    let raw = topics.raw(Signal::Traces);
    let log = topics.decisions();
    let mut reader = bus.reader().context("cannot open a reader for recovery")?;
    let mut recovered: BTreeMap<u32, Recovered> = BTreeMap::new();
    let mut unread: BTreeMap<u32, u64> = BTreeMap::new();
    let mut from = Vec::new();
    for partition in assigned {
        let number = partition.at.partition;
        let start = match &partition.committed {
            Some(committed) => Position::parse(&committed.metadata)
                .with_context(|| format!("cannot start on {}", partition.at))?
                .start(committed.offset),
            None => {
                let oldest = retry(&give_up, || {
                    reader.range(&TopicPartition::new(raw.clone(), number))
                })?
                .start;
                Start {
                    emit: oldest,
                    decide: oldest,
                    ..Start::default()
                }
            }
        };
        let at = TopicPartition::new(log.clone(), number);
        let range = retry(&give_up, || reader.range(&at))?;
        if range.end > range.start {
            let offset = retry(&give_up, || {
                reader.offset_at(&at, start.scan_from_ms(options))
            })?;
            if offset < range.end {
                unread.insert(number, range.end);
                from.push((at, offset));
            }
        }
        recovered.insert(
            number,
            Recovered {
                partition: number,
                start,
                decisions: Vec::new(),
            },
        );
    }
    let mut read = DecisionsRead::default();
    let mut reported = Instant::now();
    if !from.is_empty() {
        retry(&give_up, || reader.assign(&from))?;
    }
    while !unread.is_empty() {
        for record in retry(&give_up, || reader.poll(POLL, POLL_BYTES))? {
            let batch = DecisionBatch::decode(&record.value).with_context(|| {
                format!(
                    "cannot read the decision log {}/{} at offset {}",
                    record.topic, record.partition, record.offset
                )
            })?;
            read.batches += 1;
            read.verdicts += batch.entries.len() as u64;
            if let Some(partition) = recovered.get_mut(&record.partition) {
                partition.decisions.push(batch);
            }
        }
        let mut stable = Vec::new();
        for (partition, end) in &unread {
            if reader.position(&TopicPartition::new(log.clone(), *partition))? >= *end {
                stable.push(*partition);
            }
        }
        for partition in stable {
            unread.remove(&partition);
        }
        if reported.elapsed() > REPORT_EVERY {
            reported = Instant::now();
            tracing::info!(
                partitions_left = unread.len(),
                verdicts = read.verdicts,
                "reading the decision log; an open transaction may hold its end back"
            );
        }
        if give_up() {
            bail!("recovery was interrupted");
        }
    }
    read.took = started.elapsed();
    Ok((recovered.into_values().collect(), read))
}

/// Repeats what fails because the bus is unreachable just now.
fn retry<T>(
    give_up: &impl Fn() -> bool,
    mut attempt: impl FnMut() -> bus::Result<T>,
) -> anyhow::Result<T> {
    let mut wait = Duration::from_millis(50);
    loop {
        match attempt() {
            Err(bus::Error::Unavailable(reason)) if !give_up() => {
                tracing::warn!(%reason, "the bus does not answer during recovery; trying again");
                std::thread::sleep(wait);
                wait = (wait * 2).min(Duration::from_secs(2));
            }
            result => return Ok(result?),
        }
    }
}
