//! A server on free ports, its own counters, and the end of it.

use std::net::SocketAddr;
use std::sync::Arc;

use ingest::RawConfig;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use runtime::config::{Duration, Problems};
use runtime::{Drain, Health};

use crate::bus::FakeBus;

/// A running ingest. Its counters are those of the test's thread: tests run it on a runtime of one thread.
pub struct Server<B = FakeBus> {
    pub grpc: SocketAddr,
    pub http: SocketAddr,
    pub bus: B,
    pub health: Health,
    pub drain: Drain,
    pub running: tokio::task::JoinHandle<anyhow::Result<()>>,
    counters: PrometheusHandle,
    _recording: metrics::LocalRecorderGuard<'static>,
    _deadline: tests::Deadline,
}

/// On free ports, with a linger that tests don't feel.
pub fn quick(change: impl FnOnce(&mut RawConfig)) -> ingest::Config {
    let mut raw = RawConfig::default();
    raw.grpc.listen = "127.0.0.1:0".into();
    raw.http.listen = "127.0.0.1:0".into();
    raw.linger = Duration::from_millis(1);
    change(&mut raw);
    let mut problems = Problems::new();
    let config = raw.validate("ingest", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    config
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut RawConfig)) -> Self {
        let bus = FakeBus::new();
        let topics = schemas::Topics::new("tailwater");
        Self::start_on(bus.clone(), Arc::new(bus), topics, quick(change)).await
    }
}

impl<B> Server<B> {
    pub async fn start_on(
        bus: B,
        shared: Arc<dyn bus::Bus>,
        residency: impl Into<ingest::Residency>,
        config: ingest::Config,
    ) -> Self {
        let recorder: &'static _ = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        let recording = metrics::set_default_local_recorder(recorder);
        let health = Health::new();
        let ready = health.part("ingest");
        let drain = Drain::new();
        let bound = ingest::bind(config, shared, residency, ready, &drain).await;
        let ingest = bound.unwrap().expect("nobody has drained it");
        Self {
            grpc: ingest.grpc_addr().unwrap(),
            http: ingest.http_addr().unwrap(),
            bus,
            health,
            running: tokio::spawn(ingest.run(drain.clone())),
            drain,
            counters: recorder.handle(),
            _recording: recording,
            _deadline: tests::Deadline::of_this_test(),
        }
    }

    /// The sum of a counter or gauge over all labels that contain `label`.
    pub fn counter(&self, name: &str, label: &str) -> u64 {
        let rendered = self.counters.render();
        let lines = rendered.lines().filter(|line| {
            let labels = line.strip_prefix(name);
            labels.is_some_and(|labels| labels.starts_with(['{', ' ']) && line.contains(label))
        });
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>() as u64
    }

    /// received = filtered + rejected + published, once nothing is in flight.
    pub fn assert_counters_close(&self) {
        let count = |name| self.counter(name, "");
        assert_eq!(
            count(ingest::names::RECEIVED),
            count(ingest::names::FILTERED)
                + count(ingest::names::REJECTED)
                + count(ingest::names::PUBLISHED),
        );
        assert_eq!(count(ingest::names::IN_FLIGHT_BYTES), 0);
    }

    /// Drains, and waits for the end.
    pub async fn stop(self) {
        self.drain.request();
        self.running.await.unwrap().unwrap();
    }
}
