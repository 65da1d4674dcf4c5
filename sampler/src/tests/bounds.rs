//! Tests of what one worker holds and gives out, with many partitions: one budget an epoch, one memory limit whoever comes and goes, and what
//! a single trace takes.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use bus::{Bus, Record, Timestamps, TopicPartition, TopicSpec};
use bytes::Bytes;
use runtime::config::Problems;
use schemas::otlp::Items;
use schemas::wire::{put_fixed64, put_len};
use serde_json::{Value, json};

use crate::budget::Budgets;
use crate::epoch::command::Command;
use crate::epoch::part::Part;
use crate::memory::Memory;
use crate::partition::Partition;
use crate::position::Start;
use crate::record::RawRecord;
use crate::shell::worker::{Bounds, Common, Partitions};
use crate::stats::Group;
use crate::{Config, RawConfig};

const PARTITIONS: u32 = 96;
const NOW_MS: u64 = 1_700_000_000_000;
const LATER_MS: u64 = NOW_MS + 5000;
const SPAN_BYTES: usize = 10_000;
const RECORD_BYTES: usize = SPAN_BYTES + 100;
const EMIT_BYTES_MAX: usize = 200_000;

fn config(mut section: Value) -> Config {
    section["decision_wait"] = json!("1s");
    section["decision_cache_ttl"] = json!("10s");
    section["policies"] = json!([{"name": "all", "type": "always_sample"}]);
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut problems = Problems::new();
    let mut config = raw.validate("", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    config.options.bus.partitions = PARTITIONS;
    config.options.bus.copy_cached = false;
    config
}

fn start() -> Start {
    Start {
        clock_emit_ms: NOW_MS,
        clock_decide_ms: NOW_MS,
        ..Start::default()
    }
}

/// One root span of a trace, in a resource and scope of no content.
fn span(trace: u128, name_bytes: usize) -> Vec<u8> {
    let mut span = Vec::new();
    put_len(&mut span, 1, &trace.to_be_bytes());
    put_len(&mut span, 2, &[1; 8]);
    put_len(&mut span, 5, &vec![b'x'; name_bytes]);
    put_fixed64(&mut span, 7, NOW_MS * 1_000_000);
    put_fixed64(&mut span, 8, NOW_MS * 1_000_000 + 1000);
    span
}

fn request<'a>(spans: impl Iterator<Item = Vec<u8>> + 'a) -> Bytes {
    let (mut scope, mut resource, mut request) = (Vec::new(), Vec::new(), Vec::new());
    spans.for_each(|span| put_len(&mut scope, 2, &span));
    put_len(&mut resource, 2, &scope);
    put_len(&mut request, 1, &resource);
    request.into()
}

fn raw(partition: u32, offset: u64) -> RawRecord {
    let trace = u128::from(partition + 1) << 64 | u128::from(offset);
    RawRecord {
        offset,
        timestamp_ms: NOW_MS,
        tenant: None,
        value: request([span(trace, SPAN_BYTES)].into_iter()),
    }
}

/// One worker with a bus of its own.
struct Worker {
    partitions: Partitions,
    memory: Arc<Memory>,
    bus: Arc<dyn Bus>,
    _folder: tempfile::TempDir,
}

impl Worker {
    fn start(memory_bytes: usize) -> Self {
        let config = config(json!({}));
        let folder = tempfile::tempdir().unwrap();
        let bus = bus::embedded::open(folder.path(), bus::embedded::Options::default()).unwrap();
        bus.ensure_topics(&[TopicSpec {
            name: "raw".into(),
            partitions: PARTITIONS,
            timestamps: Timestamps::LogAppend,
            compacted: false,
            retention: None,
        }])
        .unwrap();
        let memory = Arc::new(Memory::new(memory_bytes));
        let bounds = Bounds {
            emit_bytes_max: EMIT_BYTES_MAX,
            statistics_bytes_max: 1 << 20,
            memory: memory.clone(),
        };
        let group = Group::new(config.policies.keyed(), 1 << 20);
        let budgets = Budgets::new(config.policies.limits(), 0, PARTITIONS);
        let common = Common {
            group: Arc::new(RwLock::new(group)),
            budgets: Arc::new(Mutex::new(budgets)),
        };
        let (policies, options, from) = (config.policies, config.options, bus.clone());
        let partitions = Partitions::new(policies, options, bounds, common, from, "raw".into());
        Self {
            partitions,
            memory,
            bus,
            _folder: folder,
        }
    }

