//! What resources get that lack it, whichever way they came.

use std::sync::Arc;

use ingest::{Format, RawStampValue, Source, Stamp, StampValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use schemas::{Signal, Topics};

use crate::client::{TRACES, grpc};
use crate::real::{self, PARTITIONS, publish, read, rekey_stamped};
use crate::samples::{gauge, logs, metrics, resource, span, text, traces};
use crate::server::{Server, quick};

const FOREIGN: &str = "zipkin";

fn open(dir: &std::path::Path, topics: &Topics) -> Arc<dyn bus::Bus> {
    let bus = real::embedded(dir);
    let mut specs = bus::topic_specs(topics, PARTITIONS);
    specs.push(bus::TopicSpec {
        name: FOREIGN.into(),
        partitions: 1,
        timestamps: bus::Timestamps::Create,
        compacted: false,
        retention: None,
    });
    bus.ensure_topics(&specs).unwrap();
    bus
}

/// Service and cluster of each resource of spans on the bus.
fn clusters(bus: &dyn bus::Bus, topics: &Topics) -> Vec<(String, Vec<String>)> {
    let value = |resource: &Resource, key: &str| -> Vec<String> {
        let of_key = resource.attributes.iter().filter(|of| of.key == key);
        of_key.map(|of| format!("{:?}", of.value)).collect()
    };
    let mut found = vec![];
    for (_, record) in read(bus, &topics.raw(Signal::Traces)) {
        let request = ExportTraceServiceRequest::decode(&*record.value).unwrap();
        for of in request.resource_spans {
            let resource = of.resource.unwrap();
            let service = value(&resource, "service.name").concat();
            found.push((service, value(&resource, "k8s.cluster.name")));
        }
    }
    found.sort();
    found
}

fn shown(text: &str) -> String {
    let of = crate::samples::text("", text);
    format!("{:?}", of.value)
}

#[tokio::test]
async fn what_comes_by_socket() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let config = quick(|raw| {
        let cluster = RawStampValue::Text("eu-1".into());
        raw.stamp
            .resource
            .insert("k8s.cluster.name".into(), cluster);
    });
    let server = Server::start_on((), bus.clone(), topics.clone(), config).await;
    let mut named = traces(vec![span(1, 1)]);
    named.resource_spans[0].resource = Some(Resource {
        attributes: vec![text("k8s.cluster.name", "us-2"), text("service.name", "a")],
        ..Default::default()
    });
    let mut bare = traces(vec![span(2, 1)]);
    bare.resource_spans[0].resource = None;
    let mut own = traces(vec![span(3, 1), span(4, 1)]);
    own.resource_spans[0].resource = resource("b");
    for request in [named, bare, own] {
        grpc(server.grpc, TRACES, &request.encode_to_vec())
            .await
            .unwrap();
    }
    let others = [
        (
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            logs("l", vec![Default::default()]).encode_to_vec(),
        ),
        (
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            metrics("m", vec![gauge("g", 1)]).encode_to_vec(),
        ),
    ];
    for (path, request) in others {
        grpc(server.grpc, path, &request).await.unwrap();
    }
    server.assert_counters_close();
    server.stop().await;
    let [eu, us] = ["eu-1", "us-2"].map(shown);
    let mut found = clusters(&*bus, &topics);
    found.dedup();
    let expected = [
        (String::new(), vec![eu.clone()]),
        (shown("a"), vec![us]),
        (shown("b"), vec![eu]),
    ];
    assert_eq!(found, expected);
    for signal in [Signal::Logs, Signal::Metrics] {
        let records = read(&*bus, &topics.raw(signal));
        let has_cluster = records[0].1.value.windows(4).any(|bytes| bytes == b"eu-1");
        assert!(has_cluster, "{}", signal.name());
    }
}

#[test]
fn what_comes_from_a_topic() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let spans = r#"[
        {"traceId": "1", "id": "1", "timestamp": 1, "localEndpoint": {"serviceName": "a"}, "tags": {"k8s.cluster.name": "us-2"}},
        {"traceId": "2", "id": "2", "timestamp": 1, "localEndpoint": {"serviceName": "b"}}
    ]"#;
    publish(&*bus, FOREIGN, 0, spans.into());
    let source = Source {
        topics: vec![FOREIGN.to_owned()],
        signal: Signal::Traces,
        format: Format::ZipkinJson,
    };
    let stamp = Stamp::new([(
        "k8s.cluster.name".to_owned(),
        StampValue::Text("eu-1".into()),
    )]);
    rekey_stamped(&bus, &topics, vec![source], stamp);
    let [eu, us] = ["eu-1", "us-2"].map(shown);
    let expected = [(shown("a"), vec![us]), (shown("b"), vec![eu])];
    assert_eq!(clusters(&*bus, &topics), expected);
}

/// A resource with hardly an item is some bytes, and many with a stamp: more than a request may be.
#[tokio::test]
async fn many_small_resources_are_no_way_around_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let config = quick(|raw| {
        let cluster = RawStampValue::Text("eu-1".repeat(100));
        raw.stamp
            .resource
            .insert("k8s.cluster.name".into(), cluster);
        raw.request_bytes_max.0 = 1 << 20;
    });
    let server = Server::start_on((), bus.clone(), topics.clone(), config).await;
    let of = |resources: u8| {
        let mut request = traces(vec![span(1, 1)]);
        let one = request.resource_spans[0].clone();
        request.resource_spans = vec![one; usize::from(resources) * 20];
        request.encode_to_vec()
    };
    grpc(server.grpc, TRACES, &of(1)).await.unwrap();
    let refused = grpc(server.grpc, TRACES, &of(200)).await.unwrap_err();
    assert!(
        refused.message().contains("added to its resources"),
        "{refused}"
    );
    assert!(of(200).len() < 1 << 20);
}
