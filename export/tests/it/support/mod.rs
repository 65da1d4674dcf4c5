//! What the tests of this crate share: a scripted backend on a real socket, an embedded bus, and a running exporter.

pub mod backend;
pub mod moody;
pub mod proxy;
pub mod telemetry;
pub mod tls;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bus::{
    Bus, BusConfig, BusKind, Fetched, Header, RawEmbedded, Record, Timestamps, TopicPartition,
    TopicSpec,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use runtime::config::Problems;
use runtime::{Drain, Health};
use schemas::{Signal, Topics};

pub const PARTITIONS: u32 = 2;
/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for an event that gives no notice of itself.
#[track_caller]
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// The topics of this test process, which may share a broker with others; a process that a test starts gets its parent's
/// prefix by [`PREFIX_VARIABLE`].
pub fn topics() -> Topics {
    Topics::new(prefix())
}

pub fn prefix() -> &'static str {
    static PREFIX: OnceLock<String> = OnceLock::new();
    PREFIX.get_or_init(|| {
        std::env::var(PREFIX_VARIABLE).unwrap_or_else(|_| tests::kafka::unique("export"))
    })
}

pub const PREFIX_VARIABLE: &str = "EXPORT_TEST_PREFIX";

pub fn open_bus(dir: &Path) -> Arc<dyn Bus> {
    open_bus_with(dir, PARTITIONS)
}

/// With so many partitions.
pub fn open_bus_with(dir: &Path, partitions: u32) -> Arc<dyn Bus> {
    let embedded = RawEmbedded {
        dir: dir.to_owned(),
        ..RawEmbedded::default()
    };
    open_with(BusKind::Embedded(embedded), partitions)
}

/// Opens a bus with the topics that export needs.
pub fn open(kind: BusKind) -> Arc<dyn Bus> {
    open_with(kind, PARTITIONS)
}

/// The same with so many partitions.
pub fn open_partitions(kind: BusKind, partitions: u32) -> Arc<dyn Bus> {
    open_with(kind, partitions)
}

fn open_with(kind: BusKind, partitions: u32) -> Arc<dyn Bus> {
    let config = BusConfig {
        kind,
        prefix: "tailwater".into(),
        partitions,
        classes: bus::Classes::new(),
    };
    let bus = config.open().unwrap();
    let mut specs: Vec<_> = Signal::ALL.map(|signal| topics().clean(signal)).into();
    specs.push(topics().dead_letters());
    let specs = specs.into_iter().map(|name| TopicSpec {
        name,
        partitions,
        timestamps: Timestamps::LogAppend,
        compacted: false,
        retention: None,
    });
    let specs: Vec<_> = specs.collect();
    // On a busy machine brokers may take their time.
    eventually("the topics are there", || match bus.ensure_topics(&specs) {
        Err(bus::Error::Unavailable(_)) => false,
        outcome => {
            outcome.unwrap();
            true
        }
    });
    bus
}

/// Publishes records on one partition of a `clean` topic, and waits until they are durable.
pub fn publish(
    bus: &dyn Bus,
    signal: Signal,
    partition: u32,
    values: impl IntoIterator<Item = Vec<u8>>,
) {
    publish_of(bus, signal, partition, None, values);
}

/// The same, of a tenant.
pub fn publish_of(
    bus: &dyn Bus,
    signal: Signal,
    partition: u32,
    tenant: Option<&'static str>,
    values: impl IntoIterator<Item = Vec<u8>>,
) {
    let publisher = bus.publisher().unwrap();
    let tenant = tenant.map(|name| Header {
        name: schemas::headers::TENANT.into(),
        value: name.into(),
    });
    for value in values {
        let record = Record {
            headers: tenant.clone().into_iter().collect(),
            value: value.into(),
        };
        let at = TopicPartition::new(topics().clean(signal), partition);
        let ack = Box::new(|outcome: bus::Result<u64>| {
            outcome.unwrap();
        });
        publisher.publish(at, record, ack).unwrap();
    }
    publisher.flush(PATIENCE).unwrap();
}

/// Everything in the dead letters.
pub fn dead_letters(bus: &dyn Bus) -> Vec<Fetched> {
    let mut reader = bus.reader().unwrap();
    let partitions = bus.partition_count(&topics().dead_letters()).unwrap();
    let all: Vec<_> = (0..partitions)
        .map(|partition| (TopicPartition::new(topics().dead_letters(), partition), 0))
        .collect();
    reader.assign(&all).unwrap();
    let mut found = Vec::new();
    for (at, _) in &all {
        let end = reader.range(at).unwrap().end;
        while reader.position(at).unwrap() < end {
            found.extend(reader.poll(Duration::from_millis(100), 1 << 20).unwrap());
        }
    }
    found
}

pub fn header(record: &Fetched, name: &str) -> String {
    let header = record.headers.iter().find(|header| &*header.name == name);
    String::from_utf8(header.unwrap().value.to_vec()).unwrap()
}

