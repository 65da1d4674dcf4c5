//! Prometheus itself, which refuses samples that are out of order: metrics come in order, and none is refused.

use std::time::{SystemTime, UNIX_EPOCH};

use schemas::Signal;
use tests::prometheus::{Prometheus, binary};

use crate::support::telemetry::gauge;
use crate::support::{PARTITIONS, Running, all_committed, dead_letters, metric, open_bus, publish};

const SAMPLES: u64 = 200;

#[test]
fn prometheus_refuses_nothing() {
    let Ok(program) = binary() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(&program, folder.path(), "{}", &[]);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let start = now.as_secs() - SAMPLES;
    for sample in 0..SAMPLES {
        for partition in 0..PARTITIONS {
            let time = (start + sample) * 1_000_000_000;
            let name = format!("in_order_{partition}");
            publish(&*bus, Signal::Metrics, partition, [gauge(&name, [time])]);
        }
    }
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: prometheus, prometheus_otlp: {{endpoint: 'http://{}'}}, concurrency: 8, batch: {{items: 1}}}}",
            prometheus.address
        )],
    );
    all_committed(&*bus, "prometheus", Signal::Metrics);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let delivered = metric(export::names::DELIVERED, "prometheus");
    assert_eq!(delivered, (SAMPLES * u64::from(PARTITIONS)) as f64);
    for partition in 0..PARTITIONS {
        let query = format!("count_over_time(in_order_{partition}[1h])");
        let answer = prometheus.query(&query, now.as_secs_f64() + 1.0);
        assert_eq!(answer[0]["value"][1], SAMPLES.to_string(), "{answer:?}");
    }
}
