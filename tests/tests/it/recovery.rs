//! A sampler that takes over finds a decision log far larger than memory, of which little still holds: it reads it piece by piece, remains a
//! member of its group, and needs memory only for what holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::{
    Assigned, Bus, Committer, Delivery, Epoch, GroupOptions, Member, Position, Rebalance, Record,
    TopicPartition,
};
use schemas::decisions::{Decision, DecisionBatch, EntryKind, Verdict};
use schemas::{Signal, Topics, headers};
use tests::kafka::Broker;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const ENTRIES: u64 = 1_000_000;
const ENTRIES_OF_MANY: u64 = 10_000_000;
/// One of so many still holds.
const HOLDS_EVERY: u64 = 100;
const ENTRIES_A_RECORD: u64 = 2500;
const RECORDS_AN_EPOCH: u64 = 32;
const WITHIN: Duration = Duration::from_secs(300);
/// Above what the sampler has when it is idle.
const MEMORY_BYTES_MAX: u64 = 64 << 20;

#[test]
fn memory_does_not_grow_with_the_decision_log() {
    check(ENTRIES);
}

/// `cargo test -p tailwater-tests --test it -- --ignored --nocapture ten_million`
#[test]
#[ignore = "writes and reads a gigabyte; the one above is a tenth of it"]
fn memory_does_not_grow_with_ten_million_entries() {
    check(ENTRIES_OF_MANY);
}

fn check(entries: u64) {
    let Ok(broker) = Broker::shared() else { return };
    let world = World::kafka(broker);
    let mut sampler = world.process("sample", "s");
    sampler.start_and_wait();
    let idle = sampler.peak_memory_bytes();
    assert_eq!(sampler.stop(), 0);
    let bytes = write_log(&*world.bus(), &world.topics(), entries);

    sampler.start();
    let recoveries = format!("{}_count", sampler::names::RECOVERY_SECONDS);
    wait_until("the sampler to recover", WITHIN, || {
        sampler.metrics().sum(&recoveries, &[]) as u64 > 0
    });
    let took = sampler
        .metrics()
        .sum(&format!("{}_sum", sampler::names::RECOVERY_SECONDS), &[]);
    let peak = sampler.peak_memory_bytes();
    println!(
        "{entries} entries in {} MiB of {PARTITIONS} decision logs, 1 of {HOLDS_EVERY} holds: recovered in {took:.1} s; {} MiB idle, {} MiB at the peak",
        bytes >> 20,
        idle >> 20,
        peak >> 20,
    );
    let log = sampler.log_text();
    assert!(
        log.contains(&format!("verdicts={entries}"))
            || log.contains(&format!("\"verdicts\":{entries}")),
        "not all entries were read"
    );
    assert_eq!(sampler.stop(), 0);
    assert!(
        peak - idle < MEMORY_BYTES_MAX,
        "{peak} bytes, {idle} when idle"
    );
}

/// Verdicts as a sampler would have left them behind; their bytes.
fn write_log(bus: &dyn Bus, topics: &Topics, entries: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = now.as_millis() as u64;
    let (mut member, mut committer) = join(bus, topics);
    let (mut written, mut bytes, mut rng) = (0, 0, fastrand::Rng::with_seed(14));
    while written < entries {
        let mut epoch = Epoch::default();
        for _ in 0..RECORDS_AN_EPOCH {
            let count = ENTRIES_A_RECORD.min(entries - written);
            if count == 0 {
                break;
            }
            let partition = (written / ENTRIES_A_RECORD % u64::from(PARTITIONS)) as u32;
            let value = batch(written..written + count, now_ms, &mut rng).encode();
            written += count;
            bytes += value.len() as u64;
            let record = Record {
                headers: vec![bus::Header {
                    name: headers::VERSION_NAME.into(),
                    value: headers::VERSION.as_bytes().into(),
                }],
                value,
            };
            let to = TopicPartition::new(topics.decisions(), partition);
            epoch.records.push((to, record));
        }
        epoch.positions = positions(topics, now_ms);
        committer.commit(&epoch).unwrap();
        member.poll(Duration::ZERO, 1).unwrap();
    }
    member.close().unwrap();
    bytes
}

fn batch(numbers: std::ops::Range<u64>, now_ms: u64, rng: &mut fastrand::Rng) -> DecisionBatch {
    const DAY_MS: u64 = 24 * 3_600_000;
    let entries = numbers.map(|number| Decision {
        tenant: None,
        trace_id: rng.u128(1..).to_be_bytes(),
        verdict: Verdict::Drop,
        kind: EntryKind::Decided,
        is_final: false,
        policy: None,
        match_set: 0,
        threshold: 0,
        randomness: None,
        first_offset: 0,
        last_offset: 0,
        time_ms: match number % HOLDS_EVERY {
            0 => now_ms,
            _ => now_ms - DAY_MS,
        },
        spans: 12,
        errors: 0,
        bytes: 6000,
        duration_us: 77_000,
        shape: 0,
        root_service: Some(0),
        root_operation: Some(1),
        promoted: None,
    });
    DecisionBatch {
        strings: vec!["shop".into(), "GET /".into()],
        match_sets: vec![Vec::new()],
        entries: entries.collect(),
        ..DecisionBatch::default()
    }
}

fn positions(topics: &Topics, now_ms: u64) -> Vec<Position> {
    let raw = topics.raw(Signal::Traces);
    (0..PARTITIONS)
        .map(|partition| Position {
            at: TopicPartition::new(raw.clone(), partition),
            offset: 0,
            metadata: sampler::position::Position {
                decide: 0,
                clock_emit_ms: now_ms,
                clock_decide_ms: now_ms,
                ..sampler::position::Position::default()
            }
            .to_metadata(),
        })
        .collect()
}

#[derive(Default)]
struct Owned(AtomicUsize);

impl Rebalance for Owned {
    fn assigned(&self, partitions: Vec<Assigned>) {
        self.0.fetch_add(partitions.len(), Ordering::Relaxed);
    }
    fn revoked(&self, _: Vec<TopicPartition>) {}
    fn lost(&self, _: Vec<TopicPartition>) {}
    fn truncated(&self, _: TopicPartition, _: u64, _: u64) {}
}

/// As the sampler that is to take over.
fn join(bus: &dyn Bus, topics: &Topics) -> (Box<dyn Member>, Box<dyn Committer>) {
    let owned = Arc::new(Owned::default());
    let options = GroupOptions {
        group: topics.group("sampler"),
        topics: vec![topics.raw(Signal::Traces)],
        delivery: Delivery::ExactlyOnce,
        instance: "writer".into(),
        revoke_timeout: Duration::from_secs(10),
    };
    let (mut member, committer) = bus.join(options, owned.clone()).unwrap();
    wait_until("all partitions", WITHIN, || {
        member.poll(Duration::from_millis(50), 1).unwrap();
        owned.0.load(Ordering::Relaxed) == PARTITIONS as usize
    });
    (member, committer)
}
