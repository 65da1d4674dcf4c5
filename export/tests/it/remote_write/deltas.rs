//! Deltas added up by us, and by the Collector's processor, which Prometheus has within: the totals are the same.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;
use schemas::Signal;
use tests::prometheus::{Prometheus, binary};

use super::corpus::{corpus, partition_of};
use super::{assert_same, content, deliver, now_s};
use crate::support::backend::{Answer, Backend};
use crate::support::{
    PARTITIONS, QUICK, Running, dead_letters, eventually, metric, open_bus, publish,
};

const DELTA: i32 = 1;

/// The corpus with all that has a temporality, as deltas; each from the end of the one before.
fn as_deltas(record: &[u8]) -> Vec<u8> {
    let mut request = ExportMetricsServiceRequest::decode(record).unwrap();
    let scopes = request
        .resource_metrics
        .iter_mut()
        .flat_map(|resource| &mut resource.scope_metrics);
    for metric in scopes.flat_map(|scope| &mut scope.metrics) {
        match metric.data.as_mut() {
            Some(Data::Sum(sum)) => sum.aggregation_temporality = DELTA,
            Some(Data::Histogram(histogram)) => {
                histogram.aggregation_temporality = DELTA;
                // What ends a series isn't a delta.
                histogram.data_points.retain(|point| point.flags == 0);
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                histogram.aggregation_temporality = DELTA;
            }
            _ => {}
        }
    }
    request.encode_to_vec()
}

#[test]
fn totals_are_those_of_the_collector() {
    let Ok(program) = binary() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at_s = now_s();
    let records: Vec<_> = corpus(at_s)
        .iter()
        .map(|record| as_deltas(record))
        .collect();
    let otlp = "{label_name_underscore_sanitization: false, label_name_preserve_multiple_underscores: false, promote_scope_metadata: true}";
    let features = ["otlp-deltatocumulative"];
    let reference = Prometheus::start(&program, &folder.path().join("otlp"), otlp, &features);
    for record in &records {
        let (status, body) = reference.send_otlp(record);
        assert_eq!(status, 200, "{body}");
    }
    let ours = Prometheus::start(&program, &folder.path().join("ours"), "{}", &[]);
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    for record in &records {
        publish(
            &*bus,
            Signal::Metrics,
            partition_of(record),
            [record.clone()],
        );
    }
    deliver(&bus, "deltas", ours.address, "delta: {cumulate: {}}");
    assert_eq!(dead_letters(&*bus).len(), 0);
    assert_eq!(
        metric(export::names::REFUSED, "deltas"),
        0.0,
        "{}",
        ours.log()
    );
    assert!(metric(export::names::PRW_STREAMS, "deltas") > 100.0);
    assert_same("deltas", &content(&reference, at_s), &content(&ours, at_s));
}

/// What another process adds up from now on is forgotten: when the partition comes back, an old total would be a wrong one.
#[test]
fn a_partition_that_moves_takes_its_totals_along() {
    let written = (
        "x-prometheus-remote-write-samples-written",
        "1000".to_owned(),
    );
    let backend = Backend::start(move |_| Answer::Http(204, vec![written.clone()], Bytes::new()));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let backends = [format!(
        "{{name: prw-moves, prometheus_remote_write: {{endpoint: 'http://{}/w', delta: {{cumulate: {{}}}}}}, {QUICK}}}",
        backend.address
    )];
    let delta = |time: u64| {
        let json = format!(
            r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [{{"name": "c", "sum": {{"aggregationTemporality": 1,
            "dataPoints": [{{"timeUnixNano": "{time}", "asInt": "1"}}]}}}}]}}]}}]}}"#
        );
        schemas::json::to_protobuf(Signal::Metrics, json.as_bytes()).unwrap()
    };
    let streams = || metric(export::names::PRW_STREAMS, "prw-moves");
    let first = Running::start_instance(&bus, &backends, "first");
    for partition in 0..PARTITIONS {
        publish(&*bus, Signal::Metrics, partition, [delta(1)]);
    }
    eventually("both partitions have a stream", || streams() == 2.0);
    let second = Running::start_instance(&bus, &backends, "second");
    eventually("one of them is forgotten", || streams() == 1.0);
    first.stop();
    second.stop();
}
