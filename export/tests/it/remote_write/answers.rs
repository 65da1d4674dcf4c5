//! What real receivers don't answer when a test wants it: refusals in part, wrong versions, trouble.

use bytes::Bytes;
use schemas::Signal;

use crate::support::backend::{Answer, Backend, Received, http};
use crate::support::telemetry::gauge;
use crate::support::{
    QUICK, Running, all_committed, dead_letters, eventually, metric, open_bus, publish,
};

const SAMPLES: &str = "x-prometheus-remote-write-samples-written";

fn written(status: u16, samples: u64) -> Answer {
    let headers = vec![(SAMPLES, samples.to_string())];
    Answer::Http(status, headers, Bytes::from_static(b"out of order sample"))
}

fn version(received: &Received) -> &str {
    received.header("x-prometheus-remote-write-version")
}

/// Ten samples in each of three records, to a receiver that answers as scripted; what it received.
fn run(
    name: &str,
    keys: &str,
    script: impl Fn(&Received) -> Answer + Send + Sync + 'static,
) -> (Vec<Received>, usize) {
    let backend = Backend::start(script);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let records = (0..3).map(|record| gauge("g", (1..11).map(|at| record * 100 + at)));
    publish(&*bus, Signal::Metrics, 0, records);
    let config = format!(
        "{{name: {name}, prometheus_remote_write: {{endpoint: 'http://{}/w', headers: {{x-key: secret}}, {keys}}}, {QUICK}}}",
        backend.address
    );
    let running = Running::start(&bus, &[config]);
    all_committed(&*bus, name, Signal::Metrics);
    running.stop();
    eventually("what is committed is counted", || {
        metric(export::names::CONSUMED, name) == 3.0
    });
    (backend.received(), dead_letters(&*bus).len())
}

#[test]
fn requests_say_what_they_are() {
    let (received, dead) = run("prw-headers", "version: 2", |_| written(204, 1000));
    assert_eq!(dead, 0);
    for request in &received {
        assert_eq!(request.path, "/w");
        assert_eq!(request.header("content-encoding"), "snappy");
        assert_eq!(
            request.header("content-type"),
            "application/x-protobuf;proto=io.prometheus.write.v2.Request"
        );
        assert_eq!(version(request), "2.0.0");
        assert!(request.header("user-agent").starts_with("Tailwater/"));
        assert_eq!(request.header("x-key"), "secret");
    }
    let (received, _) = run("prw-headers-1", "version: 1", |_| http(200));
    assert_eq!(received[0].header("content-type"), "application/x-protobuf");
    assert_eq!(version(&received[0]), "0.1.0");
}

/// A request that is refused in part is never sent again, and never divided: what was written would be out of order.
#[test]
fn what_is_refused_in_part_is_counted() {
    let (received, dead) = run("prw-part", "version: 2", |_| written(400, 3));
    assert_eq!(dead, 0);
    let refused = metric(export::names::REFUSED, "prw-part");
    assert_eq!(refused, 30.0 - 3.0 * received.len() as f64);
    assert!(received.iter().all(|request| request.repeated == 0));
    assert_eq!(metric(export::names::DELIVERED, "prw-part"), 3.0);
}

#[test]
fn what_is_refused_as_a_whole_goes_to_the_dead_letters_at_once() {
    for (name, keys, status) in [
        ("prw-whole", "version: 2", 400),
        ("prw-whole-1", "version: 1", 400),
        ("prw-whole-409", "version: 1", 409),
    ] {
        let (received, dead) = run(name, keys, move |_| written(status, 0));
        assert_eq!(dead, 3, "{name}");
        assert!(
            received.iter().all(|request| request.repeated == 0),
            "{name}"
        );
        assert!(received.len() <= 3, "not divided");
        assert_eq!(metric(export::names::DEAD_LETTERED, name), 3.0);
    }
}

#[test]
fn trouble_passes() {
    for (name, status) in [("prw-500", 500), ("prw-429", 429), ("prw-503", 503)] {
        let (received, dead) = run(name, "version: 2", move |request| match request.repeated {
            0..2 => http(status),
            _ => written(204, 1000),
        });
        assert_eq!(dead, 0, "{name}");
        assert!(
            received
                .iter()
                .filter(|request| request.repeated == 2)
                .count()
                >= 1
        );
        assert_eq!(metric(export::names::DELIVERED, name), 3.0);
    }
}

/// Version 1 follows at once where version 2 isn't taken, and version 2 isn't tried again for each batch.
#[test]
fn falls_back_and_remembers() {
    for (name, answer) in [
        ("prw-204", http(204)),
        ("prw-415", http(415)),
        ("prw-400", http(400)),
    ] {
        let (received, dead) = run(
            name,
            "version: auto, delta: drop",
            move |request| match version(request) {
                "2.0.0" => answer.clone(),
                _ => http(204),
            },
        );
        assert_eq!(dead, 0, "{name}");
        let tried = received
            .iter()
            .filter(|request| version(request) == "2.0.0")
            .count();
        assert_eq!(tried, 1, "{name}");
        assert_eq!(version(received.last().unwrap()), "0.1.0");
        assert_eq!(metric(export::names::DELIVERED, name), 3.0);
        assert_eq!(metric(export::names::REFUSED, name), 0.0);
    }
}

/// Where version 2 is asked for, a receiver that doesn't speak it is held: nothing is lost.
#[test]
fn without_fallback_it_is_held() {
    let backend = Backend::start(|_| http(204));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Metrics, 0, [gauge("g", 1..11)]);
    let config = format!(
        "{{name: prw-held, prometheus_remote_write: {{endpoint: 'http://{}/w', version: 2}}, {QUICK}}}",
        backend.address
    );
    let running = Running::start(&bus, &[config]);
    eventually("it is held", || {
        metric(export::names::BREAKER_STATE, "prw-held") == 2.0
    });
    eventually("it says why", || {
        format!("{:?}", running.health.parts()).contains("set `version: auto`")
    });
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// What can't be sent is counted; a request with nothing in it isn't sent.
#[test]
fn points_that_cannot_be_sent_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let delta = r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "c", "sum": {"aggregationTemporality": 1,
        "dataPoints": [{"timeUnixNano": "5000000", "asInt": "1"}, {"timeUnixNano": "6000000", "asInt": "1"}]}}]}]}]}"#;
    let delta = schemas::json::to_protobuf(Signal::Metrics, delta.as_bytes()).unwrap();
    publish(&*bus, Signal::Metrics, 0, [delta]);
    let backend = Backend::start(|_| http(500));
    let config = format!(
        "{{name: prw-delta, prometheus_remote_write: {{endpoint: 'http://{}/w'}}, {QUICK}}}",
        backend.address
    );
    let running = Running::start(&bus, &[config]);
    all_committed(&*bus, "prw-delta", Signal::Metrics);
    running.stop();
    assert_eq!(backend.received().len(), 0);
    assert_eq!(metric(export::names::REFUSED, "prw-delta"), 2.0);
    assert_eq!(dead_letters(&*bus).len(), 0);
}
