//! A tenant's budget of kept bytes: it is kept to on the partition's clock, errors stay, others are not touched, and who takes the partition
//! over comes to the same verdicts.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use fastrand::Rng;
use runtime::config::Problems;
use schemas::decisions::{Decision, DecisionBatch, Verdict};
use schemas::wire::{put_len, put_varint_field};
use serde_json::json;

use crate::partition::Partition;
use crate::position::{Position, Start};
use crate::record::RawRecord;
use crate::stats::{Gathering, Group};
use crate::{Config, RawBudget, RawConfig, RawTenant, RawTenants};

const BEGIN_MS: u64 = 1_700_000_000_000;
const EPOCH_MS: u64 = 5_000;
/// Of one tenant.
const TRACES: usize = 40;
const SPAN_BYTES: usize = 1000;
/// A tenth of them.
const ERRORS: u32 = 10;

fn config(bytes_per_day: u64) -> Config {
    let section =
        json!({"decision_wait": "10s", "policies": [{"name": "all", "type": "always_sample"}]});
    let raw: RawConfig = serde_json::from_value(section).unwrap();
    let budget: RawBudget =
        serde_json::from_value(json!({"kept_bytes_per_day": bytes_per_day})).unwrap();
    let shop = RawTenant {
        budget: Some(&budget),
        ..RawTenant::default()
    };
    let tenants: RawTenants<'_> = [("shop", shop), ("quiet", RawTenant::default())].into();
    let mut problems = Problems::new();
    let config = raw.validate_with("sampler", &tenants, "tenants", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    config
}

/// A trace of one span.
fn spans(rng: &mut Rng, times: usize) -> Bytes {
    let mut scope = Vec::new();
    for _ in 0..TRACES * times {
        let mut span = Vec::new();
        put_len(&mut span, 1, &rng.u128(1..).to_le_bytes());
        put_len(&mut span, 2, &rng.u64(1..).to_le_bytes());
        put_len(&mut span, 5, &[b'x'; SPAN_BYTES]);
        if rng.u32(0..ERRORS) == 0 {
            let mut status = Vec::new();
            put_varint_field(&mut status, 3, 2);
            put_len(&mut span, 15, &status);
        }
        put_len(&mut scope, 2, &span);
    }
    let (mut resource, mut request) = (Vec::new(), Vec::new());
    put_len(&mut resource, 2, &scope);
    put_len(&mut request, 1, &resource);
    request.into()
}

/// A partition, with what a process has around it.
struct Process {
    partition: Partition,
    group: Arc<RwLock<Group>>,
    gathering: Gathering,
}

impl Process {
    fn new(config: &Config, start: Start) -> Self {
        let policies = config.policies.clone();
        let group = Arc::new(RwLock::new(Group::new(policies.keyed(), 1 << 20)));
        let gathering = Gathering::new(policies.keyed().into());
        let options = config.options.clone();
        let mut partition = Partition::new(0, policies, options, start, 1 << 20);
        partition.join(&group);
        Self {
            partition,
            group,
            gathering,
        }
    }

    /// Ends an epoch: its verdicts and position, after the exchange.
    fn epoch(&mut self) -> (DecisionBatch, (u64, String)) {
        let update = self.gathering.gather(self.partition.take_news(), 1.0);
        self.group.write().unwrap().update(&update);
        self.partition.emit(usize::MAX);
        let output = self.partition.take();
        (output.decisions, output.position)
    }
}

/// The records of an epoch: one of each tenant.
fn records(rng: &mut Rng, epoch: u64, times: usize) -> [RawRecord; 3] {
    let mut offset = epoch * 3;
    ["shop", "quiet", "other"].map(|tenant| {
        offset += 1;
        RawRecord {
            offset: offset - 1,
            timestamp_ms: BEGIN_MS + epoch * EPOCH_MS,
            tenant: Some(Bytes::from_static(tenant.as_bytes())),
            value: spans(rng, times),
        }
    })
}

#[derive(Debug, Default)]
struct Sums {
    traces: u64,
    kept_bytes: u64,
    errors: u64,
    kept_errors: u64,
}

/// By tenant.
fn sums(batches: &[DecisionBatch]) -> BTreeMap<String, Sums> {
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for batch in batches {
        for entry in &batch.entries {
            let tenant = String::from_utf8(batch.tenant_of(entry).to_vec()).unwrap();
            let sums = sums.entry(tenant).or_default();
            let (kept, failed) = (entry.verdict == Verdict::Keep, entry.errors > 0);
            sums.traces += 1;
            sums.errors += u64::from(failed);
            sums.kept_errors += u64::from(kept && failed);
            sums.kept_bytes += if kept { entry.bytes } else { 0 };
        }
    }
    sums
}

const MINUTE: u64 = 60_000 / EPOCH_MS;

/// Runs for so many minutes; the verdicts of the last ten. `times`: how much comes, by epoch.
fn run(bytes_per_day: u64, minutes: u64, times: impl Fn(u64) -> usize) -> Vec<DecisionBatch> {
    let mut process = Process::new(&config(bytes_per_day), start());
    let mut rng = Rng::with_seed(7);
    let mut batches = Vec::new();
    for epoch in 0..minutes * MINUTE {
        for record in records(&mut rng, epoch, times(epoch)) {
            process.partition.observe(record);
        }
        batches.push(process.epoch().0);
    }
    batches.split_off(batches.len() - (10 * MINUTE) as usize)
}

fn start() -> Start {
    Start {
        clock_emit_ms: BEGIN_MS,
        ..Start::default()
    }
}

/// What comes in ten minutes of one tenant.
const COMES: u64 = 10 * MINUTE * TRACES as u64 * SPAN_BYTES as u64;

#[test]
fn what_is_kept_comes_to_the_budget_and_errors_stay() {
    // Half of what comes.
    let wanted = COMES / 2;
    let kept = sums(&run(wanted * 144, 30, |_| 1));
    let shop = &kept["shop"];
    let off = (shop.kept_bytes as f64 / wanted as f64 - 1.0).abs();
    assert!(off < 0.05, "{shop:?}, where {wanted} bytes were the budget");
    assert!(
        shop.errors > 400 && shop.kept_errors == shop.errors,
        "{shop:?}"
    );
    for other in ["quiet", "other"] {
        assert!(kept[other].kept_bytes >= COMES, "{:?}", kept[other]);
    }
}

#[test]
fn errors_alone_may_take_more_than_the_budget() {
    let wanted = COMES / 50;
    let kept = sums(&run(wanted * 144, 30, |_| 1));
    let shop = &kept["shop"];
    assert_eq!(shop.kept_errors, shop.errors, "{shop:?}");
    assert!(shop.kept_bytes > wanted, "{shop:?}");
    let of_errors = shop.errors * (SPAN_BYTES as u64 + 40);
    assert!(shop.kept_bytes <= of_errors, "nothing else: {shop:?}");
}

/// Four times as much comes after twenty minutes: the probability falls, and what is kept comes to the same.
#[test]
fn the_probability_falls_as_more_comes() {
    let wanted = COMES / 2;
    let kept = sums(&run(wanted * 144, 50, |epoch| {
        if epoch < 20 * MINUTE { 1 } else { 4 }
    }));
    let shop = &kept["shop"];
    let off = (shop.kept_bytes as f64 / wanted as f64 - 1.0).abs();
    assert!(off < 0.08, "{shop:?}, where {wanted} bytes were the budget");
    assert_eq!(shop.kept_errors, shop.errors);
}

#[test]
fn a_budget_that_is_not_used_up_changes_nothing() {
    let kept = sums(&run(COMES * 2 * 144, 15, |_| 1));
    assert!(kept["shop"].kept_bytes >= COMES, "{:?}", kept["shop"]);
}

/// Verdicts are a function of the log: the next owner, who has the decision log and the raw log, goes on as this one would have.
#[test]
fn the_next_owner_comes_to_the_same_verdicts() {
    let config = config(COMES / 2 * 144);
    let mut here = Process::new(&config, start());
    let mut rng = Rng::with_seed(7);
    let (mut log, mut raw) = (Vec::new(), Vec::new());
    let mut position = (0, String::new());
    for epoch in 0..20 * MINUTE {
        for record in records(&mut rng, epoch, 1) {
            raw.push(record.clone());
            here.partition.observe(record);
        }
        let (batch, at) = here.epoch();
        log.push(batch);
        position = at;
    }
    let committed = Position::parse(&position.1).unwrap();
    let mut heir = Process::new(&config, committed.start(position.0));
    for batch in &log {
        let read = DecisionBatch::decode(&batch.encode()).unwrap();
        heir.partition.restore(&read);
    }
    heir.gathering.raise(heir.partition.take_restored());
    for record in &raw[position.0 as usize..] {
        heir.partition.observe(record.clone());
    }
    heir.epoch();
    here.epoch();
    // The next minutes, at both.
    let mut verdicts = [BTreeMap::new(), BTreeMap::new()];
    for epoch in 20 * MINUTE..25 * MINUTE {
        let records = records(&mut rng, epoch, 1);
        for (process, verdicts) in [&mut here, &mut heir].into_iter().zip(&mut verdicts) {
            for record in &records {
                process.partition.observe(record.clone());
            }
            let (batch, _) = process.epoch();
            let given = |entry: &Decision| (entry.trace_id, (entry.verdict, entry.threshold));
            verdicts.extend(batch.entries.iter().map(given));
        }
    }
    assert!(verdicts[0].len() > 3000, "{}", verdicts[0].len());
    let differ = verdicts[0]
        .iter()
        .filter(|(id, given)| verdicts[1].get(*id) != Some(given));
    assert_eq!(differ.count(), 0, "of {}", verdicts[0].len());
}
