//! What goes over the wire: paths, headers, encodings, compression; and answers that are accepted.

use crate::support::backend::{Answer, Backend};
use crate::support::{
    QUICK, Running, all_committed, dead_letters, metric, open_bus, publish, telemetry,
};
use schemas::Signal;

/// Three records a signal arrive whole, with these headers, at these paths.
#[track_caller]
fn check(name: &str, kind: &str, options: &str, paths: [&str; 3], headers: &[(&str, &str)]) {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let records = [
        (
            Signal::Traces,
            vec![
                telemetry::spans(0..3, 0),
                telemetry::spans(3..5, 9),
                telemetry::spans(5..6, 0),
            ],
        ),
        (
            Signal::Logs,
            vec![
                telemetry::one_log("a"),
                telemetry::one_log("b"),
                telemetry::one_log("c"),
            ],
        ),
        (
            Signal::Metrics,
            vec![
                telemetry::one_metric("a"),
                telemetry::one_metric("b"),
                telemetry::one_metric("c"),
            ],
        ),
    ];
    for (signal, records) in &records {
        publish(&*bus, *signal, 1, records.clone());
    }
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: {name}, {kind}: {{endpoint: 'http://{address}', headers: {{x-key: secret}}, {options}}}}}"
        )],
    );
    for ((signal, records), path) in records.iter().zip(paths) {
        all_committed(&*bus, name, *signal);
        let received = backend.received();
        let received: Vec<_> = received.iter().filter(|r| r.path == path).collect();
        let json = options.contains("json");
        let decode = |body: &[u8]| {
            if json {
                telemetry::from_json(*signal, body)
            } else {
                body.to_vec()
            }
        };
        let bodies: Vec<u8> = received.iter().flat_map(|r| decode(&r.body)).collect();
        let expected = match json {
            // Another encoder's bytes may differ: they are compared as JSON.
            true => {
                let mut json = vec![];
                schemas::json::from_protobuf(*signal, &records.concat(), &mut json).unwrap();
                telemetry::from_json(*signal, &json)
            }
            false => records.concat(),
        };
        assert_eq!(bodies, expected, "{} of {name}", signal.name());
        for received in received {
            assert_eq!(received.header("x-key"), "secret");
            assert!(received.header("user-agent").starts_with("Tailwater/"));
            for (header, value) in headers {
                assert_eq!(received.header(header), *value, "{header}");
            }
        }
    }
    running.stop();
    assert_eq!(metric(export::names::DELIVERED, name), 12.0);
    assert_eq!(metric(export::names::CONSUMED, name), 12.0);
    assert_eq!(metric(export::names::PENDING, name), 0.0);
    assert_eq!(dead_letters(&*bus).len(), 0);
}

const GRPC: [&str; 3] = [
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
];
const HTTP: [&str; 3] = ["/v1/traces", "/v1/logs", "/v1/metrics"];

#[test]
fn grpc_plain() {
    check(
        "gp",
        "otlp_grpc",
        "compression: none",
        GRPC,
        &[("te", "trailers")],
    );
}

#[test]
fn grpc_gzip_is_the_default() {
    check("gg", "otlp_grpc", "", GRPC, &[("grpc-encoding", "gzip")]);
}

#[test]
fn grpc_zstd() {
    check(
        "gz",
        "otlp_grpc",
        "compression: zstd",
        GRPC,
        &[("grpc-encoding", "zstd")],
    );
}

#[test]
fn http_protobuf_gzip_is_the_default() {
    let headers = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "gzip"),
    ];
    check("hg", "otlp_http", "", HTTP, &headers);
}

#[test]
fn http_json_plain() {
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", ""),
    ];
    check(
        "hj",
        "otlp_http",
        "encoding: json, compression: none",
        HTTP,
        &headers,
    );
}

#[test]
fn http_json_zstd() {
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "zstd"),
    ];
    check(
        "hz",
        "otlp_http",
        "encoding: json, compression: zstd",
        HTTP,
        &headers,
    );
}

/// Partial success: counted, neither repeated nor set aside (57).
#[test]
fn partial_success_is_counted_and_not_retried() {
    for (name, kind, options) in [
        ("pg", "otlp_grpc", ""),
        ("ph", "otlp_http", ""),
        ("pj", "otlp_http", "encoding: json"),
    ] {
        let backend = Backend::start(|_| Answer::Partial(2, "too old"));
        let dir = tempfile::tempdir().unwrap();
        let bus = open_bus(dir.path());
        publish(&*bus, Signal::Traces, 0, [telemetry::spans(0..5, 0)]);
        let address = backend.address;
        let running = Running::start(
            &bus,
            &[format!(
                "{{name: {name}, {kind}: {{endpoint: 'http://{address}', {options}}}, {QUICK}}}"
            )],
        );
        all_committed(&*bus, name, Signal::Traces);
        running.stop();
        assert_eq!(backend.received().len(), 1);
        assert_eq!(metric(export::names::DELIVERED, name), 5.0);
        assert_eq!(metric(export::names::REFUSED, name), 2.0);
        assert_eq!(metric(export::names::RETRIES, name), 0.0);
        assert_eq!(dead_letters(&*bus).len(), 0);
    }
}

/// An answer without end is not read to its end; its status counts (62).
#[test]
fn a_huge_answer_is_cut() {
    let huge = bytes::Bytes::from(vec![b'x'; 64 << 20]);
    let backend = Backend::start(move |_| Answer::Http(200, vec![], huge.clone()));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [telemetry::spans(0..5, 0)]);
    let address = backend.address;
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: huge, otlp_http: {{endpoint: 'http://{address}'}}, {QUICK}}}"
        )],
    );
    all_committed(&*bus, "huge", Signal::Traces);
    running.stop();
    assert_eq!(backend.received().len(), 1);
    assert_eq!(metric(export::names::DELIVERED, "huge"), 5.0);
}
