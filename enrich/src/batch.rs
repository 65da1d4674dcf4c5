//! A batch: what was read, made into one epoch of the bus, with the counts that become true when it is committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Bus, DeadLetter, Epoch, Fetched, Header, Position, Record, Topic, TopicPartition};
use bytes::Bytes;
use redact::{Rewriter, Rules};
use runtime::names;
use schemas::{Signal, Topics, headers};

use crate::reason::Reason;
use crate::record::{self, Processed};

/// From which topic to which.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) signal: Signal,
    pub(crate) from: Topic,
    pub(crate) to: Topic,
}

/// What enrich reads, and where it writes.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    pub(crate) routes: Vec<Route>,
    dead_letters: Topic,
    dead_partitions: u32,
    record_bytes_max: usize,
}

impl Routes {
    /// Looks the topics up on the bus. Output goes to the partition of its input, so that a trace stays together.
    pub(crate) fn new(bus: &dyn Bus, topics: &Topics) -> anyhow::Result<Self> {
        let routes: Vec<Route> = Signal::ALL
            .into_iter()
            .map(|signal| Route {
                signal,
                from: source(signal, topics),
                to: topics.clean(signal),
            })
            .collect();
        for Route { from, to, .. } in &routes {
            let (read, written) = (bus.partition_count(from)?, bus.partition_count(to)?);
            anyhow::ensure!(
                read == written,
                "enrich writes {to} partition by partition as it reads {from}, but {from} has {read} partitions and {to} has \
                 {written}; create {to} anew with {read}"
            );
        }
        let dead_letters = topics.dead_letters();
        Ok(Self {
            routes,
            dead_partitions: bus.partition_count(&dead_letters)?.max(1),
            dead_letters,
            record_bytes_max: bus.record_bytes_max(),
        })
    }
}

/// Counts of one batch.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Consumed, written and dead-lettered items by signal.
    items: BTreeMap<Signal, [usize; 3]>,
    redactions: Vec<u64>,
    /// Where the first dead letter came from, and why.
    dead_letter: Option<(TopicPartition, u64, Reason)>,
}

/// One batch, ready to be committed.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) epoch: Epoch,
    pub(crate) tally: Tally,
}

/// Makes batches.
pub(crate) struct Builder {
    routes: Routes,
    rewriter: Rewriter,
}

impl Builder {
    pub(crate) fn new(routes: Routes, rules: Arc<Rules>) -> Self {
        Self {
            routes,
            rewriter: Rewriter::new(rules),
        }
    }

    pub(crate) fn build(&mut self, fetched: Vec<Fetched>) -> Batch {
        let mut epoch = Epoch::default();
        let mut tally = Tally {
            redactions: vec![0; self.rewriter.rules().counters().len()],
            ..Tally::default()
        };
        let mut positions = BTreeMap::new();
        for record in fetched {
            let at = TopicPartition::new(record.topic.clone(), record.partition);
            positions.insert(at, record.offset + 1);
            self.add(record, &mut epoch, &mut tally);
        }
        epoch.positions = positions
            .into_iter()
            .map(|(at, offset)| Position {
                at,
                offset,
                metadata: String::new(),
            })
            .collect();
        Batch { epoch, tally }
    }

    fn add(&mut self, fetched: Fetched, epoch: &mut Epoch, tally: &mut Tally) {
        let routes = &self.routes;
        let Some(route) = routes
            .routes
            .iter()
            .find(|route| route.from == fetched.topic)
        else {
            return;
        };
        let bytes_max = routes.record_bytes_max;
        let value = fetched.value.clone();
        let processed = match fetched.check_version() {
            Err(unknown) => Processed::refused(value, Reason::Version(unknown)),
            Ok(()) => record::process(&mut self.rewriter, route.signal, value, bytes_max),
        };
        tally.add(route.signal, &fetched, &processed);
        let to = TopicPartition::new(route.to.clone(), fetched.partition);
        let tenant = fetched
            .headers
            .iter()
            .find(|header| &*header.name == headers::TENANT);
        for value in processed.clean {
            let mut headers = vec![header(headers::VERSION_NAME, headers::VERSION)];
            headers.extend(tenant.cloned());
            epoch.records.push((to.clone(), Record { headers, value }));
        }
        for (value, reason) in processed.dead {
            let partition = fetched.partition % routes.dead_partitions;
            let to = TopicPartition::new(routes.dead_letters.clone(), partition);
            let mut headers = vec![header(headers::VERSION_NAME, headers::VERSION)];
            headers.extend(tenant.cloned());
            let letter = DeadLetter {
                stage: "enrich",
                topic: &fetched.topic,
                partition: fetched.partition,
                offset: fetched.offset,
                reason: &reason.to_string(),
                value,
            };
            let record = letter.into_record(headers, bytes_max);
            epoch.records.push((to, record));
        }
    }
}

