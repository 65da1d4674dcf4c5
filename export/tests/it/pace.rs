//! How fast a backend gets what it gets, and where it begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use schemas::Signal;

use crate::support::backend::{Answer, Backend};
use crate::support::moody::Moody;
use crate::support::telemetry::{ids, spans};
use crate::support::{Running, all_committed, metric, open_bus, publish};

fn line(name: &str, to: &Backend, more: &str) -> String {
    format!(
        "{{name: {name}, signals: [traces], batch: {{timeout: 1ms}}, otlp_http: {{endpoint: 'http://{}'}}, {more}}}",
        to.address
    )
}

/// A second's worth goes at once, the rest as it may.
#[test]
fn a_rate_holds() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(
        &*bus,
        Signal::Traces,
        0,
        (0..40).map(|id| spans(id * 10..id * 10 + 10, 0)),
    );
    let began = Instant::now();
    let running = Running::start(
        &bus,
        &[line(
            "slowly",
            &backend,
            "rate: {items: 100}, batch: {items: 10, timeout: 1ms}",
        )
        .replacen("batch: {timeout: 1ms}, ", "", 1)],
    );
    all_committed(&*bus, "slowly", Signal::Traces);
    // 400 items, of which 100 may go at once and a batch may be ahead.
    assert!(
        began.elapsed() >= Duration::from_millis(2700),
        "{:?}",
        began.elapsed()
    );
    running.stop();
    assert_eq!(backend.received().len(), 40);
}

/// Four requests at a time would be refused for asking, were there no more than one.
#[test]
fn concurrency_grows_where_the_backend_keeps_up() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let running = Running::start(
        &bus,
        &[
            line("adapts", &backend, "concurrency: {min: 1, max: 8}").replacen(
                "timeout: 1ms",
                "timeout: 1ms, items: 1",
                1,
            ),
        ],
    );
    let limit = || metric("tailwater_export_concurrency_limit", "adapts") as u64;
    let mut next = 0;
    crate::support::eventually("more are in flight", || {
        publish(
            &*bus,
            Signal::Traces,
            0,
            (next..next + 50).map(|id| spans([id], 0)),
        );
        next += 50;
        all_committed(&*bus, "adapts", Signal::Traces);
        limit() > 2
    });
    running.stop();
}

/// A new backend begins where it is told, also after a restart in which it had nothing to do.
#[test]
fn a_new_backend_begins_where_it_is_told() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..20).map(|id| spans([id], 0)));
    let line = line("late", &backend, "start: latest");
    let running = Running::start(&bus, std::slice::from_ref(&line));
    all_committed(&*bus, "late", Signal::Traces);
    running.stop();
    assert!(backend.received().is_empty());
    // While nobody reads: it is not lost.
    publish(&*bus, Signal::Traces, 0, [spans([20], 0)]);
    let running = Running::start(&bus, &[line]);
    publish(&*bus, Signal::Traces, 1, [spans([21], 0)]);
    all_committed(&*bus, "late", Signal::Traces);
    running.stop();
    let mut found: Vec<_> = backend
        .received()
        .iter()
        .flat_map(|request| ids(&request.body))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [20, 21]);
}

/// Where a backend begins has to be asked of the bus. What was read meanwhile isn't lost when that takes several attempts.
#[test]
fn a_bus_that_cannot_be_asked_where_to_begin_loses_nothing() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let moody = Arc::new(Moody {
        bus: open_bus(dir.path()),
        refusals: AtomicU32::new(2),
    });
    let bus: Arc<dyn bus::Bus> = moody.clone();
    publish(&*bus, Signal::Traces, 0, (0..20).map(|id| spans([id], 0)));
    publish(&*bus, Signal::Traces, 1, (20..40).map(|id| spans([id], 0)));
    let line = line("moody", &backend, "start: 2020-01-01T00:00:00Z");
    let running = Running::start(&bus, &[line]);
    all_committed(&*bus, "moody", Signal::Traces);
    running.stop();
    let received = backend.received();
    let mut found: Vec<_> = received
        .iter()
        .flat_map(|request| ids(&request.body))
        .collect();
    found.sort_unstable();
    assert_eq!(moody.refusals.load(Ordering::SeqCst), 0, "it was asked");
    assert_eq!(found, (0..40).collect::<Vec<_>>());
}
