//! What must be on the bus at the end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;

use bytes::Bytes;
use schemas::decisions::{DecisionBatch, EntryKind, Verdict, promoted_attributes};
use schemas::otlp::{self, AnyValue, Items, SpanView};

use crate::simulation::bus::{self, Attributes, Bus, Content, Trace};
use crate::simulation::model;
use crate::simulation::process::Process;
use crate::simulation::traffic::{FLUSH_TRACE, Setup, trace_id};

/// By trace and first offset.
type Logged = BTreeMap<(Trace, u64), Given>;

/// Offset and id of spans, with the verdict that brought them back.
type Rescued = HashMap<(u64, u64), (Trace, u64)>;

#[derive(Debug)]
struct Given {
    verdict: Verdict,
    policy: Option<String>,
    promoted: Attributes,
    /// A late error asked for it.
    reopened: bool,
}

pub fn everything(setup: &Setup, bus: &Bus, process: &Process) {
    let logged = logged(bus);
    verdicts_are_the_model_s(setup, bus, &logged);
    let rescued = rescued(bus, process, &logged);
    every_span_is_in_one_place(setup, bus, process, &logged, &rescued);
    kept_spans_have_what_is_promoted(bus, &logged, &rescued);
    output_is_in_order(bus, &rescued);
    nothing_is_held_for_ever(setup, process);
}

/// Verdicts in the decision log, each once.
fn logged(bus: &Bus) -> Logged {
    let traces: HashMap<_, _> = (1..=20)
        .chain([FLUSH_TRACE])
        .map(|trace| (trace_id(trace), trace))
        .collect();
    let mut logged = Logged::new();
    for (_, value) in &bus.decisions {
        let batch = DecisionBatch::decode(value).unwrap();
        for (index, entry) in batch.entries.iter().enumerate() {
            let mut rescues = batch.rescues.iter();
            let tenant = bus::tenant(batch.tenant_of(entry));
            let key = ((tenant, traces[&entry.trace_id]), entry.first_offset);
            let policy = entry
                .policy
                .map(|policy| batch.policies[usize::from(policy)].clone());
            let promoted = batch
                .promoted_of(entry)
                .map(|list| promoted_attributes(list));
            let promoted = promoted.map_or(Attributes::new(), texts);
            match entry.kind {
                EntryKind::Decided | EntryKind::Reopened | EntryKind::Linked => {
                    let given = Given {
                        verdict: entry.verdict,
                        policy,
                        promoted,
                        reopened: rescues.any(|rescue| rescue.entry as usize == index),
                    };
                    let before = logged.insert(key, given);
                    assert!(before.is_none(), "decided twice: {key:?}");
                }
                EntryKind::Extended => assert_eq!(
                    (logged.get(&key)).map(|given| (given.verdict, &given.promoted)),
                    Some((entry.verdict, &promoted)),
                    "extended without a verdict, or against it: {key:?}"
                ),
            }
        }
    }
    logged
}

fn verdicts_are_the_model_s(setup: &Setup, bus: &Bus, logged: &Logged) {
    if !setup.deterministic() {
        return;
    }
    let expected = model::verdicts(setup, &bus.raw);
    for (key, (verdict, policy, promoted)) in &expected {
        let given = logged.get(key);
        assert_eq!(
            given.map(|given| (given.verdict, given.policy.as_deref())),
            Some((*verdict, *policy)),
            "verdict of {key:?}; {}",
            setup.describe()
        );
        assert!(
            !setup.has_room() || given.is_some_and(|given| given.promoted == *promoted),
            "promoted of {key:?}: {given:?}, expected {promoted:?}; {}",
            setup.describe()
        );
    }
    for key in logged.keys().filter(|key| key.0.1 != FLUSH_TRACE) {
        assert!(expected.contains_key(key), "a verdict too many: {key:?}");
    }
}

/// Keys and texts of attributes, as they stand there.
fn texts(attributes: otlp::Attributes<'_>) -> Attributes {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let texts = attributes.map(|attribute| {
        let attribute = attribute.unwrap();
        match attribute.value {
            AnyValue::String(value) => (text(attribute.key), text(value)),
            other => panic!("{other:?}"),
        }
    });
    texts.collect()
}

