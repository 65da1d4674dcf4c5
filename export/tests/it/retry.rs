//! Which answers are retried, when, and what becomes of the others. Numbers are those of the OTLP conformance list.

use std::time::{Duration, SystemTime};

use crate::support::backend::{Answer, Backend, Received, http, retry_info};
use crate::support::telemetry::{count, ids, spans};
use crate::support::{
    QUICK, Running, all_committed, dead_letters, header, metric, open_bus, publish, topics,
};
use schemas::{Signal, headers};
use tonic::{Code, Status};

/// The id of the one span in a request, by which scripts tell requests apart.
fn id(received: &Received) -> usize {
    ids(&received.body)[0] as usize
}

/// Offers a record for each answer, which the backend gives once before it accepts. Those that may pass are
/// accepted at the second attempt; each of the others is one dead letter after one attempt.
#[track_caller]
fn check(name: &str, kind: &str, answers: Vec<(Answer, bool)>) {
    let script = answers.clone();
    let backend = Backend::start(move |received| match received.repeated {
        0 => script[id(received)].0.clone(),
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let address = backend.address;
    // One item a batch: each record is a request.
    let backends = [format!(
        "{{name: {name}, {kind}: {{endpoint: 'http://{address}', timeout: 20s}}, concurrency: 1, \
         batch: {{items: 1}}, retry: {{initial_interval: 2ms, max_interval: 5ms}}, credentials: {{probe: 10ms}}}}"
    )];
    publish(
        &*bus,
        Signal::Traces,
        0,
        (0..answers.len() as u64).map(|id| spans([id], 0)),
    );
    let running = Running::start(&bus, &backends);
    all_committed(&*bus, name, Signal::Traces);
    running.stop();

    let attempts = count(
        backend
            .received()
            .iter()
            .map(|received| id(received) as u64),
    );
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    let dead = dead_letters(&*bus);
    let dead_ids = count(dead.iter().flat_map(|record| ids(&record.value)));
    for (id, (answer, retryable)) in (0..).zip(&answers) {
        let found = (
            attempts[&id],
            accepted.contains_key(&id),
            dead_ids.contains_key(&id),
        );
        let expected = if *retryable {
            (2, true, false)
        } else {
            (1, false, true)
        };
        assert_eq!(found, expected, "attempts, accepted, dead after {answer:?}");
    }
    let refused = answers.iter().filter(|(_, retryable)| !retryable).count();
    assert_eq!(metric(export::names::CONSUMED, name), answers.len() as f64);
    assert_eq!(metric(export::names::DEAD_LETTERED, name), refused as f64);
    assert_eq!(
        metric(export::names::DELIVERED, name),
        (answers.len() - refused) as f64
    );
    assert_eq!(
        metric(export::names::RETRIES, name),
        (answers.len() - refused) as f64
    );
    assert_eq!(metric(export::names::PENDING, name), 0.0);
    for record in dead {
        let id = ids(&record.value)[0];
        assert_eq!(
            header(&record, headers::DEAD_TOPIC),
            &*topics().clean(Signal::Traces)
        );
        assert_eq!(header(&record, headers::DEAD_PARTITION), "0");
        assert_eq!(header(&record, headers::DEAD_OFFSET), id.to_string());
        assert_eq!(
            header(&record, headers::DEAD_STAGE),
            format!("export/{name}")
        );
        let reason = header(&record, headers::DEAD_REASON);
        assert!(reason.contains("status"), "{reason}");
    }
}

/// 58, 61.
#[test]
fn grpc_codes() {
    use Code::*;
    let retryable = [
        Cancelled,
        DeadlineExceeded,
        Aborted,
        OutOfRange,
        Unavailable,
        DataLoss,
    ];
    let holding = [
        NotFound,
        AlreadyExists,
        PermissionDenied,
        FailedPrecondition,
        Unimplemented,
        Unauthenticated,
        Unknown,
        Internal,
    ];
    let refused = [InvalidArgument, ResourceExhausted];
    let answer = |code| Answer::Grpc(Status::new(code, "as scripted"));
    let info = |code| Answer::Grpc(Status::with_details(code, "busy", retry_info(1)));
    let mut answers: Vec<_> = retryable.map(|code| (answer(code), true)).into();
    answers.extend(holding.map(|code| (answer(code), true)));
    answers.extend(refused.map(|code| (answer(code), false)));
    answers.push((info(ResourceExhausted), true));
    answers.push((info(Unavailable), true));
    check("codes", "otlp_grpc", answers);
}

/// 58, 61. Only what says that the request is bad or too large is refused for one answer.
#[test]
fn http_statuses() {
    let retryable = [
        301, 307, 401, 402, 403, 404, 405, 407, 408, 415, 429, 500, 501, 502, 503, 504, 505, 507,
    ]
    .map(|status| (http(status), true));
    let refused = [400, 413, 422].map(|status| (http(status), false));
    let mut answers = [&retryable[..], &refused[..]].concat();
    answers.push((Answer::Disconnect, true));
    check("statuses", "otlp_http", answers);
}

/// 59: the second attempt comes when the backend asked for it, not before.
#[track_caller]
fn check_delay(
    name: &str,
    kind: &str,
    at_least: Duration,
    busy: impl Fn() -> Answer + Send + Sync + 'static,
) {
    let backend = Backend::start(move |received| match received.repeated {
        0 => busy(),
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans([0], 0)]);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: {name}, {kind}: {{endpoint: 'http://{address}'}}, {QUICK}}}"
        )],
    );
    let received = backend.wait("the second attempt", |received| received.len() == 2);
    let delay = received[1].at - received[0].at;
    assert!(delay >= at_least, "{delay:?} is before {at_least:?}");
    running.stop();
}

