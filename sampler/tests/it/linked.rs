//! Links into other partitions: named in the log, passed on, and passed on once more by whoever takes over.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Link};
use prost::Message;
use runtime::config::Problems;
use sampler::links::Linked;
use sampler::output::Output;
use sampler::partition::Partition;
use sampler::position::Position;
use sampler::position::Start;
use sampler::record::RawRecord;
use sampler::{Config, RawConfig};
use schemas::decisions::{DecisionBatch, EntryKind, UNKNOWN_THRESHOLD, Verdict};
use schemas::partition::partition_of;
use serde_json::json;

const NOW_MS: u64 = 1_780_000_000_000;
const PARTITIONS: u32 = 4;

fn config() -> Config {
    let section = json!({"linked": "keep", "late_errors": "rescue", "policies": [
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]});
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut config = raw.validate("sampler", &mut Problems::new());
    config.options.bus.partitions = PARTITIONS;
    config
}

fn partition(number: u32, start: Start) -> Partition {
    let config = config();
    Partition::new(number, config.policies, config.options, start, 1 << 20)
}

fn fresh(number: u32) -> Partition {
    let start = Start {
        clock_emit_ms: NOW_MS,
        ..Start::default()
    };
    partition(number, start)
}

fn id(partition: u32, first: u8) -> [u8; 16] {
    let mut ids = (0..=u8::MAX).map(|last| {
        let mut id = [first; 16];
        id[15] = last;
        id
    });
    ids.find(|id| partition_of(id, PARTITIONS) == partition)
        .unwrap()
}

fn observe(
    partition: &mut Partition,
    offset: u64,
    trace: [u8; 16],
    error: bool,
    links: &[[u8; 16]],
) {
    let link = |target: &[u8; 16]| Link {
        trace_id: target.to_vec(),
        span_id: vec![1; 8],
        ..Link::default()
    };
    let span = Span {
        trace_id: trace.to_vec(),
        span_id: vec![1; 8],
        links: links.iter().map(link).collect(),
        status: error.then(|| Status {
            code: 2,
            ..Status::default()
        }),
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    partition.observe(RawRecord {
        offset,
        timestamp_ms: NOW_MS + offset,
        tenant: None,
        value: Bytes::from(request.encode_to_vec()),
    });
}

fn take(partition: &mut Partition) -> Output {
    partition.emit(usize::MAX);
    partition.take()
}

fn linked(target: [u8; 16], source: [u8; 16]) -> Linked {
    Linked {
        tenant: Box::default(),
        target,
        source,
    }
}

/// As it is read from the bus.
fn logged(output: &Output) -> DecisionBatch {
    DecisionBatch::decode(&output.decisions.encode()).unwrap()
}

#[test]
fn a_link_into_another_partition_is_passed_on_and_a_new_owner_does_so_again() {
    let (source, target) = (id(0, 0x11), id(1, 0x22));
    let asked = linked(target, source);

    let mut here = fresh(0);
    observe(&mut here, 0, source, true, &[target, source, id(0, 0x33)]);
    here.tick(NOW_MS + 31_000);
    let output = take(&mut here);
    let log = logged(&output);
    assert_eq!(here.take_links(), std::slice::from_ref(&asked));
    assert_eq!(here.take_links(), []);
    let links: Vec<_> = log.links.iter().map(|link| link.trace_id).collect();
    assert_eq!(links, [target, id(0, 0x33)]);

    // It died before it was heard: the log is enough.
    let (emit, metadata) = &output.position;
    let start = Position::parse(metadata).unwrap().start(*emit);
    let mut heir = partition(0, start);
    heir.restore(&log);
    assert_eq!(heir.take_links(), std::slice::from_ref(&asked));
    // Long after, nothing can be undecided any more.
    let much_later = Start {
        clock_decide_ms: start.clock_decide_ms + 200_000,
        ..start
    };
    let mut heir = partition(0, much_later);
    heir.restore(&log);
    assert_eq!(heir.take_links(), []);

    let mut there = fresh(1);
    observe(&mut there, 0, target, false, &[]);
    // Whoever isn't there yet, or is decided, is not concerned.
    there.keep(linked(id(1, 0x44), source));
    there.keep(asked.clone());
    there.keep(asked);
    let output = take(&mut there);
    let log = logged(&output);
    assert_eq!(log.entries.len(), 1);
    let entry = &log.entries[0];
    assert_eq!(
        (entry.trace_id, entry.verdict, entry.kind, entry.threshold),
        (target, Verdict::Keep, EntryKind::Linked, UNKNOWN_THRESHOLD)
    );
    assert_eq!(log.sources[0].trace_id, source);
    assert_eq!(
        (
            output.counts.decider.linked,
            output.counts.copier.kept_spans
        ),
        (1, 1)
    );
}

/// A partition that still rebuilds its window waits with what it is asked until it has.
#[test]
fn what_is_asked_while_a_window_is_rebuilt_is_not_lost() {
    let (source, target) = (id(0, 0x11), id(1, 0x22));
    let start = Start {
        decide: 2,
        clock_emit_ms: NOW_MS,
        clock_decide_ms: NOW_MS + 1,
        ..Start::default()
    };
    let mut there = partition(1, start);
    assert!(there.rebuilding());
    there.keep(linked(target, source));
    observe(&mut there, 0, id(1, 0x55), false, &[]);
    observe(&mut there, 1, target, false, &[]);
    assert!(!there.rebuilding());
    let log = logged(&take(&mut there));
    let kinds: Vec<_> = log.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Linked]);
}

/// A trace that was dropped and that a late error opened anew: a kept trace that links to it then keeps it, and its dropped spans come back as
/// they would have at its own deadline.
#[test]
fn a_link_to_a_reopened_trace_brings_its_dropped_spans_back() {
    let (source, target) = (id(0, 0x11), id(1, 0x22));
    // Offsets are milliseconds here.
    let late = 40_000;
    let mut there = fresh(1);
    observe(&mut there, 0, target, false, &[]);
    there.tick(NOW_MS + late);
    observe(&mut there, late, target, true, &[]);
    // So far ahead of the record before, it waits for the clock to agree.
    there.tick(NOW_MS + late);
    there.keep(linked(target, source));
    let log = logged(&take(&mut there));
    let given: Vec<_> = (log.entries.iter())
        .map(|entry| (entry.kind, entry.verdict))
        .collect();
    assert_eq!(
        given,
        [
            (EntryKind::Decided, Verdict::Drop),
            (EntryKind::Linked, Verdict::Keep)
        ]
    );
    let rescues: Vec<_> = (log.rescues.iter())
        .map(|rescue| (rescue.entry, rescue.from_offset, rescue.to_offset))
        .collect();
    assert_eq!(rescues, [(1, 0, 0)]);
    assert_eq!(there.missing_for_rescue(), Some(0..1));
}