/// Span ids in a request.
pub fn ids(value: &Bytes) -> Vec<u64> {
    Items::new(value)
        .map(|item| {
            let span = SpanView::parse(item.unwrap().body).unwrap();
            u64::from_be_bytes(span.span_id.try_into().unwrap())
        })
        .collect()
}

/// How often something may be on the bus.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Range {
    least: u32,
    most: u32,
}

/// Spans that were dropped and are brought back by a verdict that a late error asked for: those of all verdicts before it that
/// late errors asked for, and of the one before these.
/// With that verdict.
fn rescued(bus: &Bus, process: &Process, logged: &Logged) -> Rescued {
    let mut rescued = Rescued::new();
    let emit = process.partition().emit_offset();
    let asked = |(key, given): &(&(Trace, u64), &Given)| {
        given.reopened && given.verdict == Verdict::Keep && key.1 < emit
    };
    for (&(trace, at), _) in logged.iter().filter(asked) {
        let mut from = at;
        for (&(_, first), before) in logged.range((trace, 0)..(trace, at)).rev() {
            assert_eq!(
                before.verdict,
                Verdict::Drop,
                "nothing to bring back: {trace:?} {at}"
            );
            from = first;
            if !before.reopened {
                break;
            }
        }
        for record in bus
            .raw
            .iter()
            .filter(|record| record.tenant() == trace.0 && (from..at).contains(&record.offset))
        {
            if let Content::Spans(spans) = &record.content {
                let its = spans
                    .iter()
                    .filter(|span| span.valid && span.trace == trace.1);
                rescued.extend(its.map(|span| ((record.offset, span.id), (trace, at))));
            }
        }
    }
    rescued
}

fn every_span_is_in_one_place(
    setup: &Setup,
    bus: &Bus,
    process: &Process,
    logged: &Logged,
    rescued: &Rescued,
) {
    let emit = process.partition().emit_offset();
    let committed = bus.committed.as_ref().map_or(0, |committed| committed.0);
    assert_eq!(committed, emit);
    let truncated: HashSet<_> = bus.truncated.iter().copied().collect();

    let mut sampled: HashMap<(u64, Option<Bytes>), Range> = HashMap::new();
    let mut dead: HashMap<(u64, Option<u64>), Range> = HashMap::new();
    for record in &bus.raw {
        let passed = u32::from(record.offset < emit);
        // What retention deleted may have been emitted from the cache before, or not at all.
        let lost = truncated.contains(&record.offset);
        let expect = |range: &mut Range, count: u32| {
            range.least += if lost { 0 } else { count };
            range.most += count;
        };
        let Content::Spans(spans) = &record.content else {
            expect(dead.entry((record.offset, None)).or_default(), passed);
            continue;
        };
        for span in spans {
            if !span.valid {
                let range = dead.entry((record.offset, Some(span.id))).or_default();
                expect(range, passed);
                continue;
            }
            let trace = (record.tenant(), span.trace);
            let newest = logged
                .range((trace, 0)..=(trace, record.offset))
                .next_back();
            assert!(
                newest.is_some() || passed == 0 || lost,
                "passed without a verdict: {span:?} at {}",
                record.offset
            );
            let kept = newest.is_some_and(|(_, given)| given.verdict == Verdict::Keep);
            let range = sampled.entry((span.id, record.tenant.clone())).or_default();
            expect(range, passed * u32::from(kept));
            if rescued.contains_key(&(record.offset, span.id)) {
                assert!(!kept, "rescued, though kept: {span:?}");
                // Retention may have been faster.
                range.least += u32::from(!setup.truncates);
                range.most += 1;
            }
        }
    }

    let mut found: HashMap<(u64, Option<Bytes>), u32> = HashMap::new();
    for (tenant, value) in &bus.sampled {
        for id in ids(value) {
            *found.entry((id, tenant.clone())).or_default() += 1;
        }
    }
    compare("sampled", &sampled, found);
    let mut found: HashMap<(u64, Option<u64>), u32> = HashMap::new();
    for letter in &bus.dead {
        if letter.reason.starts_with("not an OTLP") {
            *found.entry((letter.offset, None)).or_default() += 1;
        } else {
            for id in ids(&letter.value) {
                *found.entry((letter.offset, Some(id))).or_default() += 1;
            }
        }
    }
    compare("dead letters", &dead, found);
}