#[test]
fn retry_info_is_honoured() {
    check_delay("info", "otlp_grpc", Duration::from_millis(300), || {
        Answer::Grpc(Status::with_details(Code::Unavailable, "", retry_info(300)))
    });
}

#[test]
fn retry_after_in_seconds_is_honoured() {
    check_delay("seconds", "otlp_http", Duration::from_secs(1), || {
        Answer::Http(429, vec![("retry-after", "1".into())], "".into())
    });
}

#[test]
fn retry_after_as_a_date_is_honoured() {
    // Dates have whole seconds: two of them are more than one.
    check_delay("date", "otlp_http", Duration::from_secs(1), || {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
        Answer::Http(503, vec![("retry-after", date)], "".into())
    });
}

/// 63: while the backend asks for time, none of the requests that wait is offered.
#[test]
fn a_busy_backend_is_left_alone() {
    let backend = Backend::start(move |received| match (id(received), received.repeated) {
        (0, 0) => Answer::Grpc(Status::with_details(Code::Unavailable, "", retry_info(500))),
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans([0], 0)]);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: busy, otlp_grpc: {{endpoint: 'http://{address}'}}, {QUICK}}}"
        )],
    );
    let first = backend.wait("the first attempt", |received| received.len() == 1)[0].at;
    // The answer is on its way: what is published once it has been counted must wait.
    crate::support::eventually("the retry is counted", || {
        metric(export::names::RETRIES, "busy") == 1.0
    });
    publish(&*bus, Signal::Traces, 0, (1..20).map(|id| spans([id], 0)));
    all_committed(&*bus, "busy", Signal::Traces);
    running.stop();
    for received in &backend.received()[1..] {
        let delay = received.at - first;
        assert!(
            delay >= Duration::from_millis(500),
            "{} after {delay:?}",
            id(received)
        );
    }
}

/// A request that isn't answered in time is offered again.
#[test]
fn a_timeout_is_retried() {
    let backend = Backend::start(|received| match received.repeated {
        0 => Answer::Hold,
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans([0], 0)]);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: slow, otlp_http: {{endpoint: 'http://{address}', timeout: 1s}}, {QUICK}}}"
        )],
    );
    all_committed(&*bus, "slow", Signal::Traces);
    running.stop();
    assert!(backend.accepted().len() == 1, "{:?}", backend.accepted());
    assert_eq!(metric(export::names::DELIVERED, "slow"), 1.0);
}

