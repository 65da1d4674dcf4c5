//! Reads whole topics, committed records only.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Result;
use bus::{Bus, Fetched};
use schemas::decisions::{DecisionBatch, EntryKind, Verdict};
use schemas::{Signal, Topics};

use crate::tally::{Tally, TraceId};

/// A transaction that a killed process left open ends by its timeout, or by the process's restart.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// Every committed record of a topic, each partition in order.
///
/// # Errors
/// The bus fails, or the end isn't reached in time.
pub fn read_all(bus: &dyn Bus, topic: &str) -> Result<Vec<Fetched>> {
    let mut records = Vec::new();
    each_record(bus, topic, |record| records.push(record))?;
    Ok(records)
}

/// The same one by one, without holding them.
///
/// # Errors
/// The bus fails, or the end isn't reached in time.
pub fn each_record(bus: &dyn Bus, topic: &str, mut each: impl FnMut(Fetched)) -> Result<()> {
    bus::read_topic(bus, topic, READ_WITHIN, |record| {
        each(record);
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// All items of a topic of telemetry.
pub fn tally(bus: &dyn Bus, signal: Signal, topic: &str) -> Result<Tally> {
    let mut tally = Tally::default();
    for record in read_all(bus, topic)? {
        tally.add(signal, &record.value);
    }
    Ok(tally)
}

/// One entry of the decision log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub kind: EntryKind,
    pub verdict: Verdict,
    pub policy: Option<String>,
    /// A late error had reopened the trace, whoever asked for this verdict then: its own deadline or a link.
    pub reopened: bool,
}

/// The decision log by trace: verdicts, and entries that only make one hold longer.
#[derive(Debug, Default)]
pub struct Verdicts {
    pub decided: HashMap<TraceId, Vec<Given>>,
    pub extended: HashMap<TraceId, Vec<Given>>,
}

impl Verdicts {
    /// # Errors
    /// The log can't be read to its end, or holds something else.
    pub fn read(bus: &dyn Bus, topics: &Topics) -> Result<Self> {
        let mut verdicts = Self::default();
        for record in read_all(bus, &topics.decisions())? {
            let batch = DecisionBatch::decode(&record.value)?;
            let reopened: HashSet<_> = batch.rescues.iter().map(|rescue| rescue.entry).collect();
            for (number, entry) in (0..).zip(batch.entries) {
                let policy = entry
                    .policy
                    .map(|at| batch.policies[usize::from(at)].clone());
                let of = match entry.kind {
                    EntryKind::Extended => &mut verdicts.extended,
                    EntryKind::Decided | EntryKind::Reopened | EntryKind::Linked => {
                        &mut verdicts.decided
                    }
                };
                of.entry(entry.trace_id).or_default().push(Given {
                    kind: entry.kind,
                    verdict: entry.verdict,
                    policy,
                    reopened: reopened.contains(&number),
                });
            }
        }
        Ok(verdicts)
    }
}

/// Unread records of every stage, by group and topic; empty once everything has arrived at the backends.
/// On Kafka a last record of each partition may escape behind the first stage: the account of the run is what finds that.
///
/// # Errors
/// The bus fails.
pub fn lags(
    bus: &dyn Bus,
    on_kafka: bool,
    topics: &Topics,
    backends: &[&str],
) -> Result<BTreeMap<String, u64>> {
    let mut readers = vec![("sampler".to_owned(), vec![topics.raw(Signal::Traces)])];
    if !backends.is_empty() {
        let enrich = vec![
            topics.sampled(),
            topics.raw(Signal::Logs),
            topics.raw(Signal::Metrics),
        ];
        readers.push(("enrich".to_owned(), enrich));
        let clean = Signal::ALL.map(|signal| topics.clean(signal)).to_vec();
        readers.extend(
            backends
                .iter()
                .map(|backend| (format!("export-{backend}"), clean.clone())),
        );
    }
    let mut lags = BTreeMap::new();
    for (stage, topics_read) in readers {
        let group = topics.group(&stage);
        for topic in topics_read {
            let lag = bus.lag(&group, &topic)?;
            // What a transaction wrote ends with its marker, which no reader ever sees and no position passes.
            let markers = match on_kafka && !topic.ends_with(".raw") {
                true => u64::from(bus.partition_count(&topic)?),
                false => 0,
            };
            if lag > markers {
                lags.insert(format!("{group} on {topic}"), lag);
            }
        }
    }
    Ok(lags)
}
