//! What a tenant costs in memory: a process with a thousand of them against one with none, at the start and once each has sent something.

use std::fmt::Write as _;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Map, json};
use tests::process::Tailwater;
use tests::wait_until;
use tests::world::World;

const TENANTS: u64 = 1000;
const WITHIN: Duration = Duration::from_secs(120);
/// Of one tenant with a policy of its own, all stages in one process: half as much again as was measured.
const AT_START_MAX: f64 = 4.0;
const SENT_MAX: f64 = 10.0;

/// One trace of one span for each tenant; without tenants as many.
fn send(process: &Tailwater, tenants: bool) {
    let socket = TcpStream::connect(("127.0.0.1", process.http)).unwrap();
    let mut reader = BufReader::new(socket);
    for number in 1..=TENANTS {
        let span = json!({
            "traceId": format!("{number:032x}"), "spanId": "0102030405060708", "name": "x", "kind": 2,
            "startTimeUnixNano": "1780000000000000000", "endTimeUnixNano": "1780000000001000000",
        });
        let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string();
        let mut head = format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        if tenants {
            write!(head, "x-scope-orgid: t{number}\r\n").unwrap();
        }
        let request = format!("POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n{head}\r\n{body}");
        reader.get_mut().write_all(request.as_bytes()).unwrap();
        // `{}` ends the answer of a request of which everything was taken.
        let mut answer = String::new();
        while !answer.ends_with("\r\n\r\n{}") {
            let mut byte = [0];
            reader.read_exact(&mut byte).unwrap();
            answer.push(byte[0].into());
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// What the process has of its own.
fn anonymous_kib(process: &Tailwater) -> f64 {
    let path = format!("/proc/{}/smaps_rollup", process.id().unwrap());
    let text = std::fs::read_to_string(path).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Anonymous:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// As soon as it stands still: the allocator gives back what was only needed for a moment.
fn settled_kib(process: &Tailwater) -> f64 {
    let mut before = f64::INFINITY;
    let mut last = anonymous_kib(process);
    wait_until("memory to settle", WITHIN, || {
        let _ = process.metrics();
        let now = anonymous_kib(process);
        let same = (now - last).abs() < 64.0 && (last - before).abs() < 64.0;
        (before, last) = (last, now);
        same
    });
    last
}

/// At the start, and after everybody has sent something.
fn measure(tenants: bool) -> [f64; 2] {
    let mut world = World::embedded();
    world.set_decision_wait(1000);
    world.config["ingest"]["tenant_header"] = json!("x-scope-orgid");
    if tenants {
        let own = json!({"policies": [{"name": "all", "type": "always_sample"}]});
        let all = (1..=TENANTS).map(|number| (format!("t{number}"), own.clone()));
        world.config["tenants"] = all.collect::<Map<_, _>>().into();
    }
    let mut process = world.process("run", "all");
    // What is freed is given back at once, so that what is left is what is used.
    process.set_variable("MIMALLOC_PURGE_DELAY", "0");
    process.start_and_wait();
    let at_start = settled_kib(&process);
    send(&process, tenants);
    wait_until("everything to be decided", WITHIN, || {
        let metrics = process.metrics();
        let sum = |name| metrics.sum(name, &[]) as u64;
        sum(sampler::names::KEPT) + sum(sampler::names::DROPPED) == TENANTS
    });
    let sent = settled_kib(&process);
    assert_eq!(process.stop(), 0, "{}", process.log_text());
    [at_start, sent]
}

#[test]
fn a_tenant_takes_a_few_kib() {
    let (without, with) = (measure(false), measure(true));
    let of_one = |at: usize| (with[at] - without[at]) / TENANTS as f64;
    let (at_start, sent) = (of_one(0), of_one(1));
    println!(
        "KiB a tenant: {at_start:.1} at the start, {sent:.1} once each has sent (without tenants {without:.0?}, with {TENANTS} {with:.0?})"
    );
    assert!(
        at_start < AT_START_MAX,
        "{at_start:.1} KiB a tenant at the start"
    );
    assert!(sent < SENT_MAX, "{sent:.1} KiB a tenant once each has sent");
}