/// The value of a counter or gauge of one backend; summed over signals. The names of backends are unique within a
/// test binary for this.
pub fn metric(name: &str, backend: &str) -> f64 {
    metric_with(name, &[("backend", backend)])
}

/// The sum of all series of a metric with these labels.
pub fn metric_with(name: &str, labels: &[(&str, &str)]) -> f64 {
    let labels: Vec<_> = (labels.iter())
        .map(|(label, value)| format!("{label}=\"{value}\""))
        .collect();
    recorder()
        .render()
        .lines()
        .filter(|line| line.starts_with(&format!("{name}{{")))
        .filter(|line| labels.iter().all(|label| line.contains(label)))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap())
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Whole {
    export: export::RawConfig,
}

/// A configuration, from one line of YAML for each backend.
pub fn config(backends: &[String]) -> export::Config {
    config_with(backends, &[])
}

/// The same, with tenants and the backends that they are for.
pub fn config_with(backends: &[String], tenants: &[(&str, Option<Vec<&str>>)]) -> export::Config {
    let owned = |backends: &Vec<&str>| backends.iter().map(|name| (*name).to_owned()).collect();
    let own: Vec<(&str, Option<Vec<String>>)> = (tenants.iter())
        .map(|(name, backends)| (*name, backends.as_ref().map(owned)))
        .collect();
    let tenants: export::RawTenants<'_> = (own.iter())
        .map(|(name, backends)| (*name, backends.as_deref()))
        .collect();
    let backends: String = backends.iter().map(|b| format!("    - {b}\n")).collect();
    read(&format!("export:\n  backends:\n{backends}"), &tenants)
}

/// A configuration with a table of routes, from one line of YAML for each route and backend.
pub fn config_routed(routes: &[&str], backends: &[String]) -> export::Config {
    let routes: String = routes.iter().map(|r| format!("    - {r}\n")).collect();
    let backends: String = backends.iter().map(|b| format!("    - {b}\n")).collect();
    let text = format!("export:\n  routes:\n{routes}  backends:\n{backends}");
    read(&text, &export::RawTenants::new())
}

fn read(text: &str, tenants: &export::RawTenants<'_>) -> export::Config {
    let validate = |whole: &Whole, problems: &mut Problems| {
        (whole.export).validate_with("export", tenants, "tenants", problems)
    };
    match runtime::config::load("test.yaml", text, &|_| None, validate) {
        Ok(config) => config,
        Err(report) => panic!("{report}"),
    }
}

/// Fast retries and small batches.
pub const QUICK: &str = "batch: {timeout: 1ms}, retry: {initial_interval: 5ms, max_interval: 20ms}";

/// An exporter that runs until it is stopped, or dropped.
pub struct Running {
    drain: Drain,
    pub reload: export::Reload,
    pub health: Health,
    thread: Option<std::thread::JoinHandle<anyhow::Result<()>>>,
    _deadline: tests::Deadline,
}

impl Running {
    pub fn start(bus: &Arc<dyn Bus>, backends: &[String]) -> Self {
        Self::start_instance(bus, backends, "test")
    }

    pub fn start_instance(bus: &Arc<dyn Bus>, backends: &[String], instance: &str) -> Self {
        Self::start_as(bus, config(backends), instance)
    }

    pub fn start_with(bus: &Arc<dyn Bus>, config: export::Config) -> Self {
        Self::start_as(bus, config, "test")
    }

    fn start_as(bus: &Arc<dyn Bus>, config: export::Config, instance: &str) -> Self {
        recorder();
        let (bus, drain, health) = (bus.clone(), Drain::new(), Health::new());
        let reload = export::Reload::default();
        let (own_drain, own_health, instance) =
            (drain.clone(), health.clone(), instance.to_owned());
        let own_reload = reload.clone();
        let run = move || {
            let topics = topics();
            export::run(
                config,
                bus,
                &topics,
                &instance,
                &own_reload,
                &own_health,
                &own_drain,
            )
        };
        Self {
            drain,
            reload,
            health,
            thread: Some(std::thread::spawn(run)),
            _deadline: tests::Deadline::of_this_test(),
        }
    }

    pub fn stop(mut self) {
        self.drain.request();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.drain.request();
        if let Some(thread) = self.thread.take() {
            let outcome = thread.join();
            if !std::thread::panicking() {
                outcome.unwrap().unwrap();
            }
        }
    }
}

/// Waits until the group of a backend has committed everything on a topic.
#[track_caller]
pub fn all_committed(bus: &dyn Bus, backend: &str, signal: Signal) {
    let group = topics().group(&format!("export-{backend}"));
    eventually(&format!("{group} commits all {}", signal.name()), || {
        let lag = bus.lag(&group, &topics().clean(signal));
        lag.is_ok_and(|lag| lag == 0)
    });
}
