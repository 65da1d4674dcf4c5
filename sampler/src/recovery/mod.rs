//! Takes partitions over: looks up where each starts, and streams its decision log to the worker that owns it.
//!
//! The consumer calls [`Recovery::step`] between two polls of its group, so that membership goes on however long the log is. What one step
//! reads is bounded, and an epoch carries no more of it than [`RESTORE_BYTES_MAX`]: memory doesn't grow with the log. Verdicts
//! that no longer hold are dropped by the worker, batch by batch (see `restore`).
//!
//! Committed positions were read before this begins, and the decision log is read up to the high watermark of that moment:
//! every verdict of an epoch whose position is visible lies below it, even when its transaction marker is late.
pub(crate) mod rebuild;
pub(crate) mod reread;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::{
    Assigned, Bus, Fetched, Reader, Scan, Topic, TopicPartition, WentBack, announce_went_back,
    report_went_back,
};
use schemas::{Signal, Topics};

use crate::epoch::batch::Batch;
use crate::epoch::command::Command;
use crate::options::Options;
use crate::position::Position;
use crate::position::Start;
use crate::recovery::rebuild::DecisionsRead;

/// What one epoch carries of decision logs, encoded. Three epochs may be under way, and a worker decodes one record at a time.
pub const RESTORE_BYTES_MAX: usize = 2 << 20;
/// Logs that are read at the same time. The bus client prefetches for each, a megabyte or more.
const PARTITIONS_AT_ONCE: usize = 16;
/// Progress is logged this often while the decision log is read.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// One step waits for the bus at most this long,
const POLL: Duration = Duration::from_millis(100);
/// for the oldest record of a partition without a position this long,
const OLDEST_WITHIN: Duration = Duration::from_secs(1);
/// and looks up starts for this long.
const LOOK_UP: Duration = Duration::from_millis(500);
/// After the bus didn't answer.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(2);

/// The partitions that are on their way, up to the end of their decision log.
pub struct Recovery {
    raw: Topic,
    log: Topic,
    /// The sampler's consumer group, for messages.
    group: String,
    /// Every partition that came and is not restored.
    under_way: BTreeSet<u32>,
    /// Where they start has to be looked up.
    unplaced: VecDeque<Assigned>,
    /// What is left of the partitions' decision logs.
    unread: BTreeMap<u32, Range<u64>>,
    /// The group has no position on these raw logs, which begin here. A verdict that is read says that it had one.
    without_position: BTreeMap<u32, u64>,
    /// Of what is unread. Opened when it is needed, thrown away when it failed.
    scan: Option<Scan>,
    read: DecisionsRead,
    began: Instant,
    reported: Instant,
    retry: Option<Retry>,
}

struct Retry {
    at: Instant,
    wait: Duration,
    reason: String,
}

impl Recovery {
    pub fn new(topics: &Topics) -> Self {
        let (log, group) = (topics.decisions(), topics.group("sampler"));
        announce_went_back(&group, std::slice::from_ref(&log));
        Self {
            raw: topics.raw(Signal::Traces),
            log,
            group,
            under_way: BTreeSet::new(),
            unplaced: VecDeque::new(),
            unread: BTreeMap::new(),
            without_position: BTreeMap::new(),
            scan: None,
            read: DecisionsRead::default(),
            began: Instant::now(),
            reported: Instant::now(),
            retry: None,
        }
    }

    /// These partitions came.
    pub fn begin(&mut self, partitions: Vec<Assigned>) {
        if self.under_way.is_empty() {
            self.read = DecisionsRead::default();
            self.began = Instant::now();
            self.reported = self.began;
        }
        let numbers = partitions.iter().map(|assigned| assigned.at.partition);
        self.under_way.extend(numbers);
        self.unplaced.extend(partitions);
    }

    /// The partition is not ours any more.
    pub fn forget(&mut self, partition: u32) {
        self.under_way.remove(&partition);
        self.unplaced
            .retain(|assigned| assigned.at.partition != partition);
        self.unread.remove(&partition);
        self.without_position.remove(&partition);
        let at = self.log_of(partition);
        if let Some(scan) = &mut self.scan {
            scan.forget(&at);
        }
    }

    /// Why it doesn't get on, for now.
    pub fn trouble(&self) -> Option<&str> {
        self.retry.as_ref().map(|retry| &*retry.reason)
    }

