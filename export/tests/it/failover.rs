//! A standby in a backend's place: each batch is at exactly one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use schemas::Signal;

use crate::support::backend::{Answer, Backend, http};
use crate::support::telemetry::{ids, spans};
use crate::support::{
    QUICK, Running, all_committed, dead_letters, eventually, metric, open_bus, publish,
};

fn pair(name: &str, own: &Backend, standby: &Backend, times: &str) -> Vec<String> {
    let to = |backend: &Backend| {
        format!(
            "signals: [traces], otlp_http: {{endpoint: 'http://{}'}}",
            backend.address
        )
    };
    vec![
        format!(
            "{{name: {name}, {}, {QUICK}, credentials: {{probe: 10ms}}, failover: {{to: [{name}-standby], {times}}}}}",
            to(own)
        ),
        format!("{{name: {name}-standby, standby: true, {}}}", to(standby)),
    ]
}

fn accepted(backend: &Backend) -> Vec<u64> {
    let received = backend.received();
    let accepted = received.iter().filter(|request| request.accepted);
    accepted.flat_map(|request| ids(&request.body)).collect()
}

/// Down, then back: what was refused here went there, and nothing is at both.
#[test]
fn each_batch_is_at_one_of_them() {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = down.clone();
    let own = Backend::start(move |_| match is_down.load(Ordering::SeqCst) {
        true => http(503),
        false => Answer::Accept,
    });
    let standby = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let running = Running::start(
        &bus,
        &pair("over", &own, &standby, "after: 50ms, back_after: 100ms"),
    );
    let level = || metric("tailwater_export_failover_level", "over") as u64;

    publish(&*bus, Signal::Traces, 0, (0..20).map(|id| spans([id], 0)));
    all_committed(&*bus, "over", Signal::Traces);
    assert_eq!((accepted(&own).len(), level()), (20, 0));

    down.store(true, Ordering::SeqCst);
    publish(&*bus, Signal::Traces, 1, (20..60).map(|id| spans([id], 0)));
    all_committed(&*bus, "over", Signal::Traces);
    assert_eq!((accepted(&standby).len(), level()), (40, 1));

    down.store(false, Ordering::SeqCst);
    let mut next = 60;
    eventually("the backend is back", || {
        publish(&*bus, Signal::Traces, 0, [spans([next], 0)]);
        next += 1;
        level() == 0
    });
    publish(&*bus, Signal::Traces, 1, [spans([next], 0)]);
    all_committed(&*bus, "over", Signal::Traces);
    running.stop();
    let (mut both, at_own) = (accepted(&own), accepted(&own));
    assert!(at_own.contains(&next), "it is used again");
    both.extend(accepted(&standby));
    both.sort_unstable();
    assert_eq!(both, (0..=next).collect::<Vec<_>>(), "each once");
    assert!(dead_letters(&*bus).is_empty());
}

/// A key that was revoked turns to the standby at once, and nothing is held.
#[test]
fn a_refusal_turns_at_once() {
    let own = Backend::start(|_| http(401));
    let standby = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..10).map(|id| spans([id], 0)));
    let running = Running::start(
        &bus,
        &pair("revoked", &own, &standby, "after: 1h, back_after: 1h"),
    );
    all_committed(&*bus, "revoked", Signal::Traces);
    running.stop();
    assert_eq!(accepted(&standby).len(), 10);
    assert!(dead_letters(&*bus).is_empty());
}
