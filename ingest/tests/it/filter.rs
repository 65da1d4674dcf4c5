//! `ingest.filter`: what it takes out doesn't reach the bus, whichever way it came, and the counters still close.

use ingest::names;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use schemas::{Signal, Topics};

use crate::client::{TRACES, grpc};
use crate::real::{self, PARTITIONS, publish, read, rekey_as};
use crate::samples::{gauge, logs, metrics, span, traces};
use crate::server::{Server, quick};

const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

fn records(severities: &[i32]) -> ExportLogsServiceRequest {
    let record = |severity: &i32| LogRecord {
        severity_number: *severity,
        ..LogRecord::default()
    };
    logs("shop", severities.iter().map(record).collect())
}

/// The severities on the bus, in ascending order.
fn severities(bus: &dyn bus::Bus, topics: &Topics) -> Vec<i32> {
    let mut found = vec![];
    for (_, record) in read(bus, &topics.raw(Signal::Logs)) {
        for item in schemas::otlp::Items::new(&record.value) {
            let view = schemas::otlp::LogView::parse(item.unwrap().body).unwrap();
            found.push(view.severity_number);
        }
    }
    found.sort_unstable();
    found
}

fn open(dir: &std::path::Path, topics: &Topics) -> std::sync::Arc<dyn bus::Bus> {
    let bus = real::embedded(dir);
    let mut specs = bus::topic_specs(topics, PARTITIONS);
    specs.push(bus::TopicSpec {
        name: "foreign".into(),
        partitions: 1,
        timestamps: bus::Timestamps::Create,
        compacted: false,
        retention: None,
    });
    bus.ensure_topics(&specs).unwrap();
    bus
}

#[tokio::test]
async fn what_comes_by_socket() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let config = quick(|raw| {
        raw.filter.log_conditions = vec!["log.severity_number < SEVERITY_NUMBER_INFO".to_owned()];
        raw.filter.metric_conditions = vec![r#"metric.name == "noise""#.to_owned()];
    });
    let server = Server::start_on((), bus.clone(), topics.clone(), config).await;
    for severities in [&[5, 9, 17][..], &[1, 2], &[13]] {
        grpc(server.grpc, LOGS, &records(severities).encode_to_vec())
            .await
            .unwrap();
    }
    let points = metrics("m", vec![gauge("noise", 1), gauge("g", 2)]);
    grpc(server.grpc, METRICS, &points.encode_to_vec())
        .await
        .unwrap();
    // Conditions on one signal leave the others alone.
    grpc(
        server.grpc,
        TRACES,
        &traces(vec![span(1, 1)]).encode_to_vec(),
    )
    .await
    .unwrap();
    assert_eq!(server.counter(names::FILTERED, "logs"), 3);
    assert_eq!(server.counter(names::FILTERED, "metrics"), 1);
    assert_eq!(server.counter(names::FILTERED, "traces"), 0);
    assert_eq!(server.counter(names::PUBLISHED, "traces"), 1);
    server.assert_counters_close();
    server.stop().await;
    assert_eq!(severities(&*bus, &topics), [9, 13, 17]);
    let metrics = read(&*bus, &topics.raw(Signal::Metrics));
    let items = schemas::otlp::Items::new(&metrics[0].1.value).count();
    assert_eq!((metrics.len(), items), (1, 1));
}

/// A request that is malformed is refused as without a filter, and an item that is rejected is counted once.
#[tokio::test]
async fn what_is_wrong_is_refused_all_the_same() {
    let server = Server::start_with(|raw| {
        raw.filter.spans = true;
        raw.filter.trace_conditions = vec![r#"span.name == "ping""#.to_owned()];
    });
    let server = server.await;
    let mut ping = span(1, 1);
    ping.name = "ping".into();
    let mut without_id = span(2, 2);
    without_id.trace_id.clear();
    let request = traces(vec![ping, without_id, span(3, 3)]).encode_to_vec();
    grpc(server.grpc, TRACES, &request).await.unwrap();
    let broken = [&request[..], &[0x0a, 0xff]].concat();
    grpc(server.grpc, TRACES, &broken).await.unwrap_err();
    assert_eq!(server.counter(names::FILTERED, "traces"), 1);
    assert_eq!(server.counter(names::REJECTED, "trace_id"), 1);
    assert_eq!(server.counter(names::PUBLISHED, "traces"), 1);
    server.assert_counters_close();
    server.stop().await;
}

#[test]
fn what_comes_from_a_topic() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let config = quick(|raw| {
        raw.filter.log_conditions = vec!["log.severity_number < SEVERITY_NUMBER_INFO".to_owned()];
        raw.kafka = Some(ingest::RawKafka {
            topics: vec!["foreign".to_owned()],
            signal: ingest::RawSignal::Logs,
            ..ingest::RawKafka::default()
        });
    });
    for severities in [&[5, 9, 17][..], &[1]] {
        publish(&*bus, "foreign", 0, records(severities).encode_to_vec());
    }
    let counters = rekey_as(&bus, &topics, config.kafka.unwrap());
    assert_eq!(severities(&*bus, &topics), [9, 17]);
    let filtered = format!("{}{{signal=\"logs\"}} 2", names::FILTERED);
    assert!(counters.contains(&filtered), "{counters}");
}