    pub fn is_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Records of this partition are not to be read yet.
    pub fn holds(&self, partition: u32) -> bool {
        self.under_way.contains(&partition)
    }

    /// How long there is nothing to do here: until the bus is asked again.
    pub fn rest(&self) -> Duration {
        self.retry.as_ref().map_or(Duration::ZERO, |retry| {
            retry.at.saturating_duration_since(Instant::now())
        })
    }

    /// Goes on for a moment, and adds what the workers are to do to the batch: a partition's `Assign`, then its log.
    ///
    /// # Errors
    /// The bus fails for good, or position metadata can't be read.
    pub fn step(
        &mut self,
        bus: &dyn Bus,
        options: &Options,
        timeout: Duration,
        batch: &mut Batch,
    ) -> anyhow::Result<()> {
        if !self.rest().is_zero() {
            return Ok(());
        }
        let advanced = self.scan(bus).and_then(|mut scan| {
            self.look_up(&mut scan, options, batch)?;
            self.read(&mut scan, timeout, batch)?;
            Ok(scan)
        });
        match advanced {
            Ok(scan) => {
                self.scan = Some(scan);
                self.retry = None;
            }
            Err(error) => match error.downcast_ref() {
                Some(bus::Error::Unavailable(reason) | bus::Error::Denied(reason)) => {
                    tracing::warn!(%reason, "the bus does not answer during recovery; trying again");
                    let wait = self.retry.as_ref().map_or(RETRY_FIRST, |retry| retry.wait);
                    self.retry = Some(Retry {
                        at: Instant::now() + wait,
                        wait: (wait * 2).min(RETRY_MAX),
                        reason: reason.clone(),
                    });
                }
                _ => return Err(error),
            },
        }
        self.report();
        Ok(())
    }

    /// Every log has been read to its end: what was read, and of which partitions. They are nobody's concern here any more.
    pub fn finish(&mut self) -> Option<(BTreeSet<u32>, DecisionsRead)> {
        if self.under_way.is_empty() || self.partitions_left() > 0 {
            return None;
        }
        self.scan = None;
        self.read.took = self.began.elapsed();
        Some((std::mem::take(&mut self.under_way), self.read))
    }

    /// The scan that goes on, or one of all that is unread.
    fn scan(&mut self, bus: &dyn Bus) -> anyhow::Result<Scan> {
        if let Some(scan) = self.scan.take() {
            return Ok(scan);
        }
        let reader = bus.reader().context("cannot open a reader for recovery")?;
        let mut scan = Scan::new(reader).with_partitions_max(PARTITIONS_AT_ONCE);
        for (&partition, range) in &self.unread {
            scan.add(self.log_of(partition), range.clone());
        }
        Ok(scan)
    }

    /// Where partitions start, and what is to be read of their logs.
    fn look_up(
        &mut self,
        scan: &mut Scan,
        options: &Options,
        batch: &mut Batch,
    ) -> anyhow::Result<()> {
        let until = Instant::now() + LOOK_UP;
        while let Some(assigned) = self.unplaced.front()
            && Instant::now() < until
        {
            let reader = scan.reader();
            let partition = assigned.at.partition;
            let raw = reader.range(&TopicPartition::new(self.raw.clone(), partition))?;
            let at = TopicPartition::new(self.log.clone(), partition);
            let range = reader.range(&at)?;
            let start = match &assigned.committed {
                Some(committed) => resume(committed, &raw, (&at, &range), options, &self.group)?,
                None => {
                    let decisions_from = match options.bus.stamps {
                        true => about_present(reader, (&assigned.at, &raw), (&at, &range))?,
                        // Producers' clocks say nothing of the age of a log.
                        false => Some(range.start),
                    };
                    let Some(decisions_from) = decisions_from else {
                        return Ok(());
                    };
                    if decisions_from > range.start {
                        let what = WentBack::Forgotten;
                        report_went_back(&self.group, &assigned.at, None, raw.start, what);
                    }
                    Start {
                        emit: raw.start,
                        decide: raw.start,
                        decisions_from,
                        ..Start::default()
                    }
                }
            };
            if range.end > range.start {
                let since = reader.offset_at(&at, start.scan_from_ms(options))?;
                let unread = since.max(start.decisions_from)..range.end;
                if !unread.is_empty() {
                    if assigned.committed.is_none() {
                        self.without_position.insert(partition, raw.start);
                    }
                    self.unread.insert(partition, unread.clone());
                    scan.add(at, unread);
                }
            }
            self.unplaced.pop_front();
            let behind = start.decide - start.emit;
            tracing::debug!(partition, emit = start.emit, behind, "partition assigned");
            batch.add(Command::Assign { partition, start });
        }
        Ok(())
    }

