//! Below the record: backends bound requests in spans and data points, and refuse a whole request for one bad item.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;
use schemas::{Signal, headers};
use tonic::Status;

use crate::support::backend::{Answer, Backend, http};
use crate::support::telemetry::{count, gauge, ids, spans};
use crate::support::{
    PARTITIONS, QUICK, Running, all_committed, dead_letters, header, metric, open_bus, publish,
};

/// The bad spans of a large record are set aside, as one dead letter; the others are delivered once.
#[test]
fn a_bad_span_takes_no_neighbour_along() {
    let bad = |id: u64| id % 100 == 7;
    let backend = Backend::start(
        move |received| match ids(&received.body).into_iter().any(bad) {
            true => http(400),
            false => Answer::Accept,
        },
    );
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(
        &*bus,
        Signal::Traces,
        1,
        [spans(0..300, 20), spans(300..400, 20)],
    );
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: items, otlp_http: {{endpoint: 'http://{}'}}, {QUICK}}}",
            backend.address
        )],
    );
    all_committed(&*bus, "items", Signal::Traces);
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count((0..400).filter(|id| !bad(*id))));
    let mut dead = dead_letters(&*bus);
    dead.sort_by_key(|record| record.offset);
    let found: Vec<_> = (dead.iter())
        .map(|record| (ids(&record.value), header(record, headers::DEAD_UNITS)))
        .collect();
    let expected = [
        (vec![7, 107, 207], "7..8,107..108,207..208".to_owned()),
        (vec![307], "7..8".to_owned()),
    ];
    assert_eq!(found, expected);
    assert_eq!(metric(export::names::DELIVERED, "items"), 396.0);
    assert_eq!(metric(export::names::DEAD_LETTERED, "items"), 4.0);
    assert_eq!(metric(export::names::PENDING, "items"), 0.0);
}

/// X-Ray and its like take so many spans a request: records above that are cut, and nothing is set aside.
#[test]
fn a_limit_of_spans_a_request_sets_nothing_aside() {
    let backend = Backend::start(|received| match ids(&received.body).len() > 100 {
        true => Answer::Grpc(Status::invalid_argument("too many spans")),
        false => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..1000, 0)]);
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: spans-max, otlp_grpc: {{endpoint: 'http://{}'}}, {QUICK}}}",
            backend.address
        )],
    );
    all_committed(&*bus, "spans-max", Signal::Traces);
    running.stop();
    let accepted = count(backend.accepted().iter().flat_map(|body| ids(body)));
    assert_eq!(accepted, count(0..1000));
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// The (series, time) of the points in a request.
fn points(request: &[u8]) -> Vec<(String, u64)> {
    let request = ExportMetricsServiceRequest::decode(request).unwrap();
    let scopes = request
        .resource_metrics
        .iter()
        .flat_map(|r| &r.scope_metrics);
    let metrics = scopes.flat_map(|scope| &scope.metrics);
    let points = metrics.flat_map(|metric| match metric.data.as_ref() {
        Some(Data::Gauge(gauge)) => {
            let points = gauge.data_points.iter();
            points
                .map(|point| (metric.name.clone(), point.time_unix_nano))
                .collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    });
    points.collect()
}

/// Google's 200 points a request: also one metric with more than that is cut.
#[test]
fn a_limit_of_points_a_request_sets_nothing_aside() {
    let backend = Backend::start(|received| match points(&received.body).len() > 20 {
        true => http(400),
        false => Answer::Accept,
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(
        &*bus,
        Signal::Metrics,
        0,
        [gauge("long", 0..150), gauge("short", 0..3)],
    );
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: points-max, otlp_http: {{endpoint: 'http://{}'}}, {QUICK}}}",
            backend.address
        )],
    );
    all_committed(&*bus, "points-max", Signal::Metrics);
    running.stop();
    let accepted: Vec<_> = backend
        .accepted()
        .iter()
        .flat_map(|body| points(body))
        .collect();
    let expected = (0..150).map(|time| ("long".to_owned(), time));
    let expected: Vec<_> = expected
        .chain((0..3).map(|time| ("short".to_owned(), time)))
        .collect();
    assert_eq!(accepted, expected, "each once, in order");
    assert_eq!(dead_letters(&*bus).len(), 0);
    assert_eq!(metric(export::names::DELIVERED, "points-max"), 2.0);
}

/// A backend that refuses samples out of order, as Prometheus does, and now and then is busy: no partition overtakes itself.
#[test]
fn metrics_of_a_partition_stay_in_order() {
    let newest = std::sync::Mutex::new(BTreeMap::<String, u64>::new());
    let backend = Backend::start(move |received| {
        // Every third is answered late, so that others would overtake it.
        if received.repeated == 0 && points(&received.body)[0].1.is_multiple_of(3) {
            return http(503);
        }
        let mut newest = newest.lock().unwrap();
        for (series, time) in points(&received.body) {
            let newest = newest.entry(series).or_default();
            if time < *newest {
                return Answer::Http(400, vec![], "out of order sample".into());
            }
            *newest = time;
        }
        Answer::Accept
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    for time in 1..=100 {
        for partition in 0..PARTITIONS {
            let series = format!("series-{partition}");
            publish(
                &*bus,
                Signal::Metrics,
                partition,
                [gauge(&series, time..time + 1)],
            );
        }
    }
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: in-order, otlp_http: {{endpoint: 'http://{}'}}, concurrency: 8, batch: {{items: 1}}, \
             retry: {{initial_interval: 5ms, max_interval: 20ms}}}}",
            backend.address
        )],
    );
    all_committed(&*bus, "in-order", Signal::Metrics);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    assert_eq!(metric(export::names::DELIVERED, "in-order"), 200.0);
}