/// One record that a backend can't take doesn't take its neighbours along: the batch is halved until it stands alone.
#[test]
fn a_bad_record_is_found_in_its_batch() {
    let backend = Backend::start(|received| match ids(&received.body).contains(&13) {
        true => Answer::Grpc(Status::invalid_argument("13 brings bad luck")),
        false => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, (0..32).map(|id| spans([id], 0)));
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: halves, otlp_grpc: {{endpoint: 'http://{address}'}}, batch: {{timeout: 1s}}}}"
        )],
    );
    all_committed(&*bus, "halves", Signal::Traces);
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    let expected = count((0..32).filter(|id| *id != 13));
    assert_eq!(accepted, expected);
    let dead = dead_letters(&*bus);
    assert_eq!(
        dead.iter()
            .map(|record| ids(&record.value))
            .collect::<Vec<_>>(),
        [[13]]
    );
    let reason = header(&dead[0], headers::DEAD_REASON);
    assert!(reason.contains("13 brings bad luck"), "{reason}");
}

/// A request above the backend's limit is halved; a record above it is a dead letter, not an endless retry.
#[test]
fn a_request_too_large_is_halved() {
    let backend = Backend::start_at("127.0.0.1:0", 8 << 10, |_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(
        &*bus,
        Signal::Traces,
        0,
        (0..16).map(|id| spans([id], if id == 5 { 9000 } else { 1000 })),
    );
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: large, otlp_grpc: {{endpoint: 'http://{address}', compression: none}}, batch: {{timeout: 1s}}}}"
        )],
    );
    all_committed(&*bus, "large", Signal::Traces);
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count((0..16).filter(|id| *id != 5)));
    let dead: Vec<_> = dead_letters(&*bus)
        .iter()
        .map(|record| ids(&record.value))
        .collect();
    assert_eq!(dead, [[5]]);
}

/// `max_elapsed_time`: then the batch is set aside, with what was tried.
#[test]
fn giving_up_is_a_dead_letter() {
    let backend = Backend::start(|_| http(503));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans([0], 0)]);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: enough, otlp_http: {{endpoint: 'http://{address}'}}, batch: {{timeout: 1ms}}, \
             retry: {{initial_interval: 5ms, max_interval: 5ms, max_elapsed_time: 50ms}}}}"
        )],
    );
    all_committed(&*bus, "enough", Signal::Traces);
    running.stop();
    assert!(backend.received().len() > 1);
    let reason = header(&dead_letters(&*bus)[0], headers::DEAD_REASON);
    assert!(
        reason.contains("gave up after") && reason.contains("503"),
        "{reason}"
    );
}

/// A record that isn't OTLP never reaches a backend, nor does it spoil the batch that it would have been in.
#[test]
fn garbage_on_the_bus_is_a_dead_letter() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let truncated = spans([1], 0)[..20].to_vec();
    publish(
        &*bus,
        Signal::Traces,
        0,
        [
            spans([0], 0),
            truncated.clone(),
            b"garbage".to_vec(),
            spans([2], 0),
        ],
    );
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: garbage, otlp_grpc: {{endpoint: 'http://{address}'}}, {QUICK}}}"
        )],
    );
    all_committed(&*bus, "garbage", Signal::Traces);
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count([0, 2]));
    let dead = dead_letters(&*bus);
    let values: Vec<_> = dead.iter().map(|record| record.value.to_vec()).collect();
    assert_eq!(values.len(), 2);
    assert!(values.contains(&truncated) && values.contains(&b"garbage".to_vec()));
    for record in &dead {
        let reason = header(record, headers::DEAD_REASON);
        assert!(reason.contains("not an OTLP request"), "{reason}");
    }
    assert_eq!(metric(export::names::DEAD_LETTERED, "garbage"), 2.0);
    assert_eq!(metric(export::names::CONSUMED, "garbage"), 4.0);
}
