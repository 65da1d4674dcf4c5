//! Refusals that are about us, or about the backend, and not about the data: everything is held. And the one batch that is bad itself: it stops nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use schemas::{Signal, headers};
use tonic::{Code, Status};

use crate::support::backend::{Answer, Backend, Received, http};
use crate::support::telemetry::{count, ids, one_log, spans};
use crate::support::{
    Running, all_committed, dead_letters, eventually, header, metric, open_bus, publish,
};

const RETRY: &str = "retry: {initial_interval: 5ms, max_interval: 20ms, poison_after: 200ms}";

/// Why a backend isn't ready; `None` when it is.
fn not_ready(running: &Running, backend: &str) -> Option<String> {
    let parts = running.health.parts();
    let name = format!("export/{backend}");
    let part = parts.into_iter().find(|part| part.name == name);
    part.unwrap().state.err()
}

/// A backend takes a few records, then refuses all with this answer, then takes everything again. Nothing is lost or set aside meanwhile,
/// few requests are made, and another backend doesn't notice.
#[track_caller]
fn check_hold(name: &str, kind: &str, refusal: Answer) {
    let refuses = Arc::new(AtomicBool::new(false));
    let own = refuses.clone();
    let backend = Backend::start(move |_| match own.load(Ordering::SeqCst) {
        true => refusal.clone(),
        false => Answer::Accept,
    });
    let other = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let other_name = format!("{name}-other");
    let running = Running::start(
        &bus,
        &[
            format!(
                "{{name: {name}, {kind}: {{endpoint: 'http://{}'}}, batch: {{items: 8, timeout: 1ms}}, {RETRY}, credentials: {{probe: 100ms}}}}",
                backend.address
            ),
            format!(
                "{{name: {other_name}, {kind}: {{endpoint: 'http://{}'}}, batch: {{timeout: 1ms}}}}",
                other.address
            ),
        ],
    );
    let records = |ids: std::ops::Range<u64>| ids.map(|id| spans([2 * id, 2 * id + 1], 0));
    publish(&*bus, Signal::Traces, 0, records(0..20));
    all_committed(&*bus, name, Signal::Traces);
    eventually("it is ready", || not_ready(&running, name).is_none());

    refuses.store(true, Ordering::SeqCst);
    let before = backend.received().len();
    publish(&*bus, Signal::Traces, 0, records(20..220));
    eventually("it is not ready", || {
        not_ready(&running, name).is_some_and(|reason| reason.contains("refuses"))
    });
    let reason = not_ready(&running, name).unwrap();
    assert!(reason.contains("refuses all traces"), "{reason}");
    assert_eq!(metric(export::names::BREAKER_STATE, name), 2.0);
    all_committed(&*bus, &other_name, Signal::Traces);
    backend.wait("five probes", |received| received.len() > before + 20);
    let received = backend.received();
    let last = received.len() - 1;
    let spread = received[last].at - received[last - 5].at;
    assert!(
        spread > Duration::from_millis(250),
        "probes are {spread:?} apart"
    );

    refuses.store(false, Ordering::SeqCst);
    all_committed(&*bus, name, Signal::Traces);
    eventually("it is ready again", || not_ready(&running, name).is_none());
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count(0..440));
    assert_eq!(dead_letters(&*bus).len(), 0);
    assert_eq!(metric(export::names::DELIVERED, name), 440.0);
    assert_eq!(metric(export::names::PENDING, name), 0.0);
    assert_eq!(metric(export::names::BREAKER_STATE, name), 0.0);
}

#[test]
fn a_revoked_key_empties_nothing_into_the_dead_letters() {
    for status in [401, 403, 404, 405, 308] {
        check_hold(&format!("hold-{status}"), "otlp_http", http(status));
    }
}

#[test]
fn nor_does_one_over_grpc() {
    for code in [
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::Unimplemented,
    ] {
        let refusal = Answer::Grpc(Status::new(code, "no"));
        check_hold(&format!("hold-{code:?}"), "otlp_grpc", refusal);
    }
}

/// Not only keys: a backend that fails on everything for long after `poison_after`.
#[test]
fn a_backend_that_fails_on_everything_gets_it_later() {
    let fails = Arc::new(AtomicBool::new(true));
    let own = fails.clone();
    let backend = Backend::start(move |_| match own.load(Ordering::SeqCst) {
        true => http(500),
        false => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(
        &*bus,
        Signal::Traces,
        0,
        (0..50).map(|id| spans([2 * id, 2 * id + 1], 0)),
    );
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: failing, otlp_http: {{endpoint: 'http://{}'}}, batch: {{items: 10, timeout: 1ms}}, {RETRY}}}",
            backend.address
        )],
    );
    let first = backend.wait("an offer", |received| !received.is_empty())[0].at;
    backend.wait("offers for several times `poison_after`", |received| {
        received.last().unwrap().at - first > Duration::from_secs(1)
    });
    fails.store(false, Ordering::SeqCst);
    all_committed(&*bus, "failing", Signal::Traces);
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count(0..100));
    assert_eq!(dead_letters(&*bus).len(), 0);
}

