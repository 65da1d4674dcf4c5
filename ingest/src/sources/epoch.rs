//! What becomes of the records of one poll: packs for the raw topics, dead letters, positions. Pure, with a bound on what one epoch holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use bus::{Bus, DeadLetter, Epoch, Fetched, Position, Record, Topic, TopicPartition};
use bytes::Bytes;
use schemas::wire::WireError;
use schemas::{Signal, Topics};
use stage::{records_headers, tenant_of};

use super::config::Kafka;
use super::format::Format;
use crate::records::{
    Closed, Filter, FilterCounts, Limits, Pack, RecordLimits, Rejected, Split, Stamp, split_stamped,
};
use crate::residency::Residency;

/// Of one epoch's output. Translated spans may be larger than what they were translated from.
const OUTPUT_BYTES_MAX: usize = 16 << 20;

/// What an epoch needs to know besides the records.
pub struct Rekeying {
    kinds: HashMap<Topic, (Signal, Format)>,
    residency: Residency,
    /// By the number of the class.
    classes: Vec<Class>,
    record: RecordLimits,
    stamp: Stamp,
    filter: Arc<Filter>,
}

/// The topics of a retention class that is taken here.
struct Class {
    raw: [Raw; Signal::ALL.len()],
    dead_letters: Topic,
    dead_partitions: u32,
}

struct Raw {
    topic: Topic,
    split: Limits,
}

/// What may become of a record.
pub const OUTCOMES: [&str; 3] = ["taken", "dead", "refused"];
const TAKEN: usize = 0;
const DEAD: usize = 1;
const REFUSED: usize = 2;

/// An epoch with what it adds to the counters once it is visible.
#[derive(Default)]
pub struct Outcome {
    pub epoch: Epoch,
    /// Of each record that was split: items that were taken, and those that weren't.
    pub split: Vec<(Signal, usize, Rejected)>,
    /// Records by topic, and of these by [`OUTCOMES`].
    pub records: BTreeMap<Topic, [u64; OUTCOMES.len()]>,
    pub published: [Published; Signal::ALL.len()],
    /// What `ingest.filter` took out.
    pub filtered: [FilterCounts; Signal::ALL.len()],
    output_bytes: usize,
    positions: BTreeMap<TopicPartition, u64>,
}

/// What was written to one raw topic.
#[derive(Clone, Copy, Default)]
pub struct Published {
    pub items: u64,
    pub bytes: u64,
}

/// Whose spans a record holds; `None`: the default tenant's.
type Tenant = Option<Bytes>;
type Packs = BTreeMap<Place, Pack<()>>;

/// Whose items a pack holds, and where it goes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    class: usize,
    signal: usize,
    partition: u32,
    tenant: Tenant,
}

impl Rekeying {
    /// # Errors
    /// The bus doesn't know a raw topic, or can't be asked.
    pub fn new(config: &Kafka, bus: &dyn Bus, residency: &Residency) -> bus::Result<Self> {
        let hard = bus.record_bytes_max();
        let classes = residency.taken().iter();
        let kinds = config.sources.iter().flat_map(|source| {
            let kind = (source.signal, source.format);
            let topics = source.topics.iter();
            topics.map(move |topic| (Topic::from(topic.as_str()), kind))
        });
        Ok(Self {
            kinds: kinds.collect(),
            classes: classes
                .map(|topics| Class::look_up(bus, topics))
                .collect::<bus::Result<_>>()?,
            residency: residency.clone(),
            stamp: config.stamp.clone(),
            filter: config.filter.clone(),
            record: RecordLimits {
                wanted: config.record_bytes_max.min(hard),
                hard,
            },
        })
    }