    fn assign(&mut self, partitions: std::ops::Range<u32>) {
        let start = start();
        let commands = partitions.flat_map(|partition| {
            let now_ms = 0;
            let restored = Command::Restored { partition, now_ms };
            [Command::Assign { partition, start }, restored]
        });
        self.partitions.work(commands.collect());
    }

    /// The records of these offsets of each partition, on the bus and read.
    fn records(&mut self, partitions: std::ops::Range<u32>, offsets: std::ops::Range<u64>) -> Part {
        let publisher = self.bus.publisher().unwrap();
        let mut commands = Vec::new();
        for partition in partitions {
            let records: Vec<_> = offsets
                .clone()
                .map(|offset| raw(partition, offset))
                .collect();
            for record in &records {
                let to = TopicPartition::new("raw", partition);
                let record = Record {
                    headers: Vec::new(),
                    value: record.value.clone(),
                };
                publisher.publish(to, record, Box::new(|_| ())).unwrap();
            }
            commands.push(Command::Records {
                partition,
                records,
                refused: Vec::new(),
                read_ms: 0,
            });
        }
        publisher.flush(Duration::from_secs(60)).unwrap();
        self.partitions.work(commands)
    }

    /// Everything is due.
    fn tick(&mut self) -> Part {
        let tick = |partition| Command::Idle {
            partition,
            since_ms: LATER_MS - NOW_MS,
        };
        self.partitions.work((0..PARTITIONS).map(tick).collect())
    }

    /// Works epochs until nothing is left; what each partition gave out, by epoch.
    fn drain(&mut self) -> Vec<BTreeMap<u32, usize>> {
        let mut epochs = Vec::new();
        let mut part = self.tick();
        loop {
            let values = part.outputs.iter().flat_map(|of| {
                let values = of.output.sampled.iter();
                values.map(|(_, value)| (of.partition, value.len()))
            });
            let mut epoch = BTreeMap::new();
            values.for_each(|(partition, bytes)| *epoch.entry(partition).or_default() += bytes);
            epochs.push(epoch);
            if part.is_at_rest() {
                return epochs;
            }
            assert!(epochs.len() < 1000, "it doesn't come to an end");
            assert!(part.backlog, "the next epoch must not wait for input");
            part = self.partitions.work(Vec::new());
        }
    }
}

fn cache_bytes(part: &Part) -> usize {
    let gauges = part.outputs.iter().map(|of| of.gauges.cache_bytes);
    gauges.sum::<u64>() as usize
}

/// `memory_bytes` bounds the caches: what isn't in them is read again.
#[track_caller]
fn one_budget_is_for_all(memory_bytes: usize) {
    let mut worker = Worker::start(memory_bytes);
    worker.assign(0..PARTITIONS);
    worker.records(0..PARTITIONS, 0..10);
    let epochs = worker.drain();
    let mut of: BTreeMap<u32, usize> = BTreeMap::new();
    for (number, epoch) in epochs.iter().enumerate() {
        let bytes: usize = epoch.values().sum();
        assert!(bytes <= EMIT_BYTES_MAX + RECORD_BYTES, "{bytes} at once");
        let many = 9 * EMIT_BYTES_MAX / 10 / RECORD_BYTES;
        if number == 0 {
            assert!(epoch.len() >= many, "only of {} partitions", epoch.len());
        }
        epoch
            .iter()
            .for_each(|(partition, bytes)| *of.entry(*partition).or_default() += bytes);
    }
    // Nobody waits until the others are done.
    let half = epochs.len() / 2;
    let early: usize = (epochs[..half].iter().flat_map(BTreeMap::keys))
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    assert_eq!(early, PARTITIONS as usize, "in {half} epochs");
    assert_eq!(of.len(), PARTITIONS as usize);
    let all = |bytes: &usize| (10 * SPAN_BYTES..10 * RECORD_BYTES).contains(bytes);
    assert!(of.values().all(all), "{of:?}");
}