#[test]
fn refused_records_are_dead_letters_where_that_is_asked_for() {
    let backend = Backend::start(|_| http(401));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..10).map(|id| spans([id], 0)));
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: asked, otlp_http: {{endpoint: 'http://{}'}}, credentials: {{on_refused: dead_letters}}}}",
            backend.address
        )],
    );
    all_committed(&*bus, "asked", Signal::Traces);
    assert_eq!(not_ready(&running, "asked"), None);
    running.stop();
    let dead = dead_letters(&*bus);
    let dead = dead.iter().flat_map(|record| ids(&record.value));
    assert_eq!(count(dead), count(0..10));
}

fn is_poison(received: &Received) -> bool {
    ids(&received.body).contains(&13)
}

/// One span that the backend always answers like this, among others that keep coming: it alone is set aside, and no other waits for it.
#[track_caller]
fn check_poison(name: &str, kind: &str, concurrency: usize, refusal: Answer) {
    let backend = Backend::start(move |received| match is_poison(received) {
        true => refusal.clone(),
        false => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: {name}, {kind}: {{endpoint: 'http://{}'}}, concurrency: {concurrency}, batch: {{items: 8, timeout: 1ms}}, {RETRY}, \
             credentials: {{probe: 50ms}}}}",
            backend.address
        )],
    );
    let mut next = 0;
    let is_done = || metric(export::names::DEAD_LETTERED, name) > 0.0;
    // Others are accepted all the time.
    eventually("what is bad is set aside", || {
        publish(&*bus, Signal::Traces, 0, [spans([next, next + 1], 0)]);
        next += 2;
        is_done()
    });
    all_committed(&*bus, name, Signal::Traces);
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count((0..next).filter(|id| *id != 13)));
    let dead = dead_letters(&*bus);
    assert_eq!(dead.len(), 1);
    assert_eq!(ids(&dead[0].value), [13]);
    assert_eq!(header(&dead[0], headers::DEAD_OFFSET), "6");
    assert_eq!(header(&dead[0], headers::DEAD_UNITS), "1..2");
    assert_eq!(metric(export::names::DELIVERED, name), (next - 1) as f64);
    assert_eq!(metric(export::names::PENDING, name), 0.0);
}

#[test]
fn one_bad_batch_stops_nobody() {
    check_poison("poison-403", "otlp_http", 4, http(403));
    check_poison("poison-500", "otlp_http", 4, http(500));
    let internal = Answer::Grpc(Status::internal("no"));
    check_poison("poison-internal", "otlp_grpc", 4, internal);
}

/// With one request at a time the others still get past it.
#[test]
fn nor_where_there_is_one_request_at_a_time() {
    check_poison("poison-403-one", "otlp_http", 1, http(403));
    check_poison("poison-500-one", "otlp_http", 1, http(500));
}

/// A signal that is refused holds up no other, and says so.
#[test]
fn a_backend_without_logs_gets_its_traces() {
    let backend = Backend::start(|received| match received.path.as_str() {
        "/v1/logs" => http(404),
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Logs, 0, [one_log("a")]);
    publish(&*bus, Signal::Traces, 0, (0..20).map(|id| spans([id], 0)));
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: no-logs, otlp_http: {{endpoint: 'http://{}'}}, batch: {{timeout: 1ms}}}}",
            backend.address
        )],
    );
    all_committed(&*bus, "no-logs", Signal::Traces);
    eventually("it says which signal", || {
        not_ready(&running, "no-logs").is_some_and(|reason| reason.contains("refuses all logs"))
    });
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// What one request was asked to wait for holds, whatever is accepted meanwhile.
#[test]
fn another_ones_success_ends_no_hold() {
    let backend = Backend::start(
        |received| match (ids(&received.body)[0], received.repeated) {
            (0, _) => Answer::Hold,
            (1, 0) => Answer::Http(429, vec![("retry-after", "1".into())], "".into()),
            _ => Answer::Accept,
        },
    );
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..2).map(|id| spans([id], 0)));
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: held, otlp_http: {{endpoint: 'http://{}'}}, concurrency: 2, batch: {{items: 1}}, {RETRY}}}",
            backend.address
        )],
    );
    eventually("the backend asked for time", || {
        metric(export::names::RETRIES, "held") == 1.0
    });
    let asked = backend
        .received()
        .iter()
        .find(|r| ids(&r.body) == [1])
        .unwrap()
        .at;
    backend.release();
    eventually("the other one is accepted", || {
        metric(export::names::DELIVERED, "held") == 1.0
    });
    publish(&*bus, Signal::Traces, 0, (2..10).map(|id| spans([id], 0)));
    all_committed(&*bus, "held", Signal::Traces);
    running.stop();
    for received in &backend.received()[2..] {
        let after = received.at - asked;
        assert!(
            after >= Duration::from_secs(1),
            "{:?} after {after:?}",
            ids(&received.body)
        );
    }
}
