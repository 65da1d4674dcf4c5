//! Exactly once over crashes: an exporter is killed fifty times, before, within and after an insert, and each span is there once.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use schemas::Signal;

use super::{backend, server};
use crate::support::proxy::{Proxy, Verdict};
use crate::support::telemetry::spans;
use crate::support::{
    PARTITIONS, PREFIX_VARIABLE, Running, all_committed, dead_letters, open_bus, prefix, publish,
};

const KILLS: u64 = 50;
/// Published before each start, so that a batch that is cut anew is another one.
const RECORDS_A_LIFE: u64 = 6;
const SPANS_A_RECORD: u64 = 5;

fn backends(endpoint: &str) -> Vec<String> {
    vec![backend("killed", endpoint, "compression: none")]
}

/// The exporter that [`each_span_is_there_once_after_fifty_kills`] kills: it runs only as its child.
#[test]
fn child() {
    let (Ok(dir), Ok(endpoint)) = (
        std::env::var("EXPORT_TEST_DIR"),
        std::env::var("EXPORT_TEST_CLICKHOUSE"),
    ) else {
        return;
    };
    let bus = open_bus(Path::new(&dir));
    let _running = Running::start(&bus, &backends(&endpoint));
    loop {
        std::thread::park();
    }
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn each_span_is_there_once_after_fifty_kills() {
    let Some(server) = server() else { return };
    let dir = tempfile::tempdir().unwrap();
    // In turn: the insert gets lost, its answer gets lost, and it is answered.
    let number = std::sync::atomic::AtomicU64::new(0);
    let script = move |_: &str| match number.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 3
    {
        0 => Verdict::Lose,
        1 => Verdict::LoseAnswer,
        _ => Verdict::Forward,
    };
    let (tell, told) = mpsc::channel();
    let proxy = Proxy::start(&server.endpoint(), script, move |_, _| {
        // Nobody listens when the last life has begun.
        let _ = tell.send(());
    });
    let mut next = 0;
    for _ in 0..KILLS {
        let bus = open_bus(dir.path());
        for record in 0..RECORDS_A_LIFE {
            let ids = next..next + SPANS_A_RECORD;
            next += SPANS_A_RECORD;
            let partition = (record % u64::from(PARTITIONS)) as u32;
            publish(&*bus, Signal::Traces, partition, [spans(ids, 0)]);
        }
        drop(bus);
        while told.try_recv().is_ok() {}
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "clickhouse::killed::child", "--nocapture"])
            .env("EXPORT_TEST_DIR", dir.path())
            .env(PREFIX_VARIABLE, prefix())
            .env("EXPORT_TEST_CLICKHOUSE", proxy.endpoint())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = Killed(child.unwrap());
        told.recv_timeout(crate::support::PATIENCE).unwrap();
        drop(child);
    }
    let bus = open_bus(dir.path());
    let running = Running::start(&bus, &backends(&server.endpoint()));
    all_committed(&*bus, "killed", Signal::Traces);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let counts = server.query("SELECT count(), uniqExact(SpanId) FROM killed.otel_traces");
    assert_eq!(counts, format!("{next}\t{next}"));
    // What was offered twice was there twice otherwise.
    let offered = proxy.inserts();
    let mut tokens: Vec<_> = offered
        .iter()
        .map(|line| line.split("token=").nth(1).unwrap())
        .collect();
    tokens.sort_unstable();
    let all = tokens.len();
    tokens.dedup();
    assert!(tokens.len() < all, "no batch was ever sent again");
}
