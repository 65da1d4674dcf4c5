//! The pure parts one at a time, for callgrind to count their instructions: `tests/bench/instructions` runs it and compares.
//!
//! Each part works in a function of its own, which callgrind is told to collect; what prepares its input isn't counted. The
//! corpus is that of `tailwater load` with a fixed seed, so counts change only when code or compiler do.

// A part that can't be prepared has failed.
#![allow(clippy::unwrap_used)]

mod steps;

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use load::{Mix, Traffic};
use redact::{Outcome, Rewriter};
use runtime::config::Problems;
use sampler::options::{BusProperties, Options};
use sampler::partition::Partition;
use sampler::policy::Policies;
use sampler::position::Start;
use sampler::record::RawRecord;
use schemas::otlp::{Items, SpanView};
use schemas::pack::Packer;
use schemas::{Signal, partition_of};
use serde_json::json;

const SPANS: u64 = 20_000;
const SEED: u64 = 1;
const START_MS: u64 = 1_700_000_000_000;
const PARTITIONS: u32 = 16;
const RECORD_BYTES: usize = 128 << 10;
const MAX_ITEM_BYTES: usize = 1_000_000;

const PARTS: [(&str, fn()); 10] = [
    ("views", views),
    ("split", split),
    ("pack", pack),
    ("observe", observe),
    ("decide", decide),
    ("emit", emit),
    ("redact", redact),
    ("transform", transform),
    ("filter", filter),
    ("names", names),
];

/// How often the parts of enrich go over the corpus: a second argument, to time them by the clock.
fn rounds() -> usize {
    let rounds = std::env::args().nth(2);
    rounds.map_or(1, |rounds| rounds.parse().unwrap())
}

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    match PARTS.iter().find(|(name, _)| *name == wanted) {
        Some((_, part)) => part(),
        // For the script: what there is, and over how many spans.
        None => PARTS
            .iter()
            .for_each(|(name, _)| println!("{name} {SPANS}")),
    }
}

/// Runs what is to be counted: callgrind collects within this function alone, whatever is inlined into it.
#[inline(never)]
fn measured<T>(part: impl FnOnce() -> T) -> T {
    black_box(part())
}

fn requests() -> Vec<Bytes> {
    let mix = Mix {
        duplicate: 0.0,
        late: 0.0,
        ..Mix::default()
    };
    let mut left = SPANS as usize;
    let mut requests = Vec::new();
    // Traces are whole, so a few spans more come than were asked for: the last request is left out of the count.
    for request in Traffic::new(mix, SEED, SPANS * 2, START_MS * 1_000_000) {
        if left < request.items {
            break;
        }
        left -= request.items;
        requests.push(request.bytes);
    }
    assert_eq!(left, 0, "requests are of a size that divides {SPANS}");
    // What the traffic has left in the allocator is put in order now, and not by the first larger allocation that is counted.
    drop(black_box(Vec::<u8>::with_capacity(1 << 16)));
    requests
}

/// Walks every span, its fields and its attributes.
fn views() {
    let requests = requests();
    measured(|| {
        let mut bytes = 0;
        for request in &requests {
            for item in Items::new(request) {
                let span = SpanView::parse(item.unwrap().body).unwrap();
                bytes += span.name.len();
                for attribute in span.attributes() {
                    bytes += attribute.unwrap().key.len();
                }
            }
        }
        bytes
    });
}

/// Ingest's look at a request: checked whole, each span given its partition.
fn split() {
    let requests = requests();
    let limits = ingest::Limits {
        partitions: PARTITIONS,
        item_bytes_max: MAX_ITEM_BYTES,
    };
    measured(|| {
        let mut accepted = 0;
        for request in &requests {
            let split = ingest::split(Signal::Traces, request, limits).unwrap();
            accepted += split.accepted();
            for (partition, items) in split.partitions() {
                accepted += partition as usize + items.count();
            }
        }
        accepted
    });
}

/// Requests to records, partition by partition.
fn records(requests: &[Bytes]) -> Vec<(u32, Bytes)> {
    let mut packers: Vec<_> = (0..PARTITIONS).map(|_| Packer::new()).collect();
    let mut records = Vec::new();
    for request in requests {
        packers.iter_mut().for_each(Packer::begin_source);
        for item in Items::new(request) {
            let item = item.unwrap();
            // Every span of the corpus begins with its trace id.
            let partition = partition_of(&item.body[2..18], PARTITIONS);
            let packer = &mut packers[partition as usize];
            packer.push(&item);
            if packer.bytes() > RECORD_BYTES {
                records.push((partition, packer.finish()));
            }
        }
    }
    for (partition, packer) in (0..).zip(&mut packers) {
        if !packer.is_empty() {
            records.push((partition, packer.finish()));
        }
    }
    records
}

fn pack() {
    let requests = requests();
    measured(|| records(&requests));
}

