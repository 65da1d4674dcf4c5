//! A sampler on a host whose clock is hours away from the bus's: windows of an idle partition close when it is time on the bus, neither before nor
//! never, and the next sampler learns nothing wrong from it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bus::{Bus, Record, TopicPartition, embedded};
use bytes::Bytes;
use runtime::config::Problems;
use runtime::{Drain, Health};
use sampler::{RawConfig, Reload};
use schemas::decisions::{Decision, DecisionBatch, Verdict};
use schemas::partition::partition_of;
use schemas::wire::put_len;
use schemas::{Signal, Topics};
use serde_json::json;

const PARTITIONS: u32 = 2;
const HOUR_MS: i64 = 3_600_000;
const WITHIN: Duration = Duration::from_secs(60);

/// A bus and one sampler.
struct World {
    _folder: tempfile::TempDir,
    bus: Arc<dyn Bus>,
    topics: Topics,
    sampler: Option<(Drain, JoinHandle<()>)>,
}

impl World {
    /// The host's clock is so far ahead of the bus's.
    fn new(ahead_ms: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (began, wall) = (Instant::now(), SystemTime::now());
        let wall_ms = wall.duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
        let clock = move || (wall_ms - ahead_ms) as u64 + began.elapsed().as_millis() as u64;
        let options = embedded::Options {
            clock: Arc::new(clock),
            ..embedded::Options::default()
        };
        let bus = embedded::open(folder.path(), options).unwrap();
        let topics = Topics::new("tw");
        bus.ensure_topics(&bus::topic_specs(&topics, PARTITIONS))
            .unwrap();
        let mut world = Self {
            _folder: folder,
            bus,
            topics,
            sampler: None,
        };
        world.start();
        world
    }

    fn start(&mut self) {
        let section = json!({
            "decision_wait": "1h",
            "decision_wait_after_root_received": "100ms",
            "decision_cache_ttl": "2h",
            "idle_allowance": "50ms",
            "epoch_interval": "10ms",
            "workers": 1,
            "policies": [{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}],
        });
        let raw: RawConfig = serde_json::from_value(section).unwrap();
        let mut problems = Problems::new();
        let config = raw.validate("sampler", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let (drain, ready) = (Drain::new(), Health::new().part("sampler"));
        let (bus, topics, stop) = (self.bus.clone(), self.topics.clone(), drain.clone());
        let thread = std::thread::spawn(move || {
            let instance = "s".to_owned();
            sampler::run(
                config,
                bus,
                topics,
                instance,
                Reload::default(),
                ready,
                stop,
            )
            .unwrap();
        });
        self.sampler = Some((drain, thread));
    }

    fn stop(&mut self) {
        if let Some((drain, thread)) = self.sampler.take() {
            drain.request();
            thread.join().unwrap();
        }
    }

    /// A span on the partition of its trace.
    fn publish(&self, trace: [u8; 16], root: bool, error: bool) {
        let (mut span, mut scope, mut resource, mut value) = (vec![], vec![], vec![], vec![]);
        put_len(&mut span, 1, &trace);
        put_len(&mut span, 2, &[1; 8]);
        if !root {
            put_len(&mut span, 4, &[2; 8]);
        }
        if error {
            put_len(&mut span, 15, &[0x18, 2]);
        }
        put_len(&mut scope, 2, &span);
        put_len(&mut resource, 2, &scope);
        put_len(&mut value, 1, &resource);
        let raw = self.topics.raw(Signal::Traces);
        let at = TopicPartition::new(raw, partition_of(&trace, PARTITIONS));
        let record = Record {
            headers: Vec::new(),
            value: Bytes::from(value),
        };
        let publisher = self.bus.publisher().unwrap();
        let ack = |result: bus::Result<u64>| assert!(result.is_ok(), "{result:?}");
        publisher.publish(at, record, Box::new(ack)).unwrap();
        publisher.flush(WITHIN).unwrap();
    }

    /// Everything in the decision log.
    fn verdicts(&self) -> Vec<Decision> {
        let log = self.topics.decisions();
        let mut reader = self.bus.reader().unwrap();
        let all: Vec<_> = (0..PARTITIONS)
            .map(|partition| TopicPartition::new(log.clone(), partition))
            .collect();
        let from: Vec<_> = all.iter().map(|at| (at.clone(), 0)).collect();
        reader.assign(&from).unwrap();
        let mut verdicts = Vec::new();
        loop {
            let records = reader.poll(Duration::ZERO, 1 << 20).unwrap();
            if records.is_empty() {
                return verdicts;
            }
            for record in records {
                verdicts.extend(DecisionBatch::decode(&record.value).unwrap().entries);
            }
        }
    }

    #[track_caller]
    fn wait_for(&self, trace: [u8; 16]) -> Decision {
        let deadline = Instant::now() + WITHIN;
        loop {
            let mut verdicts = self.verdicts().into_iter();
            if let Some(verdict) = verdicts.find(|verdict| verdict.trace_id == trace) {
                return verdict;
            }
            assert!(
                Instant::now() < deadline,
                "trace {trace:02x?} has no verdict"
            );
            std::thread::yield_now();
        }
    }

    /// Traces that are complete, one after the other, on another partition: time passes on an idle bus, and all partitions hear of it.
    fn others_are_decided(&self, first: u8) {
        for first in first..first + 3 {
            let other = id(1, first);
            self.publish(other, true, false);
            assert_eq!(self.wait_for(other).spans, 1);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some((drain, _)) = &self.sampler {
            drain.request();
        }
    }
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

/// A trace whose root comes late, over a change of owners.
#[track_caller]
fn check(ahead_ms: i64) {
    let mut world = World::new(ahead_ms);
    let trace = id(0, 1);
    world.publish(trace, false, false);
    world.others_are_decided(10);
    let of_trace = |world: &World| {
        let verdicts = world.verdicts().into_iter();
        verdicts
            .filter(|verdict| verdict.trace_id == trace)
            .collect::<Vec<_>>()
    };
    assert_eq!(of_trace(&world), [], "decided an hour early");
    world.stop();
    world.start();
    world.others_are_decided(20);
    assert_eq!(of_trace(&world), [], "decided an hour early by the heir");
    world.publish(trace, true, true);
    let verdict = world.wait_for(trace);
    assert_eq!((verdict.spans, verdict.verdict), (2, Verdict::Keep));
    world.stop();
}

#[test]
fn a_host_that_is_right() {
    check(0);
}

#[test]
fn a_host_that_is_hours_ahead() {
    check(3 * HOUR_MS);
}

#[test]
fn a_host_that_is_hours_behind() {
    check(-3 * HOUR_MS);
}
