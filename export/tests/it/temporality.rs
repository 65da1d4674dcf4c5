//! Metrics of one temporality to backends that take the other: what is sent again is the same, and what a restart leaves out is left out once.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use prost::Message;
use schemas::Signal;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::backend::{Answer, Backend, http};
use crate::support::{
    QUICK, Running, all_committed, dead_letters, eventually, metric, metric_with, open_bus, publish,
};

fn now_ns() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since_1970.as_nanos() as u64
}

/// A cumulative counter and a gauge.
fn record(start_ns: u64, time_ns: u64, value: i64) -> Vec<u8> {
    let json = format!(
        r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [
        {{"name": "c", "sum": {{"aggregationTemporality": 2, "isMonotonic": true,
        "dataPoints": [{{"startTimeUnixNano": "{start_ns}", "timeUnixNano": "{time_ns}", "asInt": "{value}"}}]}}}},
        {{"name": "g", "gauge": {{"dataPoints": [{{"timeUnixNano": "{time_ns}", "asInt": "{value}"}}]}}}}]}}]}}]}}"#
    );
    schemas::json::to_protobuf(Signal::Metrics, json.as_bytes()).unwrap()
}

/// The counters' values in requests, in order; each is a delta.
fn counted<'a>(requests: impl IntoIterator<Item = &'a Bytes>) -> Vec<i64> {
    let mut values = Vec::new();
    for request in requests {
        let request = ExportMetricsServiceRequest::decode(&request[..]).unwrap();
        let scopes = request
            .resource_metrics
            .into_iter()
            .flat_map(|resource| resource.scope_metrics);
        for metric in scopes.flat_map(|scope| scope.metrics) {
            if let Some(Data::Sum(sum)) = metric.data {
                assert_eq!(sum.aggregation_temporality, 1);
                for point in sum.data_points {
                    let Some(Value::AsInt(value)) = point.value else {
                        panic!("{point:?}")
                    };
                    values.push(value);
                }
            }
        }
    }
    values
}

fn line(name: &str, backend: &Backend) -> Vec<String> {
    vec![format!(
        "{{name: {name}, signals: [metrics], otlp_http: {{endpoint: 'http://{}', compression: none}}, metrics: {{temporality: delta}}, {QUICK}}}",
        backend.address
    )]
}

/// A request that is refused at first is sent again with the same deltas; none is counted twice, none is missing.
#[test]
fn what_is_sent_again_is_the_same() {
    let backend = Backend::start(|received| match received.repeated {
        0 => http(503),
        _ => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let running = Running::start(&bus, &line("resent", &backend));
    // It owns its partitions.
    publish(&*bus, Signal::Metrics, 0, [record(1, 2, 0)]);
    all_committed(&*bus, "resent", Signal::Metrics);
    let start = now_ns();
    for (time, value) in (1..).zip([3, 5, 5, 9]) {
        publish(
            &*bus,
            Signal::Metrics,
            0,
            [record(start, start + time, value)],
        );
        all_committed(&*bus, "resent", Signal::Metrics);
    }
    running.stop();
    let accepted = backend.accepted();
    let accepted = counted(&accepted);
    assert_eq!(accepted.iter().sum::<i64>(), 9, "{accepted:?}");
    assert!(metric(export::names::RETRIES, "resent") > 0.0);
    let initial = [("backend", "resent"), ("reason", "initial")];
    assert_eq!(
        metric_with(export::names::TEMPORALITY_DROPPED, &initial),
        1.0
    );
    assert_eq!(
        metric_with(
            export::names::SKIPPED,
            &[("backend", "resent"), ("reason", "temporality")]
        ) as u64,
        1
    );
    assert!(dead_letters(&*bus).is_empty());
}

/// After a restart, what came meanwhile is missing from the deltas; nothing is counted twice.
#[test]
fn a_restart_begins_from_the_next_point() {
    let backend = Backend::start(|_| Answer::Accept);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let running = Running::start(&bus, &line("restarted", &backend));
    publish(&*bus, Signal::Metrics, 0, [record(1, 2, 0)]);
    all_committed(&*bus, "restarted", Signal::Metrics);
    eventually("its stream is known", || {
        metric(export::names::TEMPORALITY_STREAMS, "restarted") == 1.0
    });
    let start = now_ns();
    publish(
        &*bus,
        Signal::Metrics,
        0,
        [record(start, start + 10, 3), record(start, start + 20, 5)],
    );
    all_committed(&*bus, "restarted", Signal::Metrics);
    running.stop();
    let running = Running::start(&bus, &line("restarted", &backend));
    publish(
        &*bus,
        Signal::Metrics,
        0,
        [record(start, start + 30, 9), record(start, start + 40, 11)],
    );
    all_committed(&*bus, "restarted", Signal::Metrics);
    // A stream that begins now is counted as a whole.
    let start = now_ns();
    publish(&*bus, Signal::Metrics, 0, [record(start, start + 10, 4)]);
    all_committed(&*bus, "restarted", Signal::Metrics);
    running.stop();
    assert_eq!(counted(&backend.accepted()), [3, 2, 2, 4]);
    assert!(dead_letters(&*bus).is_empty());
}
