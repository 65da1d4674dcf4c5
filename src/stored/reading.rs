//! Topics of telemetry from some time on to where they end now, with a word of progress now and then.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::{Bus, Fetched, Scan, Topic, TopicPartition};
use schemas::{Signal, Topics};

/// The end of the log may be held back by an open transaction, for 10 s at most.
const PATIENCE: Duration = Duration::from_secs(20);
/// A bus client prefetches a megabyte or more for each.
const PARTITIONS_MAX: usize = 8;
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// A topic with one signal in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub signal: Signal,
    pub topic: Topic,
}

impl Source {
    /// What enrich reads: traces that were kept, and logs and metrics as they came.
    pub fn before_enrich(topics: &Topics, signals: &[Signal]) -> Vec<Self> {
        Self::of(signals, |signal| match signal {
            Signal::Traces => topics.sampled(),
            Signal::Logs | Signal::Metrics => topics.raw(signal),
        })
    }

    /// All that came in, traces that were dropped included.
    pub fn raw(topics: &Topics, signals: &[Signal]) -> Vec<Self> {
        Self::of(signals, |signal| topics.raw(signal))
    }

    /// What enrich let through.
    pub fn clean(topics: &Topics, signals: &[Signal]) -> Vec<Self> {
        Self::of(signals, |signal| topics.clean(signal))
    }

    fn of(signals: &[Signal], topic: impl Fn(Signal) -> Topic) -> Vec<Self> {
        let sources = signals.iter().map(|signal| Self {
            signal: *signal,
            topic: topic(*signal),
        });
        sources.collect()
    }
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub records: u64,
    /// Of their values.
    pub bytes: u64,
}

/// Hands on every record from `from_ms` on, until `each` breaks.
///
/// # Errors
/// The bus can't be read.
pub fn read(
    bus: &dyn Bus,
    sources: &[Source],
    from_ms: Option<u64>,
    mut each: impl FnMut(Signal, &Fetched) -> ControlFlow<()>,
) -> anyhow::Result<Reading> {
    let reader = bus.reader().context("cannot read the bus")?;
    let mut scan = Scan::new(reader).with_partitions_max(PARTITIONS_MAX);
    let mut offsets = 0;
    for Source { topic, .. } in sources {
        let partitions = bus.partition_count(topic);
        let partitions =
            partitions.with_context(|| format!("cannot learn the partition count of {topic}"))?;
        for partition in 0..partitions {
            let at = TopicPartition::new(topic.clone(), partition);
            let mut range = scan.reader().range(&at)?;
            if let Some(from_ms) = from_ms {
                let first = scan.reader().offset_at(&at, from_ms)?;
                range.start = first.clamp(range.start, range.end);
            }
            offsets += range.end - range.start;
            scan.add(at, range);
        }
    }
    let (mut reading, mut told) = (Reading::default(), Instant::now());
    scan.to_end(PATIENCE, |record| {
        let of = sources.iter().find(|source| source.topic == record.topic);
        let Some(source) = of else {
            return ControlFlow::Continue(());
        };
        reading.records += 1;
        reading.bytes += record.value.len() as u64;
        if told.elapsed() > PROGRESS_EVERY {
            told = Instant::now();
            let Reading { records, bytes } = reading;
            errln!("read {records} of {offsets} records, {} MiB", bytes >> 20);
        }
        each(source.signal, &record)
    })
    .context("cannot read the bus to the end")?;
    Ok(reading)
}
