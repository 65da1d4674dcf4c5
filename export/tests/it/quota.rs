//! How much of a tenant's telemetry a backend gets: over restarts, over all processes, and what becomes of the rest.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bus::{
    Bus, BusKind, Header, Publisher, RawKafka, Record, Timestamps, TopicPartition, TopicSpec,
};
use export::names;
use schemas::Signal;

use crate::support::backend::{Answer, Backend};
use crate::support::telemetry::{ids, spans};
use crate::support::{
    PREFIX_VARIABLE, QUICK, Running, all_committed, config, eventually, metric, metric_with,
    open_bus, open_partitions, prefix, publish_of, topics,
};

/// A time of day that is twelve hours away, so that no window ends within a test.
fn far_reset() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let hour = (now.unwrap().as_secs() / 3600 + 12) % 24;
    format!("{hour:02}:00Z")
}

fn line(name: &str, to: &Backend, quota: &str) -> String {
    format!(
        "{{name: {name}, signals: [traces], otlp_http: {{endpoint: 'http://{}'}}, quota: {{{quota}, reset: '{}'}}, {QUICK}}}",
        to.address,
        far_reset()
    )
}

/// The topic over which exporters tell each other what they counted.
fn ensure_state(bus: &dyn Bus) {
    let spec = TopicSpec {
        name: topics().export_state(),
        partitions: 1,
        timestamps: Timestamps::LogAppend,
        compacted: true,
        retention: None,
    };
    bus.ensure_topics(&[spec]).unwrap();
}

fn with_state(dir: &Path) -> Arc<dyn Bus> {
    let bus = open_bus(dir);
    ensure_state(&*bus);
    bus
}

/// One record of one span for each id, on partition 0.
fn publish_ids(bus: &dyn Bus, tenant: &'static str, ids: impl Iterator<Item = u64>) {
    let values = ids.map(|id| spans([id], 0));
    publish_of(bus, Signal::Traces, 0, Some(tenant), values);
}

fn accepted(backend: &Backend) -> BTreeSet<u64> {
    backend
        .accepted()
        .iter()
        .flat_map(|body| ids(body))
        .collect()
}

fn skipped(backend: &str) -> u64 {
    let labels = [("backend", backend), ("reason", "quota")];
    metric_with(names::SKIPPED, &labels) as u64
}

#[test]
fn each_tenant_gets_its_quota_also_over_a_restart() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = with_state(dir.path());
    let backends = [line("restarted", &backend, "items: 5")];
    publish_ids(&*bus, "a", 0..4);
    let running = Running::start(&bus, &backends);
    all_committed(&*bus, "restarted", Signal::Traces);
    running.stop();
    drop(bus);

    // What was counted is on the bus.
    let bus = with_state(dir.path());
    publish_ids(&*bus, "a", 100..104);
    publish_ids(&*bus, "b", 200..208);
    let running = Running::start(&bus, &backends);
    all_committed(&*bus, "restarted", Signal::Traces);
    let used = [("backend", "restarted"), ("tenant", "b")];
    eventually("what is used is shown", || {
        metric_with(names::QUOTA_USED_ITEMS, &used) as u64 == 5
    });
    assert_eq!(metric_with(names::QUOTA_LIMIT_ITEMS, &used) as u64, 5);
    assert_eq!(metric(names::QUOTA_KNOWN, "restarted") as u64, 1);
    running.stop();

    let wanted: BTreeSet<u64> = (0..4).chain([100]).chain(200..205).collect();
    assert_eq!(accepted(&backend), wanted);
    assert_eq!(skipped("restarted"), 6);
    let (consumed, delivered) = (names::CONSUMED, names::DELIVERED);
    assert_eq!(metric(consumed, "restarted") as u64, 16);
    assert_eq!(metric(delivered, "restarted") as u64, 10);
}

#[test]
fn what_is_held_waits_on_the_bus_and_goes_when_there_is_room() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = with_state(dir.path());
    let held = |items: u64| line("waits", &backend, &format!("items: {items}, over: hold"));
    publish_ids(&*bus, "a", 0..30);
    // Of another partition nothing waits.
    publish_of(
        &*bus,
        Signal::Traces,
        1,
        Some("b"),
        (100..105).map(|id| spans([id], 0)),
    );
    let running = Running::start(&bus, &[held(10)]);
    eventually("the partition is held", || {
        metric(names::QUOTA_HELD, "waits") as u64 == 1
    });
    let (group, topic) = (
        topics().group("export-waits"),
        topics().clean(Signal::Traces),
    );
    eventually("what there was room for is committed", || {
        bus.lag(&group, &topic).unwrap() == 20
    });
    publish_ids(&*bus, "a", 30..40);
    eventually("what is new waits too", || {
        bus.lag(&group, &topic).unwrap() == 30
    });
    assert_eq!(accepted(&backend), (0..10).chain(100..105).collect());
    assert_eq!(skipped("waits"), 0);

    running.reload.apply(config(&[held(1000)]));
    all_committed(&*bus, "waits", Signal::Traces);
    running.stop();
    assert_eq!(accepted(&backend), (0..40).chain(100..105).collect());
    assert_eq!(
        backend.accepted().iter().flat_map(|body| ids(body)).count(),
        45,
        "each once"
    );
    assert_eq!(metric(names::QUOTA_HELD, "waits") as u64, 0);
}

