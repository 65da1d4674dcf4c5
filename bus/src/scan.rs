//! The range reader: reads stretches of partitions, each from an offset to an end, outside of any group.
//!
//! Recovery, the emit cursor's second read, `why`, the dead letters and the exchange between samplers read the log again by it. What one step
//! brings is bounded in bytes, no more than a few partitions are read at a time, and whoever reads much can be throttled.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use crate::{Bus, Error, Fetched, Reader, Result, TopicPartition};

/// One step of [`Scan::to_end`].
const STEP: Duration = Duration::from_millis(200);
const STEP_BYTES: usize = 4 << 20;

/// Stretches of partitions that are being read.
///
/// ```
/// # use std::ops::ControlFlow; use std::sync::Arc; use std::time::Duration;
/// # use bus::{Bus, Scan, TopicPartition};
/// /// The lengths of all values that a partition holds now.
/// fn lengths(bus: &dyn Bus, at: &TopicPartition) -> bus::Result<Vec<usize>> {
///     let mut scan = Scan::new(bus.reader()?);
///     let range = scan.reader().range(at)?;
///     scan.add(at.clone(), range);
///     let mut lengths = Vec::new();
///     scan.to_end(Duration::from_secs(20), |record| {
///         lengths.push(record.value.len());
///         ControlFlow::Continue(())
///     })?;
///     Ok(lengths)
/// }
/// ```
pub struct Scan {
    reader: Box<dyn Reader>,
    partitions_max: usize,
    waiting: VecDeque<(TopicPartition, Range<u64>)>,
    /// What is left of each.
    reading: BTreeMap<TopicPartition, Range<u64>>,
    /// The reader reads something else.
    moved: bool,
    throttle: Option<Throttle>,
    records: u64,
    bytes: u64,
}

/// How far a scan has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanProgress {
    pub records: u64,
    /// Of their values.
    pub bytes: u64,
    pub partitions_left: usize,
}

impl Scan {
    /// Nothing is read yet.
    pub fn new(reader: Box<dyn Reader>) -> Self {
        Self {
            reader,
            partitions_max: usize::MAX,
            waiting: VecDeque::new(),
            reading: BTreeMap::new(),
            moved: false,
            throttle: None,
            records: 0,
            bytes: 0,
        }
    }

    /// Reads no more than so many partitions at a time, in the order in which they were added: bus clients prefetch a megabyte or more for each.
    #[must_use]
    pub fn with_partitions_max(mut self, partitions_max: usize) -> Self {
        self.partitions_max = partitions_max.max(1);
        self
    }

    /// Reads no more than so many bytes of values a second on average, whatever a step would take.
    #[must_use]
    pub fn with_bytes_per_second_max(mut self, bytes_per_second_max: u64) -> Self {
        self.throttle = Some(Throttle {
            bytes_per_second_max: bytes_per_second_max.max(1),
            begun: Instant::now(),
            bytes: 0,
        });
        self
    }

    /// Also reads the records of this range; nothing if it is empty. An end of `u64::MAX` never comes.
    pub fn add(&mut self, at: TopicPartition, range: Range<u64>) {
        if !range.is_empty() {
            self.waiting.push_back((at, range));
        }
    }

    /// Reads no more of a partition.
    pub fn forget(&mut self, at: &TopicPartition) {
        self.waiting.retain(|(waiting, _)| waiting != at);
        self.moved |= self.reading.remove(at).is_some();
    }

    /// Reads these ranges and no others from now on. One that begins where its partition is being read goes on undisturbed.
    pub fn replace(&mut self, ranges: BTreeMap<TopicPartition, Range<u64>>) {
        self.waiting.clear();
        let starts = |ranges: &BTreeMap<TopicPartition, Range<u64>>| -> Vec<(TopicPartition, u64)> {
            let starts = ranges.iter();
            starts
                .map(|(at, range)| (at.clone(), range.start))
                .collect()
        };
        self.moved |= starts(&self.reading) != starts(&ranges);
        self.reading = ranges;
    }

    /// The reader, to ask it for ranges and offsets. What it is made to read is put right by the next step.
    pub fn reader(&mut self) -> &mut dyn Reader {
        self.moved = true;
        &mut *self.reader
    }

    /// What is left of a partition's range: everything below has been returned. `None`: nothing is.
    pub fn left(&self, at: &TopicPartition) -> Option<Range<u64>> {
        let waits = || {
            let mut waiting = self.waiting.iter();
            waiting.find_map(|(waiting, range)| (waiting == at).then_some(range))
        };
        self.reading.get(at).or_else(waits).cloned()
    }

