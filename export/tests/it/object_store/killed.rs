//! Exactly once over crashes: an exporter is killed fifty times, before, within and after a put, some of its puts arrive when all is over, and each span
//! is there once.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use schemas::Signal;
use tests::duckdb::Duckdb;
use tests::object_stores::Store;

use super::{s3, spans_in};
use crate::support::proxy::{Proxy, Verdict};
use crate::support::telemetry::spans;
use crate::support::{
    PARTITIONS, PATIENCE, PREFIX_VARIABLE, Running, all_committed, dead_letters, open_bus, prefix,
    publish,
};

const KILLS: u64 = 50;
/// Published before each start, so that a batch that is cut anew is another one.
const RECORDS_A_LIFE: u64 = 6;
const SPANS_A_RECORD: u64 = 5;

fn backends(endpoint: &str) -> Vec<String> {
    vec![s3("killed-s3", "killed", endpoint, "roll: {interval: 1ms}")]
}

/// The exporter that [`each_span_is_there_once_after_fifty_kills`] kills: it runs only as its child.
#[test]
fn child() {
    let (Ok(dir), Ok(endpoint)) = (
        std::env::var("EXPORT_TEST_DIR"),
        std::env::var("EXPORT_TEST_S3"),
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
    let (Ok(duckdb), Ok(store)) = (Duckdb::find(), Store::s3()) else {
        return;
    };
    store.create("killed");
    let dir = tempfile::tempdir().unwrap();
    // In turn: the put gets lost, its answer gets lost, it is answered, and it comes when all is over.
    let number = AtomicU64::new(0);
    let script = move |_: &str| match number.fetch_add(1, Ordering::Relaxed) % 4 {
        0 => Verdict::Lose,
        1 => Verdict::LoseAnswer,
        2 => Verdict::Forward,
        _ => Verdict::Late,
    };
    let (tell, told) = mpsc::channel();
    let proxy = Proxy::start(&store.endpoint(), script, move |_, _| {
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
            .args(["--exact", "object_store::killed::child", "--nocapture"])
            .env("EXPORT_TEST_DIR", dir.path())
            .env(PREFIX_VARIABLE, prefix())
            .env("EXPORT_TEST_S3", proxy.endpoint())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = Killed(child.unwrap());
        told.recv_timeout(PATIENCE).unwrap();
        drop(child);
    }
    let bus = open_bus(dir.path());
    let running = Running::start(&bus, &backends(&store.endpoint()));
    all_committed(&*bus, "killed-s3", Signal::Traces);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let count = |when: &str| {
        let folder = dir.path().join(when);
        store.download("killed", &folder);
        spans_in(&duckdb, &folder)
    };
    assert_eq!(count("before"), (next, next));
    assert!(proxy.release() > 0, "nothing came late");
    assert_eq!(count("after"), (next, next));
    // What was offered twice was there twice otherwise.
    let offered = proxy.inserts();
    let names: BTreeSet<_> = offered.iter().collect();
    assert!(names.len() < offered.len(), "no batch was ever sent again");
}