#[test]
fn an_epoch_gives_out_one_budget_whatever_the_number_of_partitions() {
    one_budget_is_for_all(1 << 30);
}

#[test]
fn so_it_does_where_records_are_read_again() {
    one_budget_is_for_all(1 << 20);
}

/// One partition gives out all that an epoch may, from its cache, and goes on so: another is read for all the same.
#[test]
fn reading_again_does_not_wait_for_partitions_that_are_busy() {
    let mut worker = Worker::start(1 << 20);
    worker.assign(0..2);
    // More than the cache's half of the limit has room for.
    worker.records(1..2, 0..100);
    worker.tick();
    let emitted = |part: &Part| {
        part.outputs
            .iter()
            .any(|of| of.partition == 1 && of.gauges.at_rest)
    };
    for epoch in 0..60 {
        let part = worker.records(0..1, epoch * 20..(epoch + 1) * 20);
        let busy = part.outputs.iter().filter(|of| of.partition == 0);
        let sampled = busy.flat_map(|of| &of.output.sampled);
        let bytes: usize = sampled.map(|(_, value)| value.len()).sum();
        assert!(bytes > EMIT_BYTES_MAX / 3, "not busy: {bytes}");
        if emitted(&part) {
            return;
        }
    }
    panic!("partition 1 waits as long as partition 0 has something to give out");
}

/// Half of them comes later, and some leave.
#[test]
fn the_memory_limit_is_the_process_s_whoever_comes_and_goes() {
    let limit = 2 << 20;
    let mut worker = Worker::start(limit);
    let half = PARTITIONS / 2;
    worker.assign(0..half);
    let full = cache_bytes(&worker.records(0..half, 0..10));
    assert!((limit / 2..=limit).contains(&full), "{full}");
    worker.assign(half..PARTITIONS);
    let part = worker.records(half..PARTITIONS, 0..10);
    let bytes = cache_bytes(&part);
    assert!((limit / 2..=limit).contains(&bytes), "{bytes}");
    // Those of another worker.
    worker.memory.came(PARTITIONS as usize);
    let bytes = cache_bytes(&worker.partitions.work(Vec::new()));
    assert!(bytes <= limit / 2, "{bytes}");
    worker.memory.gone(PARTITIONS as usize);

    let revoke = (10..PARTITIONS).map(|partition| Command::Revoke { partition });
    worker.partitions.work(revoke.collect());
    let of_few = cache_bytes(&worker.partitions.work(Vec::new()));
    assert!(of_few < limit / 4, "{of_few}");
    // Old ones go out, and what comes then finds the room that the others had.
    worker.drain_of(0..10);
    let bytes = cache_bytes(&worker.records(0..10, 10..30));
    assert!((limit * 3 / 4..=limit).contains(&bytes), "{bytes}");
}

impl Worker {
    fn drain_of(&mut self, partitions: std::ops::Range<u32>) {
        let tick = |partition| Command::Idle {
            partition,
            since_ms: LATER_MS - NOW_MS,
        };
        let mut part = self.partitions.work(partitions.map(tick).collect());
        for _ in 0..1000 {
            if part.is_at_rest() {
                return;
            }
            part = self.partitions.work(Vec::new());
        }
        panic!("it doesn't come to an end");
    }
}

