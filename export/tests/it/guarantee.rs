//! At least once: what is repeated after a crash, and what a backend in trouble does to others. Nothing here may be lost.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::backend::{Answer, Backend, http};
use crate::support::telemetry::{count, ids, one_log, spans};
use crate::support::{
    PARTITIONS, PREFIX_VARIABLE, QUICK, Running, all_committed, dead_letters, eventually, metric,
    open_bus, prefix, publish, topics,
};
use schemas::Signal;

const RECORDS: u64 = 200;
/// Of the crash test: records in flight are at most this.
const CONCURRENCY: u64 = 3;
const RECORDS_A_BATCH: u64 = 4;

fn crash_backends(address: &str) -> Vec<String> {
    vec![format!(
        "{{name: crash, otlp_grpc: {{endpoint: 'http://{address}'}}, concurrency: {CONCURRENCY}, \
         batch: {{items: {RECORDS_A_BATCH}, timeout: 1ms}}}}"
    )]
}

/// The exporter that [`a_crash_repeats_what_was_in_flight_and_loses_nothing`] kills: it runs only as its child.
#[test]
fn crash_child() {
    let (Ok(dir), Ok(address)) = (
        std::env::var("EXPORT_TEST_DIR"),
        std::env::var("EXPORT_TEST_BACKEND"),
    ) else {
        return;
    };
    let bus = open_bus(Path::new(&dir));
    let _running = Running::start(&bus, &crash_backends(&address));
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
fn a_crash_repeats_what_was_in_flight_and_loses_nothing() {
    // The first batch with an id of 100 or more, and every one after it, is held.
    let backend =
        Backend::start(
            |received| match ids(&received.body).iter().any(|id| *id >= 100) {
                true => Answer::Hold,
                false => Answer::Accept,
            },
        );
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(
        &*bus,
        Signal::Traces,
        0,
        (0..RECORDS).map(|id| spans([id], 0)),
    );
    drop(bus);

    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "guarantee::crash_child", "--nocapture"])
        .env("EXPORT_TEST_DIR", dir.path())
        .env(PREFIX_VARIABLE, prefix())
        .env("EXPORT_TEST_BACKEND", backend.address.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let child = Killed(child.unwrap());
    backend.wait("everything in flight is held", |received| {
        received.iter().filter(|r| !r.accepted).count() == CONCURRENCY as usize
    });
    drop(child);

    let before = backend.received().len();
    backend.release();
    let bus = open_bus(dir.path());
    let running = Running::start(&bus, &crash_backends(&backend.address.to_string()));
    all_committed(&*bus, "crash", Signal::Traces);
    running.stop();

    let received = backend.received();
    let all = count(received.iter().flat_map(|received| ids(&received.body)));
    assert_eq!(all.len() as u64, RECORDS, "nothing is lost");
    let repeated = all.values().filter(|times| **times > 1).count() as u64;
    // In flight, and accepted just before the crash without the commit having come through.
    assert!(repeated >= CONCURRENCY, "what was in flight is repeated");
    assert!(
        repeated <= 2 * CONCURRENCY * RECORDS_A_BATCH,
        "{repeated} records were repeated"
    );
    assert!(before < received.len());
}

/// A batch that is accepted before an earlier one doesn't move the position past that.
#[test]
fn positions_are_committed_in_order() {
    let backend = Backend::start(|received| match ids(&received.body)[0] {
        3 => Answer::Hold,
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..10).map(|id| spans([id], 0)));
    let address = backend.address;
    let backends = [format!(
        "{{name: order, otlp_http: {{endpoint: 'http://{address}'}}, concurrency: 2, batch: {{items: 1}}}}"
    )];
    let running = Running::start(&bus, &backends);
    let (group, topic) = (
        topics().group("export-order"),
        topics().clean(Signal::Traces),
    );
    backend.wait("all requests", |received| received.len() == 10);
    eventually("the position stands at the held record", || {
        bus.lag(&group, &topic).unwrap() == 7
    });
    eventually("what it passed is counted, and nothing else", || {
        let counted = [
            metric(export::names::CONSUMED, "order"),
            metric(export::names::DELIVERED, "order"),
            metric(export::names::PENDING, "order"),
        ];
        counted == [3.0, 3.0, 7.0]
    });
    backend.release();
    all_committed(&*bus, "order", Signal::Traces);
    running.stop();
    assert_eq!(backend.received().len(), 10);
}

