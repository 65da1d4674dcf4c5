//! What promotion takes of memory: so much a trace, never more than its bound, and nothing without keys.

#![allow(clippy::unwrap_used)]

use runtime::config::Problems;
use schemas::wire::{put_fixed64, put_len};
use serde_json::{Value, json};

use crate::RawConfig;
use crate::output::PromotedCounts;
use crate::partition::Partition;
use crate::position::Start;
use crate::promote::{PromotedKeys, VALUE_BYTES_MAX};
use crate::record::RawRecord;

const NOW_MS: u64 = 1_700_000_000_000;
const TRACES: u64 = 20_000;
const TENANT_BYTES: usize = 20;
const SPANS_A_RECORD: u64 = 100;

fn partition(promote: Value) -> Partition {
    let section = json!({
        "decision_wait": "1s", "decision_cache_ttl": "2s", "promote": promote,
        "policies": [{"name": "all", "type": "always_sample"}],
    });
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut problems = Problems::new();
    let config = raw.validate("", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let start = Start {
        clock_emit_ms: NOW_MS,
        clock_decide_ms: NOW_MS,
        ..Start::default()
    };
    Partition::new(0, config.policies, config.options, start, 1 << 30)
}

fn attribute(span: &mut Vec<u8>, key: &str, text: &str) {
    let (mut any, mut pair) = (Vec::new(), Vec::new());
    put_len(&mut any, 1, text.as_bytes());
    put_len(&mut pair, 1, key.as_bytes());
    put_len(&mut pair, 2, &any);
    put_len(span, 9, &pair);
}

/// One record after the other, of root spans with a tenant of `tenants`.
fn observe(partition: &mut Partition, traces: u64, tenants: u64) {
    for offset in 0..traces / SPANS_A_RECORD {
        let (mut scope, mut resource, mut request) = (Vec::new(), Vec::new(), Vec::new());
        for trace in offset * SPANS_A_RECORD..(offset + 1) * SPANS_A_RECORD {
            let mut span = Vec::new();
            put_len(&mut span, 1, &(u128::from(trace) + 1).to_be_bytes());
            put_len(&mut span, 2, &[1; 8]);
            put_fixed64(&mut span, 7, NOW_MS * 1_000_000);
            let tenant = format!("tenant-{:013}", trace % tenants);
            assert_eq!(tenant.len(), TENANT_BYTES);
            attribute(&mut span, "tenant.id", &tenant);
            put_len(&mut scope, 2, &span);
        }
        put_len(&mut resource, 2, &scope);
        put_len(&mut request, 1, &resource);
        partition.observe(RawRecord {
            offset,
            timestamp_ms: NOW_MS,
            tenant: None,
            value: request.into(),
        });
    }
}

/// Bytes that one trace takes to be promoted, while it is open and once it is decided.
fn bytes_a_trace(promote: Value, tenants: u64) -> (usize, usize) {
    let bytes = |promote| {
        let mut partition = partition(promote);
        observe(&mut partition, TRACES, tenants);
        let open = partition.window_bytes();
        partition.tick(NOW_MS + 1000);
        (open, partition.window_bytes())
    };
    let (with, without) = (bytes(promote), bytes(json!([])));
    let of_all = TRACES as usize;
    (
        (with.0 - without.0).div_ceil(of_all),
        (with.1 - without.1).div_ceil(of_all),
    )
}

#[test]
fn a_trace_takes_little() {
    let (open, decided) = bytes_a_trace(json!(["tenant.id"]), 100);
    println!(
        "a tenant of many traces: {open} bytes a trace while it is open, {decided} once it is decided"
    );
    assert!(open <= 30 && decided <= 30, "{open}, {decided}");
    let (open, decided) = bytes_a_trace(json!(["tenant.id"]), TRACES);
    println!(
        "a value of its own: {open} bytes a trace while it is open, {decided} once it is decided"
    );
    assert!(open <= 180 && decided <= 180, "{open}, {decided}");
    // With values as long as may be, it would be no more than is said.
    let keys = PromotedKeys::new(["tenant.id"]);
    let longer = VALUE_BYTES_MAX - TENANT_BYTES;
    assert!(open + longer <= keys.trace_bytes_max());
}

#[test]
fn it_stays_within_its_bound_and_what_has_no_room_is_counted() {
    let mut partition = partition(json!(["tenant.id"]));
    let bound = 1 << 20;
    partition.set_promoted_bytes(bound);
    observe(&mut partition, TRACES, TRACES);
    assert!(partition.promoted_bytes() <= bound);
    partition.tick(NOW_MS + 1000);
    partition.emit(usize::MAX);
    let counts = partition.take().counts.decider.promoted;
    assert!(counts.promoted > TRACES / 5, "{counts:?}");
    let expected = PromotedCounts {
        promoted: counts.promoted,
        no_memory: TRACES - counts.promoted,
        ..PromotedCounts::default()
    };
    assert_eq!(counts, expected);
    // The map by verdict grew meanwhile: by so much, and no more.
    assert!(partition.promoted_bytes() <= bound + bound / 2);
    // All is forgotten once the verdicts are.
    for offset in [0, 1] {
        partition.observe(RawRecord {
            offset: TRACES / SPANS_A_RECORD + offset,
            timestamp_ms: NOW_MS + 100_000,
            tenant: None,
            value: Vec::new().into(),
        });
    }
    assert_eq!(partition.verdicts_stored(), 0);
    assert!(partition.promoted_bytes() < 128 << 10);
}