/// A job that calls each of its steps a root, in one trace.
#[test]
fn root_spans_of_one_trace_take_no_memory() {
    let config = config(json!({"decision_wait_after_root_received": "500ms"}));
    let start = start();
    let mut partition = Partition::new(0, config.policies, config.options, start, 0);
    let observe = |partition: &mut Partition, offset, timestamp_ms, spans: u64| {
        partition.observe(RawRecord {
            offset,
            timestamp_ms,
            tenant: None,
            value: request((0..spans).map(|_| span(7, 1))),
        });
    };
    observe(&mut partition, 0, NOW_MS, 1000);
    let before = partition.window_bytes();
    for offset in 1..100 {
        observe(&mut partition, offset, NOW_MS + offset, 1000);
    }
    // The spans between the cursors are counted by group, a few bytes for two records.
    assert!(partition.window_bytes() < before + 4096);
    // The first root counts, as it did.
    partition.tick(NOW_MS + 499);
    assert_eq!(partition.open_traces(), 1);
    partition.tick(NOW_MS + 500);
    assert_eq!(partition.open_traces(), 0);
    partition.emit(usize::MAX);
    partition.take();
}

/// Without the wait for roots, and with it again: a root that comes then counts.
#[test]
fn roots_count_again_after_another_configuration() {
    let with = config(json!({"decision_wait_after_root_received": "500ms"}));
    let without = config(json!({}));
    let start = start();
    let (policies, options) = (with.policies.clone(), with.options.clone());
    let mut partition = Partition::new(0, policies, options, start, 0);
    let observe = |partition: &mut Partition, offset, timestamp_ms| {
        partition.observe(RawRecord {
            offset,
            timestamp_ms,
            tenant: None,
            value: request([span(7, 1)].into_iter()),
        });
    };
    observe(&mut partition, 0, NOW_MS);
    for other in [without, with] {
        partition.take();
        partition.reconfigure(&crate::reconfigure::Reconfiguration {
            policies: other.policies,
            options: other.options,
        });
    }
    observe(&mut partition, 1, NOW_MS + 100);
    partition.tick(NOW_MS + 599);
    assert_eq!(partition.open_traces(), 1);
    partition.tick(NOW_MS + 600);
    assert_eq!(partition.open_traces(), 0);
}

/// Resources are part of what goes out, though no span counts them.
#[test]
fn the_budget_counts_resources() {
    let config = config(json!({}));
    let mut partition = Partition::new(0, config.policies, config.options, start(), 1 << 30);
    let resource = |offset: u64| {
        let (mut attribute, mut value, mut head) = (Vec::new(), Vec::new(), Vec::new());
        put_len(&mut value, 1, format!("{offset:05000}").as_bytes());
        put_len(&mut attribute, 1, b"k");
        put_len(&mut attribute, 2, &value);
        put_len(&mut head, 1, &attribute);
        head
    };
    for offset in 0..100 {
        let (mut scope, mut spans, mut request) = (Vec::new(), Vec::new(), Vec::new());
        put_len(&mut scope, 2, &span(u128::from(offset) + 1, 1));
        put_len(&mut spans, 1, &resource(offset));
        put_len(&mut spans, 2, &scope);
        put_len(&mut request, 1, &spans);
        partition.observe(RawRecord {
            offset,
            timestamp_ms: NOW_MS,
            tenant: None,
            value: request.into(),
        });
    }
    partition.tick(LATER_MS);
    let spent = partition.emit(50_000);
    let sampled = partition.take().sampled;
    let bytes: usize = sampled.iter().map(|(_, value)| value.len()).sum();
    let spans: usize = sampled
        .iter()
        .map(|(_, value)| Items::new(value).count())
        .sum();
    assert_eq!(spans, 10);
    assert!(bytes <= spent && spent < 56_000, "{bytes}, {spent}");
}
