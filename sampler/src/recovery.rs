//! What a new owner of partitions needs from the bus: where to start, and the verdicts that still hold.
//!
//! Committed positions were read before this runs, and the decision log is read up to the high watermark that it has
//! now: every verdict of an epoch whose position is visible lies below it, even when its transaction marker is late.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bus::{Assigned, Bus, Fetched, TopicPartition, WentBack, report_went_back};
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
        let raw_range = retry(&give_up, || {
            reader.range(&TopicPartition::new(raw.clone(), number))
        })?;
        let at = TopicPartition::new(log.clone(), number);
        let range = retry(&give_up, || reader.range(&at))?;
        let start = start(partition, &raw_range, &range, &topics.group("sampler"))?;
        if range.end > range.start {
            let offset = retry(&give_up, || {
                reader.offset_at(&at, start.scan_from_ms(options))
            })?
            .max(start.decisions_from);
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

/// Where a partition starts, with what its raw log and its decision log hold now.
fn start(
    partition: &Assigned,
    raw: &Range<u64>,
    decisions: &Range<u64>,
    group: &str,
) -> anyhow::Result<Start> {
    let Some(committed) = &partition.committed else {
        return Ok(Start {
            emit: raw.start,
            decide: raw.start,
            // Verdicts and positions are committed together: these are about a raw log that is gone.
            decisions_from: decisions.end,
            ..Start::default()
        });
    };
    let mut start = Position::parse(&committed.metadata)
        .with_context(|| format!("cannot start on {}", partition.at))?
        .start(committed.offset);
    if start.decide > raw.end {
        let what = WentBack::Shortened;
        report_went_back(group, &partition.at, start.decide, raw.end, what);
        // What comes now at these offsets has no verdict yet.
        start.decide = raw.end.max(start.emit);
    }
    if start.decisions_from > decisions.end {
        // The decision log itself was created anew, and all that is in it is about the present raw log.
        start.decisions_from = 0;
    }
    Ok(start)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const GROUP: &str = "g";

    fn assigned(committed: Option<(u64, Position)>) -> Assigned {
        let at = TopicPartition::new("raw", 0);
        let committed = committed.map(|(offset, position)| bus::Position {
            at: at.clone(),
            offset,
            metadata: position.to_metadata(),
        });
        Assigned { at, committed }
    }

    fn position(decide: u64, decisions_from: u64) -> Position {
        Position {
            decide,
            decisions_from,
            ..Position::default()
        }
    }

    /// L, P, and from where verdicts count.
    #[track_caller]
    fn check(
        committed: Option<(u64, Position)>,
        raw: Range<u64>,
        decisions: Range<u64>,
        expected: (u64, u64, u64),
    ) {
        let start = start(&assigned(committed), &raw, &decisions, GROUP).unwrap();
        assert_eq!((start.emit, start.decide, start.decisions_from), expected);
    }

    #[test]
    fn a_log_that_is_as_it_was_goes_on() {
        check(Some((5, position(9, 0))), 2..9, 0..7, (5, 9, 0));
        check(Some((5, position(9, 3))), 2..20, 0..7, (5, 9, 3));
    }

    /// Verdicts about the log that was there before don't count, now and after the next restart.
    #[test]
    fn a_log_that_nothing_was_read_of_has_no_verdicts() {
        check(None, 0..4, 0..0, (0, 0, 0));
        check(None, 2..4, 1..70, (2, 2, 70));
    }

    /// Records that come at the offsets of those that the brokers lost are decided like any others.
    #[test]
    fn a_log_that_lost_its_end_is_decided_from_there() {
        check(Some((5, position(9, 0))), 2..7, 0..7, (5, 7, 0));
        check(Some((7, position(9, 0))), 2..7, 0..7, (7, 7, 0));
    }

    #[test]
    fn a_decision_log_that_was_created_anew_counts_as_a_whole() {
        check(Some((5, position(9, 30))), 2..9, 0..7, (5, 9, 0));
    }
}
