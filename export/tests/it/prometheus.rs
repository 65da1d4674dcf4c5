//! Prometheus itself, which refuses samples that are out of order: metrics come in order, and none is refused.
//!
//! `PROMETHEUS` names the program, or it is on the path: `go install github.com/prometheus/prometheus/cmd/prometheus@v0.316.0`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use schemas::Signal;

use crate::support::telemetry::gauge;
use crate::support::{
    PARTITIONS, Running, all_committed, dead_letters, eventually, metric, open_bus, publish,
};

const SAMPLES: u64 = 200;

struct Prometheus {
    process: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl Prometheus {
    /// `None`, and said aloud, when there is no program.
    fn start() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let config = dir.path().join("prometheus.yml");
        std::fs::write(&config, "storage: {tsdb: {out_of_order_time_window: 0s}}\n").unwrap();
        let program = std::env::var("PROMETHEUS").unwrap_or_else(|_| "prometheus".into());
        let process = Command::new(&program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--web.enable-otlp-receiver")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            eprintln!(
                "SKIPPED: there is no `{program}`: set PROMETHEUS, see tests/it/prometheus.rs"
            );
            return None;
        };
        let prometheus = Self {
            process,
            address,
            _dir: dir,
        };
        eventually("Prometheus is ready", || {
            (prometheus.get("/-/ready")).is_some_and(|answer| answer.contains("200 OK"))
        });
        Some(prometheus)
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn prometheus_refuses_nothing() {
    let Some(prometheus) = Prometheus::start() else {
        return;
    };
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
            "{{name: prometheus, otlp_http: {{endpoint: 'http://{}/api/v1/otlp'}}, signals: [metrics], concurrency: 8, batch: {{items: 1}}}}",
            prometheus.address
        )],
    );
    all_committed(&*bus, "prometheus", Signal::Metrics);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let delivered = metric(export::names::DELIVERED, "prometheus");
    assert_eq!(delivered, (SAMPLES * u64::from(PARTITIONS)) as f64);
    for partition in 0..PARTITIONS {
        let path = format!("/api/v1/query?query=count_over_time(in_order_{partition}[1h])");
        let answer = prometheus.get(&path).unwrap();
        assert!(answer.contains(&format!("\"{SAMPLES}\"]")), "{answer}");
    }
}
