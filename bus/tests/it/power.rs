//! What survives the loss of power: nothing is acknowledged before the kernel was asked to put it on the disk, and said that it did.
//!
//! No test can pull the plug, and `kill -9` leaves the kernel's cache alone. So the system calls of a child are watched, by strace: between a write to
//! the journal and what the child says of it there must be a sync. Without strace this says that it is skipped;
//! `TAILWATER_REQUIRE_STRACE=1` makes that a failure. That the disk keeps what it promises is not ours to test.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::fixture::{Fixture, at, epoch, position};
use bus::embedded::{self, Options};

const DIR: &str = "TAILWATER_POWER_DIR";
const ROUNDS: u64 = 10;
/// What the child says when something was acknowledged to it.
const SAID: &str = "durable: ";

/// Runs only as the child: publishes and commits by turns, and says so each time.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let bus = embedded::open(Path::new(&dir), Options::default()).unwrap();
    let fixture = Fixture::new(bus, "power");
    let (input, output) = (fixture.topic("in", 1), fixture.topic("out", 1));
    let mut member = fixture.member(&[&input]);
    member.poll_until_owns(1);
    for round in 0..ROUNDS {
        fixture.publish(&at(&input, 0), &["a record"]);
        println!("{SAID}record {round}");
        let next = position(&at(&input, 0), round + 1, "");
        member
            .commit(&epoch(&[(&at(&output, 0), "its copy")], &[next]))
            .unwrap();
        println!("{SAID}epoch {round}");
    }
}

fn has_strace() -> bool {
    let traced = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    let works = traced.is_ok_and(|status| status.success());
    if !works {
        let skipped = "skipped: strace is not there, or may not trace";
        let required = std::env::var("TAILWATER_REQUIRE_STRACE").is_ok_and(|value| value == "1");
        assert!(!required, "{skipped}");
        eprintln!("{skipped}");
    }
    works
}

#[test]
fn nothing_is_acknowledged_before_it_is_synced() {
    if !has_strace() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let status = Command::new("strace")
        .args(["-f", "-e", "trace=write,fsync,fdatasync", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["power::child", "--exact", "--nocapture"])
        .env(DIR, dir.path().join("bus"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let trace = std::fs::read_to_string(trace).unwrap();
    let (mut said, mut synced) = (0, false);
    for call in trace.lines() {
        // A call that another thread interrupted ends on a line of its own.
        let is_sync = call.contains("fdatasync") || call.contains("fsync");
        if is_sync && call.ends_with("= 0") {
            synced = true;
        }
        if call.contains(SAID) && call.contains("write(1,") {
            assert!(synced, "said before it was synced: {call}\n{trace}");
            (said, synced) = (said + 1, false);
        }
    }
    assert_eq!(said, 2 * ROUNDS, "{trace}");
}