/// Every counter is there from the start: what begins with its first count hides that one from whoever looks at increases.
pub fn register(config: &crate::Config, topics: &Topics) {
    for signal in Signal::ALL {
        for name in [
            names::ENRICH_CONSUMED,
            names::ENRICH_WRITTEN,
            names::ENRICH_DEAD_LETTERED,
        ] {
            metrics::counter!(name, "signal" => signal.name()).increment(0);
        }
        let topic = source(signal, topics).to_string();
        metrics::counter!(names::ENRICH_LOST_RECORDS, "topic" => topic).increment(0);
    }
    for rule in config.rules.counters() {
        metrics::counter!(names::ENRICH_REDACTIONS, "rule" => rule.clone()).increment(0);
    }
}

/// Where the items of a signal come from.
fn source(signal: Signal, topics: &Topics) -> Topic {
    match signal {
        Signal::Traces => topics.sampled(),
        Signal::Logs | Signal::Metrics => topics.raw(signal),
    }
}

impl Tally {
    fn add(&mut self, signal: Signal, fetched: &Fetched, processed: &Processed) {
        let items = self.items.entry(signal).or_default();
        items[0] += processed.consumed;
        items[1] += processed.written;
        items[2] += processed.dead_lettered;
        for (sum, count) in self.redactions.iter_mut().zip(&processed.redactions) {
            *sum += count;
        }
        if let (None, Some((_, reason))) = (&self.dead_letter, processed.dead.first()) {
            let at = TopicPartition::new(fetched.topic.clone(), fetched.partition);
            self.dead_letter = Some((at, fetched.offset, reason.clone()));
        }
    }

    /// Makes the counts known: only once the batch is committed, so that a repetition doesn't count twice.
    pub(crate) fn publish(&self, rules: &Rules) {
        let counters = [
            names::ENRICH_CONSUMED,
            names::ENRICH_WRITTEN,
            names::ENRICH_DEAD_LETTERED,
        ];
        let mut dead = 0;
        for (signal, items) in &self.items {
            for (name, count) in counters.into_iter().zip(items) {
                metrics::counter!(name, "signal" => signal.name()).increment(*count as u64);
            }
            dead += items[2];
        }
        for (rule, count) in rules.counters().iter().zip(&self.redactions) {
            if *count > 0 {
                metrics::counter!(names::ENRICH_REDACTIONS, "rule" => rule.clone())
                    .increment(*count);
            }
        }
        if let Some((at, offset, reason)) = &self.dead_letter {
            tracing::warn!(
                items = dead,
                first = %format_args!("{at}@{offset}"),
                %reason,
                "gave items to the dead letters, unredacted"
            );
        }
    }
}

fn header(name: &'static str, value: impl Into<String>) -> Header {
    Header {
        name: Arc::from(name),
        value: Bytes::from(value.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An epoch with a record that the bus refuses could never be committed, and enrich would never get past it.
    #[test]
    fn no_record_is_larger_than_the_bus_takes() {
        let route = Route {
            signal: Signal::Logs,
            from: "raw".into(),
            to: "clean".into(),
        };
        let routes = Routes {
            routes: vec![route],
            dead_letters: "dead".into(),
            dead_partitions: 1,
            record_bytes_max: 10,
        };
        let rules = crate::RawConfig::default()
            .validate("", &mut runtime::config::Problems::new())
            .rules;
        let fetched = |offset, bytes| Fetched {
            topic: "raw".into(),
            partition: 0,
            offset,
            timestamp_ms: 0,
            headers: Vec::new(),
            value: Bytes::from(vec![0xff; bytes]),
        };
        let batch = Builder::new(routes, rules).build(vec![fetched(3, 10), fetched(4, 11)]);
        let records = &batch.epoch.records;
        let sizes: Vec<_> = (records.iter())
            .map(|(at, record)| (&*at.topic, record.value.len()))
            .collect();
        assert_eq!(sizes, [("dead", 10), ("dead", 0)]);
        let offset = header(headers::DEAD_OFFSET, "4");
        assert!(records[1].1.headers.contains(&offset), "{records:?}");
        assert_eq!(batch.epoch.positions[0].offset, 5);
    }
}
