//! Reads one partition of the decision log to its end, and picks out one trace.

use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Context;
use bus::{Bus, Scan, TopicPartition};
use schemas::decisions::{
    Decision, DecisionBatch, EntryKind, UNKNOWN_THRESHOLD, Verdict, promoted_attributes,
};
use schemas::otlp::AnyValue;
use schemas::partition::partition_of;
use schemas::{Signal, Topics};
use serde_json::Value;

use super::history::{Entry, History, Kind, probability};

/// The end of the log may be held back by an open transaction, for 10 s at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the decision log knows of a trace; `None`: nothing.
///
/// # Errors
/// The bus can't be read.
pub fn find(bus: &dyn Bus, topics: &Topics, id: [u8; 16]) -> anyhow::Result<Option<History>> {
    let (raw, log) = (topics.raw(Signal::Traces), topics.decisions());
    let partitions = bus
        .partition_count(&log)
        .with_context(|| format!("cannot learn the partition count of {log}"))?;
    let partition = partition_of(&id, partitions);
    let (raw, log) = (
        TopicPartition::new(raw, partition),
        TopicPartition::new(log, partition),
    );
    let mut reader = bus.reader().context("cannot read the bus")?;
    let (there, all) = (reader.range(&raw)?, reader.range(&log)?);
    let mut entries = Vec::new();
    let mut scan = Scan::new(reader);
    scan.add(log.clone(), all);
    let mut unreadable = None;
    scan.to_end(PATIENCE, |record| {
        match DecisionBatch::decode(&record.value) {
            Ok(batch) => {
                entries.extend(entries_of(&batch, &id, record.offset));
                ControlFlow::Continue(())
            }
            Err(error) => {
                unreadable = Some((error, record.offset));
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some((error, offset)) = unreadable {
        return Err(error).with_context(|| format!("cannot read {log} at offset {offset}"));
    }
    Ok((!entries.is_empty()).then(|| History {
        trace_id: const_hex::encode(id),
        partition,
        raw_from_offset: there.start,
        raw_to_offset: there.end,
        entries,
    }))
}

fn entries_of<'a>(
    batch: &'a DecisionBatch,
    id: &'a [u8; 16],
    log_offset: u64,
) -> impl Iterator<Item = Entry> + 'a {
    let its = (0..).zip(&batch.entries);
    its.filter(|(_, entry)| entry.trace_id == *id)
        .map(move |(index, entry)| named(batch, index, entry, log_offset))
}

/// An entry with names instead of numbers.
fn named(batch: &DecisionBatch, index: u32, entry: &Decision, log_offset: u64) -> Entry {
    let policy = |at: &u16| batch.policies.get(usize::from(*at)).cloned();
    let string = |at: Option<u32>| batch.strings.get(at? as usize).cloned();
    let matched = batch.match_sets.get(entry.match_set as usize);
    let links = |all: &[schemas::decisions::Link]| -> Vec<String> {
        let its = all.iter().filter(|link| link.entry == index);
        its.map(|link| const_hex::encode(link.trace_id)).collect()
    };
    let keep = entry.verdict == Verdict::Keep;
    let chance = keep && entry.threshold > 0 && entry.threshold < UNKNOWN_THRESHOLD;
    let rescue = batch.rescues.iter().find(|rescue| rescue.entry == index);
    let tenant = batch.tenant_of(entry);
    Entry {
        tenant: (!tenant.is_empty()).then(|| String::from_utf8_lossy(tenant).into_owned()),
        kind: match entry.kind {
            EntryKind::Decided => Kind::Decided,
            EntryKind::Extended => Kind::Extended,
            EntryKind::Reopened => Kind::Reopened,
            EntryKind::Linked => Kind::Linked,
        },
        keep,
        policy: entry.policy.as_ref().and_then(policy),
        matched: matched.into_iter().flatten().filter_map(policy).collect(),
        probability: keep.then(|| probability(entry.threshold)).flatten(),
        threshold: chance.then(|| format!("{:014x}", entry.threshold)),
        randomness: entry.randomness.map(|value| format!("{value:014x}")),
        generation: (batch.generation != 0).then(|| format!("{:016x}", batch.generation)),
        time_ms: entry.time_ms,
        first_offset: entry.first_offset,
        last_offset: entry.last_offset,
        spans: entry.spans,
        errors: entry.errors,
        bytes: entry.bytes,
        duration_us: entry.duration_us,
        root_service: string(entry.root_service),
        root_operation: string(entry.root_operation),
        promoted: (batch.promoted_of(entry).into_iter())
            .flat_map(|list| promoted_attributes(list).map_while(Result::ok))
            .map(|attribute| (text(attribute.key), value(attribute.value)))
            .collect(),
        is_final: entry.is_final,
        links: links(&batch.links),
        linked_from: links(&batch.sources).pop(),
        rescued_offsets: rescue.map(|rescue| (rescue.from_offset, rescue.to_offset)),
        log_offset,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A value that can be promoted.
fn value(value: AnyValue<'_>) -> Value {
    match value {
        AnyValue::String(bytes) => text(bytes).into(),
        AnyValue::Bool(value) => value.into(),
        AnyValue::Int(value) => value.into(),
        AnyValue::Double(value) => value.into(),
        AnyValue::Empty | AnyValue::Array(_) | AnyValue::Kvlist(_) | AnyValue::Bytes(_) => {
            Value::Null
        }
    }
}