/// A dead backend holds up no other, its memory is bounded, it stays a member, and gets everything when it is back.
#[test]
fn a_dead_backend_holds_up_nobody_and_loses_nothing() {
    let alive = Backend::start(|_| Answer::Accept);
    // A port on which nobody listens until later.
    let dead_address = Backend::start(|_| Answer::Accept).address.to_string();
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let batch =
        "batch: {bytes: 16KiB, timeout: 5ms}, retry: {initial_interval: 5ms, max_interval: 20ms}";
    let running = Running::start(
        &bus,
        &[
            format!(
                "{{name: alive, otlp_grpc: {{endpoint: 'http://{}'}}, {batch}}}",
                alive.address
            ),
            format!(
                "{{name: dead, otlp_grpc: {{endpoint: 'http://{dead_address}'}}, {batch}, concurrency: 2}}"
            ),
        ],
    );
    let record = |id| spans([id], 4000);
    let record_bytes = record(0).len();
    for partition in 0..PARTITIONS {
        let ids = (0..150).map(|id| u64::from(partition) * 150 + id);
        publish(&*bus, Signal::Traces, partition, ids.map(record));
    }
    all_committed(&*bus, "alive", Signal::Traces);
    eventually("what is committed is counted", || {
        metric(export::names::DELIVERED, "alive") == 300.0
    });
    eventually("the dead backend is offered something", || {
        metric(export::names::RETRIES, "dead") > 3.0
    });
    let in_flight = metric(export::names::PENDING, "dead") as usize * record_bytes;
    assert!(
        in_flight <= 2 * (16 << 10),
        "{in_flight} bytes are in flight"
    );
    assert_eq!(metric(export::names::CONSUMED, "dead"), 0.0);
    assert!(running.health.is_ready(), "{:?}", running.health.parts());

    let risen = Backend::start_at(&dead_address, 64 << 20, |_| Answer::Accept);
    all_committed(&*bus, "dead", Signal::Traces);
    running.stop();
    let accepted = count(risen.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count(0..300));
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// A backend that takes traces, but just now no logs, goes on taking traces.
#[test]
fn signals_do_not_wait_for_each_other() {
    let backend = Backend::start(|received| match received.path.as_str() {
        "/v1/logs" => http(503),
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(
        &*bus,
        Signal::Logs,
        0,
        (0..50).map(|id| one_log(&format!("log {id}"))),
    );
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: half, otlp_http: {{endpoint: 'http://{address}'}}, batch: {{items: 1}}, \
             retry: {{initial_interval: 5ms, max_interval: 20ms}}}}"
        )],
    );
    backend.wait("logs are refused for now", |received| received.len() > 4);
    publish(&*bus, Signal::Traces, 0, (0..50).map(|id| spans([id], 0)));
    all_committed(&*bus, "half", Signal::Traces);
    running.stop();
    assert_eq!(metric(export::names::DELIVERED, "half"), 50.0);
}

/// Draining delivers what is on the bus, and doesn't wait for a backend that takes nothing.
#[test]
fn draining_catches_up_and_ends() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let live = format!(
        "{{name: live, otlp_http: {{endpoint: 'http://{}'}}, batch: {{timeout: 60s}}}}",
        backend.address
    );
    let gone = "{name: gone, otlp_http: {endpoint: 'http://127.0.0.1:9'}, batch: {timeout: 1ms}}";
    let running = Running::start(&bus, &[live, gone.to_owned()]);
    // Before its first poll a backend owns nothing, and so has nothing to drain.
    eventually("both backends read", || running.health.is_ready());
    publish(&*bus, Signal::Traces, 0, (0..20).map(|id| spans([id], 0)));
    eventually("the dead backend is tried", || {
        metric(export::names::RETRIES, "gone") > 0.0
    });
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count(0..20));
    let lag = |name: &str| {
        bus.lag(
            &topics().group(&format!("export-{name}")),
            &topics().clean(Signal::Traces),
        )
    };
    assert_eq!((lag("live").unwrap(), lag("gone").unwrap()), (0, 20));
}

/// Members of one group share the partitions; when one leaves, the other goes on from where it was.
#[test]
fn members_come_and_go() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let backends = [format!(
        "{{name: shared, otlp_grpc: {{endpoint: 'http://{}'}}, {QUICK}}}",
        backend.address
    )];
    let publish = |ids: std::ops::Range<u64>| {
        for id in ids {
            publish(&*bus, Signal::Traces, (id % 2) as u32, [spans([id], 0)]);
        }
    };
    let first = Running::start_instance(&bus, &backends, "first");
    publish(0..40);
    let second = Running::start_instance(&bus, &backends, "second");
    publish(40..80);
    all_committed(&*bus, "shared", Signal::Traces);
    first.stop();
    publish(80..120);
    all_committed(&*bus, "shared", Signal::Traces);
    second.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(
        accepted,
        count(0..120),
        "an orderly change of members repeats nothing"
    );
}