    /// What is left.
    pub fn progress(&self) -> ScanProgress {
        ScanProgress {
            records: self.records,
            bytes: self.bytes,
            partitions_left: self.waiting.len() + self.reading.len(),
        }
    }

    /// Every range was read to its end.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.reading.is_empty()
    }

    /// Some records, about `bytes_max` at most, each partition in order; none when nothing comes within `timeout`.
    ///
    /// # Errors
    /// The bus can't be read. The scan can go on where it stands if the reader can.
    pub fn step(&mut self, timeout: Duration, bytes_max: usize) -> Result<Vec<Fetched>> {
        self.begin_more();
        if self.moved {
            let from = self.reading.iter();
            let from: Vec<_> = from.map(|(at, left)| (at.clone(), left.start)).collect();
            self.reader.assign(&from)?;
            self.moved = false;
        }
        if self.reading.is_empty() || bytes_max == 0 {
            return Ok(Vec::new());
        }
        let Some(bytes_max) = self.allowed(timeout, bytes_max) else {
            return Ok(Vec::new());
        };
        let mut records = self.reader.poll(timeout, bytes_max)?;
        let reading = &self.reading;
        records.retain(|record| {
            let at = TopicPartition::new(record.topic.clone(), record.partition);
            reading
                .get(&at)
                .is_some_and(|left| record.offset < left.end)
        });
        for (at, left) in &mut self.reading {
            left.start = self.reader.position(at)?;
        }
        self.reading.retain(|_, left| !left.is_empty());
        let bytes: u64 = records.iter().map(|record| record.value.len() as u64).sum();
        self.records += records.len() as u64;
        self.bytes += bytes;
        if let Some(throttle) = &mut self.throttle {
            throttle.bytes += bytes;
        }
        Ok(records)
    }

    /// Reads on to the end of every range, or until `each` breaks.
    ///
    /// # Errors
    /// The bus can't be read, or gave nothing for as long as `patience` although the end wasn't reached: an open transaction holds it back, for 10 s at most
    /// as processes of ours begin them.
    pub fn to_end(
        &mut self,
        patience: Duration,
        mut each: impl FnMut(Fetched) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut moved = Instant::now();
        while !self.is_done() {
            let before = self.positions();
            for record in self.step(STEP, STEP_BYTES)? {
                if each(record).is_break() {
                    return Ok(());
                }
            }
            if self.positions() != before {
                moved = Instant::now();
            } else if moved.elapsed() > patience
                && let Some((at, left)) = self.reading.first_key_value()
            {
                return Err(Error::Unavailable(format!(
                    "{at} can't be read past offset {}, of {}: nothing came within {patience:?}",
                    left.start, left.end
                )));
            }
        }
        Ok(())
    }

    fn positions(&self) -> Vec<u64> {
        self.reading.values().map(|left| left.start).collect()
    }

    /// Not with each range that ends: what was prefetched of the others would be fetched again.
    fn begin_more(&mut self) {
        if self.waiting.is_empty() || self.reading.len() > self.partitions_max / 2 {
            return;
        }
        while self.reading.len() < self.partitions_max
            && let Some((at, range)) = self.waiting.pop_front()
        {
            self.reading.insert(at, range);
        }
        self.moved = true;
    }

    /// How many bytes may be read now; `None`: none within `timeout`.
    fn allowed(&self, timeout: Duration, bytes_max: usize) -> Option<usize> {
        let Some(throttle) = &self.throttle else {
            return Some(bytes_max);
        };
        let pause = throttle.pause();
        std::thread::sleep(pause.min(timeout));
        let second = usize::try_from(throttle.bytes_per_second_max).unwrap_or(usize::MAX);
        (pause <= timeout).then(|| bytes_max.min(second))
    }
}

/// Bytes that were read, against those that may be by now.
struct Throttle {
    bytes_per_second_max: u64,
    begun: Instant,
    bytes: u64,
}

impl Throttle {
    /// How long nothing may be read.
    fn pause(&self) -> Duration {
        let due = Duration::from_secs_f64(self.bytes as f64 / self.bytes_per_second_max as f64);
        due.saturating_sub(self.begun.elapsed())
    }
}

/// Hands on every record that a topic holds now, one partition mixed with the other, until `each` breaks.
///
/// # Errors
/// As [`Scan::to_end`].
pub fn read_topic(
    bus: &dyn Bus,
    topic: &str,
    patience: Duration,
    each: impl FnMut(Fetched) -> ControlFlow<()>,
) -> Result<()> {
    let mut scan = Scan::new(bus.reader()?);
    for partition in 0..bus.partition_count(topic)? {
        let at = TopicPartition::new(topic, partition);
        let range = scan.reader().range(&at)?;
        scan.add(at, range);
    }
    scan.to_end(patience, each)
}