    /// Some more of the logs that are being read.
    fn read(
        &mut self,
        scan: &mut Scan,
        timeout: Duration,
        batch: &mut Batch,
    ) -> anyhow::Result<()> {
        let room = RESTORE_BYTES_MAX.saturating_sub(batch.restore_bytes());
        let mut records: BTreeMap<u32, Vec<Fetched>> = BTreeMap::new();
        for record in scan.step(timeout.min(POLL), room)? {
            self.read.batches += 1;
            self.read.bytes += record.value.len() as u64;
            records.entry(record.partition).or_default().push(record);
        }
        for (partition, records) in records {
            if let Some(begin) = self.without_position.remove(&partition) {
                let at = TopicPartition::new(self.raw.clone(), partition);
                report_went_back(&self.group, &at, None, begin, WentBack::Forgotten);
            }
            batch.add(Command::Restore { partition, records });
        }
        let log = &self.log;
        self.unread.retain(|&partition, unread| {
            match scan.left(&TopicPartition::new(log.clone(), partition)) {
                Some(left) => {
                    unread.start = left.start;
                    true
                }
                None => false,
            }
        });
        Ok(())
    }

    fn log_of(&self, partition: u32) -> TopicPartition {
        TopicPartition::new(self.log.clone(), partition)
    }

    fn partitions_left(&self) -> usize {
        self.unplaced.len() + self.unread.len()
    }

    fn report(&mut self) {
        if self.reported.elapsed() > REPORT_EVERY {
            self.reported = Instant::now();
            tracing::info!(
                partitions_left = self.partitions_left(),
                batches = self.read.batches,
                bytes = self.read.bytes,
                "reading the decision log; an open transaction may hold its end back"
            );
        }
    }
}

/// Where a partition without a position has its first verdict about the raw log that is there now. What was written before that log's oldest record is about
/// another one. A position may be missing although there are verdicts: theirs is not visible yet, or was never committed (at-least-once), or the brokers have
/// let go of it. `None`: the oldest record did not come yet.
fn about_present(
    reader: &mut dyn Reader,
    (raw, exist): (&TopicPartition, &Range<u64>),
    (log, decisions): (&TopicPartition, &Range<u64>),
) -> bus::Result<Option<u64>> {
    if exist.is_empty() || decisions.is_empty() {
        return Ok(Some(decisions.end));
    }
    reader.assign(&[(raw.clone(), exist.start)])?;
    match reader.poll(OLDEST_WITHIN, 1)?.first() {
        Some(oldest) => reader.offset_at(log, oldest.timestamp_ms).map(Some),
        None if reader.position(raw)? >= exist.end => Ok(Some(decisions.end)),
        None => Ok(None),
    }
}

