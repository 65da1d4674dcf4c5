//! Order over crashes: an exporter that is killed again and again writes each sample, and none out of order.

use std::path::Path;
use std::process::{Command, Stdio};

use schemas::Signal;
use tests::prometheus::{Prometheus, binary};

use super::now_s;
use crate::support::telemetry::gauge;
use crate::support::{
    PREFIX_VARIABLE, Running, all_committed, dead_letters, metric, open_bus_with, prefix, publish,
    topics,
};

const PARTITIONS: u32 = 16;
const SAMPLES: u64 = 1500;
const KILLS: u64 = 20;

fn backends(address: &str) -> Vec<String> {
    vec![format!(
        "{{name: kills, prometheus_remote_write: {{endpoint: 'http://{address}/api/v1/write'}}, concurrency: 16, batch: {{items: 1, timeout: 1ms}}}}"
    )]
}

/// The exporter that is killed: it runs only as a child of the test.
#[test]
fn killed_child() {
    let (Ok(dir), Ok(address)) = (
        std::env::var("EXPORT_KILLS_DIR"),
        std::env::var("EXPORT_KILLS_BACKEND"),
    ) else {
        return;
    };
    let bus = open_bus_with(Path::new(&dir), PARTITIONS);
    let _running = Running::start(&bus, &backends(&address));
    loop {
        std::thread::park();
    }
}

#[test]
fn kills_put_nothing_out_of_order() {
    let Ok(program) = binary() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(&program, folder.path(), "{}", &[]);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus_with(dir.path(), PARTITIONS);
    let start = now_s() - SAMPLES;
    for partition in 0..PARTITIONS {
        let name = format!("killed_{partition}");
        let samples = (0..SAMPLES).map(|at| gauge(&name, [(start + at) * 1_000_000_000]));
        publish(&*bus, Signal::Metrics, partition, samples);
    }
    drop(bus);
    let stored = || {
        let series = prometheus.query("{__name__=~\"killed_.*\"}[1h]", (start + SAMPLES) as f64);
        let samples = series
            .iter()
            .map(|one| one["values"].as_array().unwrap().len());
        samples.sum::<usize>() as u64
    };
    let all = SAMPLES * u64::from(PARTITIONS);
    for kill in 1..=KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "remote_write::kills::killed_child",
                "--nocapture",
            ])
            .env("EXPORT_KILLS_DIR", dir.path())
            .env("EXPORT_KILLS_BACKEND", prometheus.address.to_string())
            .env(PREFIX_VARIABLE, prefix())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // In the midst of it: each time when it has written some more.
        let wanted = all * kill / (KILLS + 1);
        crate::support::eventually("it writes", || stored() >= wanted);
        assert!(stored() < all, "kill {kill} comes when all is done");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let bus = open_bus_with(dir.path(), PARTITIONS);
    let running = Running::start(&bus, &backends(&prometheus.address.to_string()));
    all_committed(&*bus, "kills", Signal::Metrics);
    running.stop();
    let log = prometheus.log();
    let complaints: Vec<_> = log
        .lines()
        .filter(|line| line.to_lowercase().contains("out of order"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert_eq!(stored(), all);
    assert_eq!(dead_letters(&*bus).len(), 0);
    assert_eq!(metric(export::names::REFUSED, "kills"), 0.0);
    let lag = bus.lag(
        &topics().group("export-kills"),
        &topics().clean(Signal::Metrics),
    );
    assert_eq!(lag.unwrap(), 0);
}