/// Errors, slow traces, an attribute and 5 %.
fn policies() -> (Arc<Policies>, Options) {
    let raw: sampler::RawConfig = serde_json::from_value(json!({"policies": [
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "slow", "type": "latency", "latency": {"threshold_ms": 2000}},
        {"name": "tenant", "type": "string_attribute", "string_attribute": {"key": "app.tenant", "values": ["tenant-0007"]}},
        {"name": "some", "type": "probabilistic", "probabilistic": {"sampling_percentage": 5}},
    ]}))
    .unwrap();
    let mut problems = Problems::new();
    let config = raw.validate("sampler", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let options = Options {
        bus: BusProperties {
            partitions: PARTITIONS,
            ..BusProperties::default()
        },
        ..config.options
    };
    (config.policies, options)
}

/// One partition with the whole corpus before it.
fn window() -> (Partition, Vec<RawRecord>) {
    let (policies, options) = policies();
    let start = Start {
        clock_emit_ms: START_MS,
        ..Start::default()
    };
    let partition = Partition::new(0, policies, options, start, 1 << 30);
    let log = (0..)
        .zip(records(&requests()))
        .map(|(offset, (_, value))| RawRecord {
            offset,
            timestamp_ms: START_MS + offset,
            tenant: None,
            value,
        });
    (partition, log.collect())
}

fn observe() {
    let (mut partition, log) = window();
    measured(|| log.into_iter().for_each(|record| partition.observe(record)));
}

fn observed() -> Partition {
    let (mut partition, log) = window();
    log.into_iter().for_each(|record| partition.observe(record));
    partition
}

/// All deadlines pass at once.
fn decide() {
    let mut partition = observed();
    measured(|| partition.tick(START_MS + 3_600_000));
}

fn emit() {
    let mut partition = observed();
    partition.tick(START_MS + 3_600_000);
    measured(|| {
        let mut kept = 0;
        loop {
            partition.emit(1 << 20);
            let output = partition.take();
            if !output.moved {
                return kept;
            }
            kept += output.counts.copier.kept_spans;
        }
    });
}

/// One deletion, one hash, three patterns.
fn redact() {
    let raw: enrich::RawConfig = serde_json::from_value(json!({"redact": {
        "delete": ["session.id"],
        "hash": {"keys": ["user.id"], "key": "0123456789abcdef0123456789abcdef"},
        "mask": [
            {"name": "email", "pattern": r"[\w.+-]+@[\w-]+\.[\w.]+"},
            {"name": "address", "pattern": r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b"},
            {"name": "session", "pattern": r"session=[0-9a-f]{8,}"},
        ],
    }}))
    .unwrap();
    let mut problems = Problems::new();
    let rules = raw.validate("enrich", &mut problems).rules;
    assert!(problems.is_empty(), "{problems:?}");
    let mut rewriter = Rewriter::new(rules);
    let records = records(&requests());
    measured(|| {
        let mut changed = 0;
        for (_, record) in &records {
            let mut out = Vec::new();
            let done = rewriter
                .transform(Signal::Traces, record, &mut out)
                .unwrap();
            changed += usize::from(done.outcome == Outcome::Changed) * out.len();
        }
        changed
    });
}

/// Enrich with ten statements.
fn transform() {
    apply(json!([{"transform": {"trace_statements": steps::STATEMENTS}}]));
}

/// Enrich with five conditions.
fn filter() {
    apply(json!([{"filter": {"trace_conditions": steps::CONDITIONS}}]));
}

/// Enrich with a look-up, span names, the schema and the status.
fn names() {
    let table = std::env::temp_dir().join(format!("tailwater-table-{}.csv", std::process::id()));
    let rows = (0..10_000).map(|n| format!("service-{n},team-{}\n", n % 100));
    let rows: String = rows.collect();
    std::fs::write(&table, format!("service,team\n{rows}")).unwrap();
    apply(json!([
        {"lookup": {
            "source": {"type": "csv", "path": &table, "key": "service"},
            "lookups": [{"key": r#"resource.attributes["service.name"]"#, "attributes": [
                {"source": "team", "destination": "team", "default": "unknown"},
            ]}],
        }},
        {"span_name": {}},
        {"schema": {}},
        {"status": {}},
    ]));
    std::fs::remove_file(table).unwrap();
}

/// Applies steps to records as they come from the sampler.
fn apply(steps: serde_json::Value) {
    let raw: enrich::RawConfig = serde_json::from_value(json!({"steps": steps})).unwrap();
    let mut problems = Problems::new();
    let config = raw.validate("", &mut problems);
    assert!(problems.is_empty());
    let records = records(&requests());
    let mut enricher = enrich::Enricher::new(&config);
    let rounds = rounds();
    let spans = measured(|| {
        let mut spans = 0;
        for (_, record) in (0..rounds).flat_map(|_| &records) {
            let done = enricher.apply(Signal::Traces, None, record.clone(), MAX_ITEM_BYTES);
            assert!(done.dead.is_empty());
            spans += done.dropped + done.clean.iter().map(|record| record.len()).sum::<usize>();
        }
        spans
    });
    assert!(spans > 0);
}