/// Where a partition goes on, with what its raw log and its decision log hold now.
fn resume(
    committed: &bus::Position,
    raw: &Range<u64>,
    (log, decisions): (&TopicPartition, &Range<u64>),
    options: &Options,
    group: &str,
) -> anyhow::Result<Start> {
    let position = Position::parse(&committed.metadata)
        .with_context(|| format!("cannot start on {}", committed.at))?;
    let mut start = position.start(committed.offset);
    if start.decide > raw.end {
        let what = WentBack::Shortened;
        report_went_back(group, &committed.at, Some(start.decide), raw.end, what);
        // What comes now at these offsets has no verdict yet.
        start.decide = raw.end.max(start.emit);
    }
    let replaced = position.is_of_another_decision_log(&options.bus);
    if replaced {
        report_went_back(group, log, None, decisions.start, WentBack::Replaced);
    }
    if replaced || start.decisions_from > decisions.end {
        // The decision log itself was created anew, and all that is in it is about the present raw log.
        start.decisions_from = 0;
    }
    Ok(start)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const GROUP: &str = "g";
    /// The decision log that is there.
    const THERE: u64 = 7;

    fn options(decision_log: u64) -> Options {
        let mut problems = runtime::config::Problems::new();
        let mut options = crate::RawConfig::default()
            .validate("", &mut problems)
            .options;
        options.bus.stamps = true;
        options.bus.decision_log = decision_log;
        options
    }
    const WITHIN: Duration = Duration::from_secs(30);

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
        (offset, position): (u64, Position),
        raw: Range<u64>,
        decisions: Range<u64>,
        expected: (u64, u64, u64),
    ) {
        let committed = bus::Position {
            at: TopicPartition::new("raw", 0),
            offset,
            metadata: position.to_metadata(),
        };
        let log = TopicPartition::new("decisions", 0);
        let options = options(THERE);
        let start = resume(&committed, &raw, (&log, &decisions), &options, GROUP).unwrap();
        assert_eq!((start.emit, start.decide, start.decisions_from), expected);
    }

    #[test]
    fn a_log_that_is_as_it_was_goes_on() {
        check((5, position(9, 0)), 2..9, 0..7, (5, 9, 0));
        check((5, position(9, 3)), 2..20, 0..7, (5, 9, 3));
    }

    /// Where verdicts count, and the offsets of what is restored, of a partition without a position. The records were written one second after the other to
    /// the raw log ("r") and to the decision log ("d").
    #[track_caller]
    fn check_without_position(written: &str, expected: (u64, &[u64])) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicU64::new(0));
        let shown = clock.clone();
        let bus_options = bus::embedded::Options {
            clock: Arc::new(move || shown.load(Ordering::Relaxed)),
            ..bus::embedded::Options::default()
        };
        let bus = bus::embedded::open(folder.path(), bus_options).unwrap();
        let topics = Topics::new("tw");
        bus.ensure_topics(&bus::topic_specs(&topics, 1)).unwrap();
        let publisher = bus.publisher().unwrap();
        let raw = topics.raw(Signal::Traces);
        for what in written.chars() {
            clock.fetch_add(1000, Ordering::Relaxed);
            let topic = if what == 'r' {
                &raw
            } else {
                &topics.decisions()
            };
            let to = TopicPartition::new(topic.clone(), 0);
            let ack = |result: bus::Result<u64>| assert!(result.is_ok(), "{result:?}");
            let record = bus::Record::default();
            publisher.publish(to, record, Box::new(ack)).unwrap();
            publisher.flush(WITHIN).unwrap();
        }
        let options = options(0);
        let mut recovery = Recovery::new(&topics);
        recovery.begin(vec![Assigned {
            at: TopicPartition::new(raw, 0),
            committed: None,
        }]);
        let (mut from, mut restored, begun) = (None, Vec::new(), Instant::now());
        while recovery.finish().is_none() {
            assert!(begun.elapsed() < WITHIN);
            let mut batch = Batch::default();
            recovery.step(&*bus, &options, POLL, &mut batch).unwrap();
            for command in batch.commands() {
                match command {
                    Command::Assign { start, .. } => from = Some(start.decisions_from),
                    Command::Restore { records, .. } => {
                        restored.extend(records.iter().map(|record| record.offset));
                    }
                    _ => {}
                }
            }
        }
        assert_eq!((from.unwrap(), &*restored), expected, "{written}");
    }

    /// Verdicts about the log that was there before don't count, now and after the next restart; those about the present one do.
    #[test]
    fn without_a_position_verdicts_count_that_are_younger_than_the_raw_log() {
        check_without_position("rr", (0, &[]));
        check_without_position("ddd", (3, &[]));
        check_without_position("ddr", (2, &[]));
        check_without_position("rdrd", (0, &[0, 1]));
        check_without_position("ddrrdd", (2, &[2, 3]));
    }

    /// All verdicts in it are about the present raw log; those that are gone are missed, and said to be.
    #[test]
    fn a_decision_log_that_was_created_anew_is_read_from_its_beginning() {
        let of = |decision_log| Position {
            decision_log,
            ..position(9, 3)
        };
        check((5, of(THERE)), 2..20, 0..7, (5, 9, 3));
        check((5, of(0)), 2..20, 0..7, (5, 9, 3));
        check((5, of(THERE + 1)), 2..20, 0..7, (5, 9, 0));
    }

    /// Records that come at the offsets of those that the brokers lost are decided like any others.
    #[test]
    fn a_log_that_lost_its_end_is_decided_from_there() {
        check((5, position(9, 0)), 2..7, 0..7, (5, 7, 0));
        check((7, position(9, 0)), 2..7, 0..7, (7, 7, 0));
    }

    #[test]
    fn a_decision_log_that_was_created_anew_counts_as_a_whole() {
        check((5, position(9, 30)), 2..9, 0..7, (5, 9, 0));
    }
}