/// Each kept span has its own attributes, and behind them those of its verdict in the decision log that it hasn't got: no key twice, none missing, none
/// of another verdict.
fn kept_spans_have_what_is_promoted(bus: &Bus, logged: &Logged, rescued: &Rescued) {
    let mut expected: HashMap<(u64, Option<Bytes>), Attributes> = HashMap::new();
    for record in &bus.raw {
        let Content::Spans(spans) = &record.content else {
            continue;
        };
        for span in spans.iter().filter(|span| span.valid) {
            let trace = (record.tenant(), span.trace);
            let verdict = match rescued.get(&(record.offset, span.id)) {
                Some(verdict) => logged.get(verdict),
                None => {
                    let known = logged.range((trace, 0)..=(trace, record.offset));
                    known.map(|(_, given)| given).next_back()
                }
            };
            let mut attributes = span.attributes.clone();
            let promoted = verdict.into_iter().flat_map(|given| &given.promoted);
            let has = |key| span.attributes.iter().any(|(has, _)| has == key);
            attributes.extend(promoted.filter(|(key, _)| !has(key)).cloned());
            expected.insert((span.id, record.tenant.clone()), attributes);
        }
    }
    for (tenant, value) in &bus.sampled {
        for item in Items::new(value) {
            let span = SpanView::parse(item.unwrap().body).unwrap();
            let id = u64::from_be_bytes(span.span_id.try_into().unwrap());
            let found = texts(span.attributes());
            let expected = expected.get(&(id, tenant.clone()));
            assert_eq!(Some(&found), expected, "attributes of span {id}");
        }
    }
}

fn compare<K: Hash + Eq + Debug>(
    what: &str,
    expected: &HashMap<K, Range>,
    mut found: HashMap<K, u32>,
) {
    for (key, range) in expected {
        let count = found.remove(key).unwrap_or(0);
        assert!(
            (range.least..=range.most).contains(&count),
            "{what}: {key:?} {count} times, expected {range:?}"
        );
    }
    assert!(found.is_empty(), "{what}: from nowhere {found:?}");
}

/// Records are regrouped within, but one output record never holds what comes before the one before it.
fn output_is_in_order(bus: &Bus, rescued: &Rescued) {
    let mut offsets: HashMap<u64, u64> = HashMap::new();
    for record in &bus.raw {
        if let Content::Spans(spans) = &record.content {
            offsets.extend(spans.iter().map(|span| (span.id, record.offset)));
        }
    }
    let mut last: HashMap<&Option<Bytes>, u64> = HashMap::new();
    for (tenant, value) in &bus.sampled {
        let offsets: Vec<_> = ids(value)
            .iter()
            .map(|id| (offsets[id], *id))
            .filter(|span| !rescued.contains_key(span))
            .map(|(offset, _)| offset)
            .collect();
        let before = last.entry(tenant).or_default();
        assert!(
            offsets.iter().all(|offset| offset >= before),
            "output out of order"
        );
        *before = offsets.into_iter().max().unwrap_or(*before);
    }
}

/// At the end only the traces that kept the partition awake are left.
fn nothing_is_held_for_ever(setup: &Setup, process: &Process) {
    let partition = process.partition();
    let (truncates, setup) = (setup.truncates, setup.describe());
    let setup = format!(
        "clock {}, emit {}, decide {}, pending {}, {setup}",
        partition.clock_ms(),
        partition.emit_offset(),
        partition.decide_offset(),
        partition.pending_spans()
    );
    assert!(
        partition.open_traces() <= 1,
        "open_traces {}, {setup}",
        partition.open_traces()
    );
    assert!(
        partition.verdicts_stored() <= 8,
        "verdicts_held {}, {setup}",
        partition.verdicts_stored()
    );
    // What retention deleted between the cursors is pending until the emit cursor leaves its group of records.
    assert!(
        partition.pending_spans() <= 2 || truncates,
        "pending_spans {}, {setup}",
        partition.pending_spans()
    );
}