    /// What becomes of the first of these records, of as many as fit into an epoch; and how many those are.
    pub fn epoch(&self, records: &[Fetched]) -> (Outcome, usize) {
        let (mut packs, mut outcome) = (Packs::new(), Outcome::default());
        let mut taken = 0;
        for record in records {
            if taken > 0 && outcome.output_bytes >= OUTPUT_BYTES_MAX {
                break;
            }
            taken += 1;
            let at = TopicPartition::new(record.topic.clone(), record.partition);
            outcome.positions.insert(at, record.offset + 1);
            let became = self.take(record, &mut packs, &mut outcome);
            outcome.records.entry(record.topic.clone()).or_default()[became] += 1;
        }
        for (place, pack) in &mut packs {
            if let Some(closed) = pack.close() {
                self.put(&mut outcome, place, closed);
            }
        }
        let position = |(at, offset)| Position {
            at,
            offset,
            metadata: String::new(),
        };
        let positions = std::mem::take(&mut outcome.positions);
        outcome.epoch.positions = positions.into_iter().map(position).collect();
        (outcome, taken)
    }

    /// Takes a record, or sets it aside; which of [`OUTCOMES`].
    fn take(&self, record: &Fetched, packs: &mut Packs, outcome: &mut Outcome) -> usize {
        let tenant = tenant_of(record);
        let class = match self.residency.of(tenant.as_deref()) {
            Ok(class) => class,
            Err(class) => {
                log_refused(record, class);
                return REFUSED;
            }
        };
        let Err(reason) = self.add(record, class, packs, outcome) else {
            return TAKEN;
        };
        tracing::warn!(reason, topic = %record.topic, partition = record.partition, offset = record.offset, "a record can't be read");
        let letter = self.dead_letter(record, class, &reason);
        outcome.output_bytes += letter.1.value.len();
        outcome.epoch.records.push(letter);
        DEAD
    }

    /// Adds a record's items to the packs, all of it or nothing.
    fn add(
        &self,
        record: &Fetched,
        class: usize,
        packs: &mut Packs,
        outcome: &mut Outcome,
    ) -> Result<(), String> {
        record.check_version().map_err(|error| error.to_string())?;
        let (signal, format) = (self.kinds.get(&record.topic).copied())
            .ok_or("its topic is none of those in ingest.kafka")?;
        let refused = |error: String| format!("no {} of {}: {error}", format.name(), signal.name());
        let request = format.to_otlp(signal, &record.value).map_err(refused)?;
        let filtered = self.filter.apply(signal, &request, self.record.hard);
        let request = filtered.request.as_deref().unwrap_or(&request);
        let limits = self.classes[class].raw[signal as usize].split;
        // Nobody sends again what stands in a topic: with one broken item the whole record is kept as a dead letter.
        let split = split_stamped(signal, request, limits, &self.stamp)
            .and_then(whole)
            .map_err(|error| refused(error.to_string()))?;
        outcome
            .split
            .push((signal, split.accepted(), split.rejected.clone()));
        let sum = &mut outcome.filtered[signal as usize];
        sum.dropped += filtered.counts.dropped;
        sum.errors += filtered.counts.errors;
        outcome.output_bytes += request.len();
        let tenant = tenant_of(record);
        // Packs are closed at the end of the epoch, whatever the time.
        let due = Instant::now();
        for (partition, items) in split.partitions() {
            let mut closed = Vec::new();
            let place = Place {
                class,
                signal: signal as usize,
                partition,
                tenant: tenant.clone(),
            };
            let pack = packs.entry(place.clone()).or_default();
            pack.add(items, &(), due, self.record, &mut closed);
            for record in closed {
                self.put(outcome, &place, record);
            }
        }
        Ok(())
    }

    fn put(&self, outcome: &mut Outcome, place: &Place, closed: Closed<()>) {
        let published = &mut outcome.published[place.signal];
        published.items += closed.items;
        published.bytes += closed.value.len() as u64;
        let record = Record {
            headers: records_headers(place.tenant.clone()),
            value: closed.value,
        };
        let raw = &self.classes[place.class].raw[place.signal];
        let to = TopicPartition::new(raw.topic.clone(), place.partition);
        outcome.epoch.records.push((to, record));
    }