/// Who doesn't know what others sent drops nothing.
#[test]
fn as_long_as_nobody_knows_what_others_sent_nothing_is_dropped() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish_ids(&*bus, "a", 0..20);
    let running = Running::start(&bus, &[line("unknown", &backend, "items: 5")]);
    all_committed(&*bus, "unknown", Signal::Traces);
    assert_eq!(metric(names::QUOTA_KNOWN, "unknown") as u64, 0);
    assert_eq!(accepted(&backend), (0..20).collect());

    ensure_state(&*bus);
    eventually("the topic is read", || {
        metric(names::QUOTA_KNOWN, "unknown") as u64 == 1
    });
    publish_ids(&*bus, "a", 20..40);
    all_committed(&*bus, "unknown", Signal::Traces);
    running.stop();
    assert_eq!(accepted(&backend), (0..20).collect());
    assert_eq!(skipped("unknown"), 20);
}

const FLEET_PARTITIONS: u32 = 6;
const LIMIT: u64 = 600;
/// Records of each tenant that are published in a round.
const ROUND: u64 = 12;
const ROUND_TAKES: Duration = Duration::from_millis(200);
const ROUNDS: u64 = 100;
/// Records of both tenants that may wait.
const BACKLOG: u64 = 8 * ROUND;

fn kafka(brokers: &str) -> Arc<dyn Bus> {
    let kafka = RawKafka {
        brokers: brokers.split(',').map(str::to_owned).collect(),
        replication_factor: Some(1),
        ..RawKafka::default()
    };
    open_partitions(BusKind::Kafka(kafka), FLEET_PARTITIONS)
}

/// One of the exporters of [`a_fleet_stays_within_its_quota_over_kills`]: it runs only as its child.
#[test]
fn quota_child() {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(brokers), Some(line), Some(instance)) = (
        variable("EXPORT_TEST_BROKERS"),
        variable("EXPORT_TEST_LINE"),
        variable("EXPORT_TEST_INSTANCE"),
    ) else {
        return;
    };
    let bus = kafka(&brokers);
    let _running = Running::start_instance(&bus, &[line], &instance);
    loop {
        std::thread::park();
    }
}

/// A process that doesn't outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn child(brokers: &str, line: &str, instance: usize) -> Killed {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "quota::quota_child", "--nocapture"])
        .env(PREFIX_VARIABLE, prefix())
        .env("EXPORT_TEST_BROKERS", brokers)
        .env("EXPORT_TEST_LINE", line)
        .env("EXPORT_TEST_INSTANCE", format!("quota-{instance}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Killed(child.unwrap())
}

fn publish_one(publisher: &dyn Publisher, tenant: &'static str, id: u64) {
    let tenant = Header {
        name: schemas::headers::TENANT.into(),
        value: tenant.into(),
    };
    let record = Record {
        headers: vec![tenant],
        value: spans([id], 0).into(),
    };
    let partition = (id % u64::from(FLEET_PARTITIONS)) as u32;
    let at = TopicPartition::new(topics().clean(Signal::Traces), partition);
    let acknowledged =
        Box::new(|outcome: bus::Result<u64>| assert!(outcome.is_ok(), "{outcome:?}"));
    publisher.publish(at, record, acknowledged).unwrap();
}

/// Three processes, one of which is killed and replaced while the quota isn't used up. No more goes than the quota and what the fleet
/// reads in five seconds.
#[test]
fn a_fleet_stays_within_its_quota_over_kills() {
    // Its own: the topics of the shared one have other tests' records.
    let Ok(broker) = tests::kafka::Broker::start() else {
        return;
    };
    let bus = kafka(broker.brokers());
    ensure_state(&*bus);
    let backend = Backend::start(|_| Answer::Accept);
    let line = line("fleet", &backend, &format!("items: {LIMIT}"));
    let mut fleet: Vec<_> = (0..3)
        .map(|it| child(broker.brokers(), &line, it))
        .collect();
    let group = topics().group("export-fleet");
    let publisher = bus.publisher().unwrap();
    for round in 0..ROUNDS {
        let begun = Instant::now();
        for id in round * ROUND..(round + 1) * ROUND {
            publish_one(&*publisher, "a", id);
            publish_one(&*publisher, "b", 1_000_000 + id);
        }
        if round == 15 {
            drop(fleet.remove(0));
            fleet.push(child(broker.brokers(), &line, 3));
        }
        // The rate at which it is read is what the bound is about: no backlog of more than some rounds.
        eventually("the fleet keeps up", || {
            let lag = bus.lag(&group, &topics().clean(Signal::Traces));
            lag.is_ok_and(|lag| lag <= BACKLOG)
        });
        std::thread::park_timeout(ROUND_TAKES.saturating_sub(begun.elapsed()));
    }
    publisher.flush(Duration::from_secs(60)).unwrap();
    eventually("all of it is read", || {
        let lag = bus.lag(&group, &topics().clean(Signal::Traces));
        lag.is_ok_and(|lag| lag == 0)
    });
    drop(fleet);
    let rate = ROUND as f64 / ROUND_TAKES.as_secs_f64();
    // What is told every three seconds takes a moment to be heard, and what a killed process had not told is lost.
    let overshoot = (rate * 5.0) as u64 + BACKLOG;
    let sent = accepted(&backend);
    for of in 0..2_u64 {
        let of_tenant = sent.range(of * 1_000_000..(of + 1) * 1_000_000).count() as u64;
        assert!(of_tenant >= LIMIT, "{of_tenant} of {LIMIT} for tenant {of}");
        assert!(
            of_tenant <= LIMIT + overshoot,
            "{of_tenant} of {LIMIT} for tenant {of}, with a bound of {overshoot} above it"
        );
    }
}
