//! Tests of the dataflow as a session drives it, epoch by epoch: two workers, four partitions, and what they know together. No consumer
//! group, no commits.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use bus::{Fetched, Header};
use bytes::Bytes;
use runtime::config::Problems;
use schemas::decisions::{DecisionBatch, Verdict};
use schemas::headers;
use schemas::wire::{put_fixed64, put_len};
use serde_json::{Value, json};
use timely::communication::WorkerGuards;

use crate::budget::Budgets;
use crate::epoch::batch::Batch;
use crate::epoch::command::Command;
use crate::epoch::part::PartitionOutput;
use crate::memory::Memory;
use crate::position::Start;
use crate::reconfigure::Reconfiguration;
use crate::record::RawRecord;
use crate::shell::commit::FromWorkers;
use crate::shell::dataflow::{self, Inlets};
use crate::shell::worker::{Bounds, Common, Partitions};
use crate::stats::Group;
use crate::{Config, RawConfig};

const WORKERS: usize = 2;
const PARTITIONS: u32 = 4;
const NOW_MS: u64 = 1_700_000_000_000;
const WAIT_MS: u64 = 1000;
const BYTES_MAX: usize = 1 << 20;

fn config(policies: Value) -> Config {
    let section = json!({"decision_wait": "1s", "decision_cache_ttl": "10s", "policies": policies});
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let mut problems = Problems::new();
    let mut config = raw.validate("", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    config.options.bus.partitions = PARTITIONS;
    config
}

/// The workers of a session.
struct Workers {
    // Goes first, so that the workers end.
    inlets: Inlets,
    outputs: Receiver<FromWorkers>,
    _guards: WorkerGuards<()>,
    _folder: tempfile::TempDir,
    group: Arc<RwLock<Group>>,
    offsets: BTreeMap<u32, u64>,
    now_ms: u64,
}

type Outputs = BTreeMap<u32, PartitionOutput>;

impl Workers {
    fn start(policies: Value) -> Self {
        let config = config(policies);
        let folder = tempfile::tempdir().unwrap();
        let bus = bus::embedded::open(folder.path(), bus::embedded::Options::default()).unwrap();
        let group = Arc::new(RwLock::new(Group::new(config.policies.keyed(), BYTES_MAX)));
        let budgets = Budgets::new(config.policies.limits(), 0, PARTITIONS);
        let common = Common {
            group: group.clone(),
            budgets: Arc::new(Mutex::new(budgets)),
        };
        let (commit, outputs) = channel();
        let bounds = Bounds {
            emit_bytes_max: 1 << 20,
            statistics_bytes_max: BYTES_MAX / WORKERS,
            memory: Arc::new(Memory::new(1 << 20)),
        };
        let partitions = move || {
            Partitions::new(
                config.policies.clone(),
                config.options.clone(),
                bounds.clone(),
                common.clone(),
                bus.clone(),
                "raw".into(),
            )
        };
        let (inlets, guards) = dataflow::start(WORKERS, partitions, None, commit).unwrap();
        Self {
            inlets,
            outputs,
            _guards: guards,
            _folder: folder,
            group,
            offsets: BTreeMap::new(),
            now_ms: NOW_MS,
        }
    }

    fn epoch(&mut self, commands: Vec<Command>) -> Outputs {
        let sent = self.inlets.send(commands);
        let mut outputs = Outputs::new();
        loop {
            match self.outputs.recv_timeout(Duration::from_secs(60)).unwrap() {
                FromWorkers::Part { part, .. } => {
                    let its = part.outputs.into_iter();
                    outputs.extend(its.map(|output| (output.partition, output)));
                }
                FromWorkers::Complete { epoch } => {
                    assert_eq!(epoch, sent);
                    return outputs;
                }
            }
        }
    }

    /// As much time has passed on it as on the bus.
    fn monotonic_ms(&self) -> u64 {
        self.now_ms - NOW_MS
    }

    fn assign(&self, partition: u32, decisions: &[DecisionBatch]) -> Vec<Command> {
        let assign = Command::Assign {
            partition,
            start: Start {
                clock_emit_ms: NOW_MS,
                clock_decide_ms: self.now_ms,
                emit: self.offsets.get(&partition).copied().unwrap_or_default(),
                ..Start::default()
            },
        };
        let records = (0..).zip(decisions).map(|(offset, batch)| Fetched {
            topic: "decisions".into(),
            partition,
            offset,
            timestamp_ms: self.now_ms,
            headers: Vec::new(),
            value: batch.encode(),
        });
        let records = records.collect();
        let restore = Command::Restore { partition, records };
        let now_ms = self.monotonic_ms();
        vec![assign, restore, Command::Restored { partition, now_ms }]
    }

    /// For as many epochs, the same for every partition; the last one says that the log was read.
    fn assign_in_pieces(
        &self,
        partition: u32,
        decisions: &[DecisionBatch],
        pieces: usize,
    ) -> Vec<Command> {
        let mut commands = self.assign(partition, &[]);
        let restored = commands.pop();
        commands.truncate(1);
        let length = decisions.len().div_ceil(pieces).max(1);
        let mut chunks = decisions.chunks(length);
        for _ in 0..pieces {
            let chunk = chunks.next().unwrap_or_default();
            commands.extend(self.assign(partition, chunk).into_iter().nth(1));
        }
        commands.extend(restored);
        commands
    }

    fn assign_all(&mut self) {
        let commands = (0..PARTITIONS).flat_map(|number| self.assign(number, &[]));
        let commands = commands.collect();
        self.epoch(commands);
    }

    /// Traces of one span of these operations, decided within the epoch.
    fn traces(&mut self, partition: u32, operations: &[&str]) -> [Command; 2] {
        let offset = self.offsets.entry(partition).or_default();
        let mut scope = Vec::new();
        for (at, operation) in operations.iter().enumerate() {
            let mut span = Vec::new();
            let id = u128::from(partition) << 64 | u128::from(*offset) << 32 | (at as u128 + 1);
            put_len(&mut span, 1, &id.to_be_bytes());
            put_len(&mut span, 2, &[1; 8]);
            put_len(&mut span, 5, operation.as_bytes());
            put_fixed64(&mut span, 7, NOW_MS * 1_000_000);
            put_fixed64(&mut span, 8, NOW_MS * 1_000_000 + 1000);
            put_len(&mut scope, 2, &span);
        }
        let (mut resource_spans, mut value) = (Vec::new(), Vec::new());
        put_len(&mut resource_spans, 2, &scope);
        put_len(&mut value, 1, &resource_spans);
        let record = RawRecord {
            offset: *offset,
            timestamp_ms: self.now_ms,
            tenant: None,
            value: Bytes::from(value),
        };
        *offset += 1;
        let records = Command::Records {
            partition,
            records: vec![record],
            refused: Vec::new(),
            read_ms: self.monotonic_ms(),
        };
        let since_ms = self.monotonic_ms() + WAIT_MS;
        let idle = Command::Idle {
            partition,
            since_ms,
        };
        [records, idle]
    }

    /// How many of these traces an epoch keeps.
    fn keeps(&mut self, partition: u32, operations: &[&str]) -> usize {
        let commands = self.traces(partition, operations);
        let outputs = self.epoch(commands.into());
        kept(&outputs[&partition].output.decisions)
    }

    fn reconfigure(&self, policies: Value) -> Command {
        let Config {
            policies, options, ..
        } = config(policies);
        Command::Reconfigure(Arc::new(Reconfiguration { policies, options }))
    }
}

fn kept(batch: &DecisionBatch) -> usize {
    let kept = batch.entries.iter();
    kept.filter(|entry| entry.verdict == Verdict::Keep).count()
}

fn novelty() -> Value {
    json!({"name": "new", "type": "novelty", "novelty": {"interval": "1h"}})
}

fn floor(traces: u32) -> Value {
    json!({"name": "some", "type": "floor", "floor": {"keys": ["root.operation"], "traces": traces, "interval": "1h"}})
}

#[test]
fn another_configuration_holds_everywhere_from_its_epoch_on() {
    let mut workers = Workers::start(json!([{"name": "before", "type": "always_sample"}]));
    workers.assign_all();
    let all = |workers: &mut Workers| {
        let traces = (0..3).flat_map(|partition| workers.traces(partition, &["a"]));
        traces.collect::<Vec<_>>()
    };
    let after = json!([floor(1), {"name": "after", "type": "always_sample"}]);
    let mut commands = vec![workers.reconfigure(after)];
    let first = all(&mut workers);
    let before = workers.epoch(first);
    commands.extend(all(&mut workers));
    let after = workers.epoch(commands);
    // One that comes later.
    workers.epoch(vec![Command::Revoke { partition: 3 }]);
    let mut commands = workers.assign(3, &[]);
    commands.extend(workers.traces(3, &["a"]));
    let later = workers.epoch(commands);
    let said = |outputs: &Outputs, partition: u32| {
        let batch = &outputs[&partition].output.decisions;
        assert_eq!(kept(batch), 1);
        (batch.generation, batch.policies.clone())
    };
    let (first, second) = (said(&before, 0), said(&after, 0));
    assert_eq!(first.1, ["before"]);
    assert_eq!(second.1, ["some", "after"]);
    assert_ne!(first.0, second.0);
    for partition in 0..3 {
        assert_eq!(said(&before, partition), first, "partition {partition}");
        assert_eq!(said(&after, partition), second, "partition {partition}");
    }
    assert_eq!(said(&later, 3), second);
}

/// Partitions 0 and 2 are one worker's, 1 and 3 the other's.
#[test]
fn what_one_partition_counts_all_know_in_the_next_epoch() {
    let mut workers = Workers::start(json!([novelty()]));
    workers.assign_all();
    assert_eq!(workers.keeps(0, &["a", "a"]), 1);
    for partition in 0..PARTITIONS {
        assert_eq!(workers.keeps(partition, &["a"]), 0, "partition {partition}");
    }
    assert_eq!(workers.keeps(3, &["b"]), 1);
}

/// The burst, once, and what comes in a second, whichever partition asks; less without one of them.
#[test]
fn all_partitions_spend_from_one_budget() {
    let limit = json!({"name": "limit", "type": "rate_limiting", "rate_limiting":
        {"spans_per_second": 20, "burst_capacity": 40}});
    let keeps = |workers: &mut Workers, partitions: &[u32]| -> usize {
        let partitions = partitions.iter();
        let commands = partitions.flat_map(|&partition| workers.traces(partition, &["a"; 50]));
        let commands = commands.collect();
        let outputs = workers.epoch(commands);
        let decisions = outputs.values().map(|output| &output.output.decisions);
        decisions.map(kept).sum()
    };
    let mut workers = Workers::start(json!([limit.clone()]));
    workers.assign_all();
    assert_eq!(keeps(&mut workers, &[0, 1, 2, 3]), 40);
    workers.now_ms += 1000;
    assert_eq!(keeps(&mut workers, &[2]), 20);
    workers.now_ms += 500;
    assert_eq!(keeps(&mut workers, &[3, 0]), 10);
    workers.epoch(vec![Command::Revoke { partition: 3 }]);
    workers.now_ms += 3000;
    assert_eq!(keeps(&mut workers, &[0, 1, 2]), 30);
    // The same limit goes on where it stands.
    let errors = json!({"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}});
    let change = workers.reconfigure(json!([errors, limit]));
    workers.epoch(vec![change]);
    workers.now_ms += 1000;
    assert_eq!(keeps(&mut workers, &[0, 1]), 15);
}

#[test]
fn counts_find_their_rules_after_a_reload() {
    let mut workers = Workers::start(json!([novelty()]));
    workers.assign_all();
    assert_eq!(workers.keeps(0, &["a"]), 1);
    let keyed = json!({"name": "budget", "type": "throughput", "throughput":
        {"traces_per_second": 1, "keys": ["operation"], "initial_percentage": 0}});
    let change = workers.reconfigure(json!([keyed, floor(1), novelty()]));
    workers.epoch(vec![change]);
    // As before, of what was counted before and of what comes now.
    assert_eq!(workers.keeps(1, &["a", "a"]), 1, "one for the floor");
    assert_eq!(workers.keeps(2, &["a", "b"]), 1);
    assert_eq!(workers.keeps(3, &["a", "b"]), 0);
}

/// A rebalance gives partitions to where they were, or to where others have told of them.
#[test]
fn partitions_that_come_back_are_counted_once() {
    let mut workers = Workers::start(json!([floor(4)]));
    workers.assign_all();
    let commands = workers.traces(0, &["a", "a"]);
    let log = workers.epoch(commands.into()).remove(&0).unwrap();
    let log = [log.output.decisions];
    for _ in 0..3 {
        workers.epoch(vec![Command::Revoke { partition: 0 }]);
        let back = workers.assign(0, &log);
        workers.epoch(back);
    }
    assert_eq!(workers.keeps(1, &["a"; 9]), 4, "by itself it knows of none");
    assert_eq!(workers.keeps(0, &["a"; 9]), 0);
    // Other workers, which know only what the log says, and have one more rule before this one: it keeps one.
    let offset = workers.offsets[&0];
    let mut others = Workers::start(json!([novelty(), floor(4)]));
    others.offsets.insert(0, offset);
    let back = others.assign(0, &log);
    let rest = (1..PARTITIONS).flat_map(|number| others.assign(number, &[]));
    let commands = rest.chain(back).collect();
    others.epoch(commands);
    assert_eq!(others.keeps(0, &["a"; 9]), 2);
}

/// Rates follow from the counts of the log at once, and from each once.
#[test]
fn rates_are_what_they_were_when_partitions_come_back() {
    let policies = json!([{"name": "budget", "type": "throughput", "throughput":
        {"traces_per_second": 10, "keys": ["operation"], "interval": "1s", "initial_percentage": 100}}]);
    let rate = |workers: &Workers| {
        let group = workers.group.read().unwrap();
        let known = group.rates(0);
        known.unwrap().into_values().next().unwrap()
    };
    let mut workers = Workers::start(policies.clone());
    workers.assign_all();
    let mut log = Vec::new();
    for second in 0..3 {
        workers.now_ms = NOW_MS + second * 1000;
        let commands = workers.traces(0, &["a"; 100]);
        let output = workers.epoch(commands.into()).remove(&0).unwrap();
        log.push(output.output.decisions);
    }
    let before = rate(&workers);
    assert!((0.05..0.2).contains(&before), "{before}");
    workers.epoch(vec![Command::Revoke { partition: 0 }]);
    let back = workers.assign(0, &log);
    workers.epoch(back);
    workers.now_ms += 1000;
    workers.keeps(0, &["a"]);
    assert!((rate(&workers) - before).abs() < 0.01, "{}", rate(&workers));
    let mut others = Workers::start(policies);
    others.now_ms = NOW_MS + 2000;
    let back = others.assign(0, &log);
    let rest = (1..PARTITIONS).flat_map(|number| others.assign(number, &[]));
    let commands = rest.chain(back).collect();
    others.epoch(commands);
    assert!((rate(&others) - before).abs() < 0.01, "{}", rate(&others));
}

/// A log that is longer than one epoch takes tells the same, and nothing of its partition is committed before its end.
#[test]
fn a_log_that_is_read_in_pieces_tells_what_it_tells_at_once() {
    let policies = json!([{"name": "budget", "type": "throughput", "throughput":
        {"traces_per_second": 10, "keys": ["operation"], "interval": "1s", "initial_percentage": 100}}]);
    let mut first = Workers::start(policies.clone());
    first.assign_all();
    let mut logs: BTreeMap<u32, Vec<DecisionBatch>> = BTreeMap::new();
    for half_second in 0..6 {
        first.now_ms = NOW_MS + half_second * 500;
        for partition in 0..2 {
            let commands = first.traces(partition, &["a"; 60]);
            let output = first.epoch(commands.into()).remove(&partition).unwrap();
            let log = logs.entry(partition).or_default();
            log.push(output.output.decisions);
        }
    }
    let rates = [1, 6].map(|pieces| {
        let mut others = Workers::start(policies.clone());
        others.now_ms = first.now_ms;
        let mut left: Vec<Vec<Command>> = (0..PARTITIONS)
            .map(|number| {
                let log = logs.get(&number).map_or(&[][..], Vec::as_slice);
                others.assign_in_pieces(number, log, pieces)
            })
            .collect();
        while !left.is_empty() {
            let next = left.iter_mut().map(|commands| commands.remove(0));
            let commands: Vec<_> = next.collect();
            left.retain(|commands| !commands.is_empty());
            let over = left.is_empty();
            let outputs = others.epoch(commands);
            assert_eq!(outputs.len(), PARTITIONS as usize);
            assert!(outputs.values().all(|output| output.rebuilding != over));
        }
        let group = others.group.read().unwrap();
        let known = group.rates(0);
        known.unwrap().into_values().next().unwrap()
    });
    assert!((0.01..0.3).contains(&rates[0]), "{rates:?}");
    assert!((rates[0] - rates[1]).abs() < 1e-9, "{rates:?}");
}

#[test]
fn a_decision_log_that_cannot_be_read_says_where() {
    let mut workers = Workers::start(json!([floor(4)]));
    let mut commands = workers.assign(1, &[DecisionBatch::default()]);
    let Command::Restore { records, .. } = &mut commands[1] else {
        panic!("the second command");
    };
    records[0].value = Bytes::from_static(b"\x07nonsense");
    records[0].offset = 77;
    workers.inlets.send(commands);
    let failure = workers.outputs.iter().find_map(|said| match said {
        FromWorkers::Part { part, .. } => part.failure,
        FromWorkers::Complete { .. } => None,
    });
    let failure = failure.unwrap();
    assert!(failure.contains("decisions/1 at offset 77"), "{failure}");
}

/// Also while everything is taken over at once: no partition has more than its part.
#[test]
fn statistics_are_bounded_over_all_partitions() {
    let outlier = json!({"name": "slow", "type": "latency_outlier"});
    bounded(json!([outlier.clone()]));
    bounded(json!([novelty(), outlier, floor(1)]));
}

fn bounded(policies: Value) {
    let mut workers = Workers::start(policies.clone());
    workers.assign_all();
    let check = |workers: &Workers, outputs: &Outputs| {
        let part = BYTES_MAX / PARTITIONS as usize;
        for output in outputs.values() {
            let known = output.gauges.statistics_bytes as usize;
            assert!(known > part / 8, "{known}: nothing to bound");
            assert!(known <= part, "{known} of {part}");
        }
        let group = workers.group.read().unwrap().bytes();
        assert!(group <= BYTES_MAX, "{group} of {BYTES_MAX}");
    };
    let names: Vec<_> = (0..4000).map(|at| format!("operation {at}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut logs: BTreeMap<u32, Vec<DecisionBatch>> = BTreeMap::new();
    for names in names.chunks(200) {
        for partition in 0..PARTITIONS {
            let commands = workers.traces(partition, names);
            let outputs = workers.epoch(commands.into());
            let batch = outputs[&partition].output.decisions.clone();
            logs.entry(partition).or_default().push(batch);
        }
    }
    let outputs = workers.epoch(Vec::new());
    check(&workers, &outputs);
    let mut others = Workers::start(policies);
    others.offsets = workers.offsets.clone();
    let commands = (logs.iter()).flat_map(|(&number, log)| others.assign(number, log));
    let commands = commands.collect();
    let outputs = others.epoch(commands);
    check(&others, &outputs);
}

/// A record that this build can't read goes to the dead letters as it is, and none of its spans is anybody's.
#[test]
fn a_record_of_a_newer_version_is_put_aside() {
    let mut workers = Workers::start(json!([{"name": "all", "type": "always_sample"}]));
    workers.assign_all();
    let [Command::Records { records, .. }, tick] = workers.traces(1, &["pay"]) else {
        panic!("no records");
    };
    let mut batch = Batch::default();
    for (offset, version) in [(0, "9"), (1, "1"), (2, "x")] {
        batch.push(
            Fetched {
                topic: "raw".into(),
                partition: 1,
                offset,
                timestamp_ms: NOW_MS,
                headers: vec![Header {
                    name: headers::VERSION_NAME.into(),
                    value: version.into(),
                }],
                value: records[0].value.clone(),
            },
            0,
        );
    }
    let mut commands = batch.commands();
    commands.push(tick);
    let output = &workers.epoch(commands)[&1].output;
    let dead: Vec<_> = output.dead.iter().map(|dead| dead.offset).collect();
    assert_eq!(dead, [0, 2]);
    assert!(output.dead[0].reason.contains("version \"9\""));
    assert_eq!(output.dead[0].value, records[0].value);
    assert_eq!(kept(&output.decisions), 1);
    let counts = &output.counts;
    let found = (
        counts.decider.consumed_spans,
        counts.copier.kept_spans,
        counts.copier.bad_records,
    );
    assert_eq!(found, (1, 1, 2));
}