    /// Of the record's own class: what can't be read holds somebody's data all the same.
    fn dead_letter(
        &self,
        record: &Fetched,
        class: usize,
        reason: &str,
    ) -> (TopicPartition, Record) {
        let class = &self.classes[class];
        let partition = record.partition % class.dead_partitions;
        let letter = DeadLetter {
            stage: "ingest",
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            reason,
            value: record.value.clone(),
        };
        let headers = records_headers(tenant_of(record));
        (
            TopicPartition::new(class.dead_letters.clone(), partition),
            letter.into_record(headers, self.record.hard),
        )
    }
}

impl Class {
    /// # Errors
    /// The bus doesn't know a topic, or can't be asked.
    fn look_up(bus: &dyn Bus, topics: &Topics) -> bus::Result<Self> {
        let raw = |signal| -> bus::Result<Raw> {
            let topic = topics.raw(signal);
            let split = Limits {
                partitions: bus.partition_count(&topic)?,
                item_bytes_max: bus.record_bytes_max(),
            };
            Ok(Raw { topic, split })
        };
        let [traces, logs, metrics] = Signal::ALL.map(raw);
        let dead_letters = topics.dead_letters();
        Ok(Self {
            raw: [traces?, logs?, metrics?],
            dead_partitions: bus.partition_count(&dead_letters)?,
            dead_letters,
        })
    }
}

/// A tenant that is not for here may have much in a topic.
static REFUSED_RECORDS: bus::Quiet = bus::Quiet::new();

fn log_refused(record: &Fetched, class: &str) {
    if let Some(held_back) = REFUSED_RECORDS.admit() {
        tracing::warn!(topic = %record.topic, partition = record.partition, offset = record.offset, class, held_back, "a record's tenant has a retention class that is not taken here; nothing of it was copied (ingest.retention_classes)");
    }
}

/// A split without malformed items.
fn whole(split: Split<'_>) -> Result<Split<'_>, WireError> {
    match split.rejected.wire_error() {
        Some(error) => Err(*error),
        None => Ok(split),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bus::embedded;

    use super::super::config::Source;
    use super::*;

    /// Four bytes become forty: what a poll brought is cut into epochs, at records, and none is left out.
    #[test]
    fn an_epoch_is_bounded_by_its_output() {
        let dir = tempfile::tempdir().unwrap();
        let bus = embedded::open(dir.path(), embedded::Options::default()).unwrap();
        let topics = Topics::new("t");
        bus.ensure_topics(&bus::topic_specs(&topics, 2)).unwrap();
        let kafka = Kafka {
            sources: vec![Source {
                topics: vec!["jaeger".to_owned()],
                signal: Signal::Traces,
                format: Format::JaegerProto,
            }],
            group: None,
            record_bytes_max: 256 << 10,
            stamp: Stamp::default(),
            filter: Arc::default(),
        };
        let rekeying = Rekeying::new(&kafka, &*bus, &topics.into()).unwrap();
        let ids = [&[10, 16][..], &[7; 16], &[18, 8], &[9; 8]].concat();
        // A reference is four bytes here, and a link with an attribute there.
        let span = [ids, [34, 2, 24, 1].repeat(20_000)].concat();
        let records: Vec<Fetched> = (0..100)
            .map(|offset| Fetched {
                topic: "jaeger".into(),
                partition: 0,
                offset,
                timestamp_ms: 0,
                headers: Vec::new(),
                value: span.clone().into(),
            })
            .collect();
        let (mut rest, mut epochs) = (&records[..], 0);
        while !rest.is_empty() {
            let (outcome, taken) = rekeying.epoch(rest);
            let bytes: usize = (outcome.epoch.records.iter())
                .map(|(_, record)| record.value.len())
                .sum();
            assert!(bytes <= OUTPUT_BYTES_MAX + (2 << 20), "{bytes}");
            rest = &rest[taken..];
            epochs += 1;
            let position = outcome.epoch.positions[0].offset;
            assert_eq!(position, 100 - rest.len() as u64);
        }
        assert!(epochs > 2, "{epochs}");
    }
}
