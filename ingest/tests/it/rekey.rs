//! Over the embedded bus: a topic that somebody else wrote, partitioned anew, and what came in by socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bus::{Bus, TopicSpec};
use prost::Message;
use runtime::{Drain, Health};
use schemas::{Signal, Topics, partition_of};

use crate::client::TRACES;
use crate::real::{self, PARTITIONS, publish, read, rekey_all};
use crate::refusing::Refusing;
use crate::samples::{gauge, logs, metrics, span, traces};

const FOREIGN: &str = "collector";

fn open(dir: &std::path::Path, topics: &Topics) -> Arc<dyn Bus> {
    open_with(dir, topics, &[FOREIGN])
}

fn open_with(dir: &std::path::Path, topics: &Topics, foreign: &[&str]) -> Arc<dyn Bus> {
    let bus = real::embedded(dir);
    let mut specs = bus::topic_specs(topics, PARTITIONS);
    specs.extend(foreign.iter().map(|name| TopicSpec {
        name: (*name).into(),
        partitions: 2,
        timestamps: bus::Timestamps::Create,
        compacted: false,
        retention: None,
    }));
    bus.ensure_topics(&specs).unwrap();
    bus
}

/// Each topic has its signal and its format; what is none of it is set aside with its reason, is counted, and holds nothing up.
#[test]
fn topics_of_several_kinds() {
    use ingest::{Format, Source};
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let json = |signal, protobuf: &[u8]| {
        let mut json = Vec::new();
        schemas::json::from_protobuf(signal, protobuf, &mut json).unwrap();
        json
    };
    let zipkin =
        |id: u8| format!(r#"[{{"traceId": "{id}", "id": "{id}", "timestamp": 1}}]"#).into_bytes();
    let log = opentelemetry_proto::tonic::logs::v1::LogRecord::default();
    let log = logs("shop", vec![log.clone(), log]).encode_to_vec();
    let gauge = metrics("shop", vec![gauge("g", 1)]).encode_to_vec();
    let span = |id| traces(vec![span(id, id)]).encode_to_vec();
    let kinds = [
        (
            "eu.traces",
            Signal::Traces,
            Format::OtlpProto,
            span(1),
            span(2),
        ),
        (
            "json",
            Signal::Traces,
            Format::OtlpJson,
            json(Signal::Traces, &span(3)),
            json(Signal::Traces, &span(4)),
        ),
        (
            "jaeger",
            Signal::Traces,
            Format::JaegerJson,
            br#"{"traceId": "BQUFBQUFBQU=", "spanId": "BQUFBQUFBQU="}"#.to_vec(),
            br#"{"traceId": "BgYGBgYGBgY=", "spanId": "BgYGBgYGBgY="}"#.to_vec(),
        ),
        (
            "zipkin",
            Signal::Traces,
            Format::ZipkinJson,
            zipkin(7),
            zipkin(8),
        ),
        (
            "logs",
            Signal::Logs,
            Format::OtlpJson,
            json(Signal::Logs, &log),
            json(Signal::Logs, &log),
        ),
        (
            "metrics",
            Signal::Metrics,
            Format::OtlpProto,
            gauge.clone(),
            gauge,
        ),
    ];
    let names: Vec<&str> = kinds.iter().map(|kind| kind.0).collect();
    let bus = open_with(dir.path(), &topics, &names);
    let mut sources = Vec::new();
    for (name, signal, format, first, second) in &kinds {
        publish(&*bus, name, 0, first.clone());
        publish(&*bus, name, 0, b"\xffnothing of the kind".to_vec());
        publish(&*bus, name, 0, second.clone());
        sources.push(Source {
            topics: vec![(*name).to_owned()],
            signal: *signal,
            format: *format,
        });
    }
    let counted = real::rekey_sources(&bus, &topics, sources);
    let items = |signal| -> usize {
        let records = read(&*bus, &topics.raw(signal));
        records
            .iter()
            .map(|(_, record)| schemas::otlp::Items::new(&record.value).count())
            .sum()
    };
    assert_eq!(Signal::ALL.map(items), [8, 4, 2]);
    let dead = read(&*bus, &topics.dead_letters());
    for (name, signal, format, ..) in &kinds {
        let header = |record: &bus::Record, name: &str| {
            let found = record.headers.iter().find(|header| &*header.name == name);
            String::from_utf8(found.unwrap().value.to_vec()).unwrap()
        };
        let of_topic = |(_, record): &&(u32, bus::Record)| {
            header(record, schemas::headers::DEAD_TOPIC) == *name
        };
        let of_topic: Vec<_> = dead.iter().filter(of_topic).collect();
        let [(_, letter)] = of_topic[..] else {
            panic!("{name}: {} dead letters", of_topic.len())
        };
        assert_eq!(header(letter, schemas::headers::DEAD_OFFSET), "1");
        let reason = header(letter, schemas::headers::DEAD_REASON);
        let expected = format!("no {} of {}: ", format.name(), signal.name());
        assert!(
            reason.starts_with(&expected) && reason.len() > expected.len(),
            "{reason}"
        );
        assert_eq!(&letter.value[..], b"\xffnothing of the kind");
        for (outcome, count) in [("taken", 2), ("dead", 1)] {
            let line = format!(
                r#"tailwater_ingest_kafka_records_total{{topic="{name}",outcome="{outcome}"}} {count}"#
            );
            assert!(counted.contains(&line), "no {line} in {counted}");
        }
    }
}

#[test]
fn every_span_goes_to_its_partition_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    // Three runs, the last with nothing new: what was read before isn't read again.
    for run in 0..3_u8 {
        if run < 2 {
            for record in 0..10 {
                let spans = (0..10)
                    .map(|id| span(1 + run * 100 + record * 10 + id, 1))
                    .collect();
                publish(
                    &*bus,
                    FOREIGN,
                    u32::from(record) % 2,
                    traces(spans).encode_to_vec(),
                );
            }
            publish(&*bus, FOREIGN, 1, b"not OTLP".to_vec());
        }
        rekey_all(&bus, &topics, FOREIGN);
    }
    let mut ids = vec![];
    for (partition, record) in read(&*bus, &topics.raw(Signal::Traces)) {
        for item in schemas::otlp::Items::new(&record.value) {
            let span = schemas::otlp::SpanView::parse(item.unwrap().body)
                .unwrap()
                .trace_id;
            assert_eq!(partition, partition_of(span, PARTITIONS));
            ids.push(span[0]);
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=200).collect::<Vec<u8>>());
    let dead = read(&*bus, &topics.dead_letters());
    assert_eq!(dead.len(), 2);
    let header = |name: &str| {
        dead[0]
            .1
            .headers
            .iter()
            .find(|header| &*header.name == name)
            .unwrap()
            .value
            .clone()
    };
    assert_eq!(header("tailwater.dead.topic"), FOREIGN);
    assert_eq!(header("tailwater.dead.partition"), "1");
    assert_eq!(header("tailwater.dead.offset"), "5");
    assert_eq!(dead[0].1.value, "not OTLP");
}

/// A region's mirror that nobody has set up yet: the others are read, and it is once it is there.
#[test]
fn a_topic_that_is_not_there_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open_with(dir.path(), &topics, &["eu"]);
    publish(&*bus, "eu", 0, traces(vec![span(1, 1)]).encode_to_vec());
    let drain = Drain::new();
    let kafka = ingest::Kafka {
        sources: vec![ingest::Source {
            topics: vec!["us".to_owned(), "eu".to_owned()],
            signal: Signal::Traces,
            format: ingest::Format::OtlpProto,
        }],
        group: None,
        record_bytes_max: 256 << 10,
        stamp: ingest::Stamp::default(),
        filter: Arc::default(),
    };
    let health = Health::new();
    let running = std::thread::spawn({
        let (bus, topics, drain) = (bus.clone(), topics.clone(), drain.clone());
        let ready = health.part("rekey");
        move || ingest::rekey(kafka, bus, topics, "test", ready, drain)
    });
    let raw = topics.raw(Signal::Traces);
    let arrived = |count| {
        tests::wait_until("spans to arrive", Duration::from_secs(30), || {
            real::span_ids(&*bus, &raw).len() == count
        });
    };
    arrived(1);
    assert_eq!(health.parts().remove(0).state, Ok(()));
    bus.ensure_topics(&[TopicSpec {
        name: "us".into(),
        partitions: 1,
        timestamps: bus::Timestamps::Create,
        compacted: false,
        retention: None,
    }])
    .unwrap();
    publish(&*bus, "us", 0, traces(vec![span(2, 1)]).encode_to_vec());
    arrived(2);
    drain.request();
    running.join().unwrap().unwrap();
}

/// Refused commits are read and made again, and counted once: with them, the counters say what is on the bus.
#[test]
fn a_refused_commit_is_counted_once() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let commits = Arc::new(AtomicUsize::new(0));
    let refusing: Arc<dyn Bus> = Arc::new(Refusing {
        bus: bus.clone(),
        refused: &[0, 1],
        commits: commits.clone(),
    });
    let mut spans: Vec<_> = (1..=7).map(|id| span(id, 1)).collect();
    // One that nobody can put anywhere.
    spans[3].trace_id.clear();
    publish(&*bus, FOREIGN, 0, traces(spans).encode_to_vec());
    let counted = rekey_all(&refusing, &topics, FOREIGN);
    assert!(commits.load(Ordering::SeqCst) > 2);
    let count = |name: &str| -> u64 {
        let lines = counted.lines().filter(|line| line.starts_with(name));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        values.sum()
    };
    let on_the_bus: usize = read(&*bus, &topics.raw(Signal::Traces))
        .iter()
        .map(|(_, record)| schemas::otlp::Items::new(&record.value).count())
        .sum();
    assert_eq!(on_the_bus, 6);
    assert_eq!(count("tailwater_ingest_received_items_total"), 7);
    assert_eq!(count("tailwater_ingest_rejected_items_total"), 1);
    assert_eq!(count("tailwater_ingest_published_items_total"), 6);
}

/// What is of a version that this build can't read is not looked into.
#[test]
fn records_of_a_newer_version_go_to_the_dead_letters() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let newer = bus::Record {
        headers: vec![bus::Header {
            name: schemas::headers::VERSION_NAME.into(),
            value: "9".into(),
        }],
        value: traces(vec![span(1, 1)]).encode_to_vec().into(),
    };
    let publisher = bus.publisher().unwrap();
    let ack: bus::Ack = Box::new(|ack| assert!(ack.is_ok()));
    publisher
        .publish(bus::TopicPartition::new(FOREIGN, 0), newer.clone(), ack)
        .unwrap();
    publisher.flush(Duration::from_secs(10)).unwrap();
    rekey_all(&bus, &topics, FOREIGN);
    assert!(read(&*bus, &topics.raw(Signal::Traces)).is_empty());
    let dead = read(&*bus, &topics.dead_letters());
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].1.value, newer.value);
    let reason = |header: &&bus::Header| &*header.name == schemas::headers::DEAD_REASON;
    let reason = dead[0].1.headers.iter().find(reason).unwrap();
    let told = String::from_utf8_lossy(&reason.value);
    assert!(told.contains("version \"9\""), "{told}");
}

/// As when another Tailwater's raw topic was mirrored here: whose spans they are stays known, and no record holds spans of two tenants.
#[test]
fn spans_stay_their_tenant_s() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let publisher = bus.publisher().unwrap();
    let named = |tenant: &'static str, value: Vec<u8>| bus::Record {
        headers: vec![bus::Header {
            name: schemas::headers::TENANT.into(),
            value: tenant.into(),
        }],
        value: value.into(),
    };
    let of = |service| traces(vec![span(7, service)]).encode_to_vec();
    publish(&*bus, FOREIGN, 0, of(1));
    for record in [
        named("shop", of(2)),
        named("bank", of(3)),
        named("shop", of(4)),
        named("", of(5)),
        named("bank", b"not OTLP".to_vec()),
    ] {
        let ack = Box::new(|ack: bus::Result<u64>| assert!(ack.is_ok()));
        let at = bus::TopicPartition::new(FOREIGN, 0);
        publisher.publish(at, record, ack).unwrap();
    }
    publisher.flush(std::time::Duration::from_secs(10)).unwrap();
    rekey_all(&bus, &topics, FOREIGN);
    let tenant = |record: &bus::Record| -> String {
        let mut headers = record.headers.iter();
        let named = headers.find(|header| &*header.name == schemas::headers::TENANT);
        named.map_or(String::new(), |header| {
            String::from_utf8_lossy(&header.value).into_owned()
        })
    };
    let mut found: Vec<_> = (read(&*bus, &topics.raw(Signal::Traces)).iter())
        .map(|(_, record)| {
            let spans = schemas::otlp::Items::new(&record.value).count();
            (tenant(record), spans)
        })
        .collect();
    found.sort();
    let expected = [("", 2), ("bank", 1), ("shop", 2)];
    assert_eq!(
        found,
        expected.map(|(name, spans)| (name.to_owned(), spans))
    );
    let dead = read(&*bus, &topics.dead_letters());
    assert_eq!(tenant(&dead[0].1), "bank");
}

/// From the socket to the log: what was acknowledged is there.
#[test]
fn what_was_acknowledged_is_on_the_embedded_bus() {
    let dir = tempfile::tempdir().unwrap();
    let topics = Topics::new("tailwater");
    let bus = open(dir.path(), &topics);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let config = crate::server::quick(|_| ());
        let (drain, ready) = (Drain::new(), Health::new().part("ingest"));
        let bound = ingest::bind(config, bus.clone(), topics.clone(), ready, &drain).await;
        let ingest = bound.unwrap().expect("nobody has drained it");
        let address = ingest.grpc_addr().unwrap();
        let running = tokio::spawn(ingest.run(drain.clone()));
        for trace in 1..=20 {
            let message = traces((1..=5).map(|id| span(trace, id)).collect()).encode_to_vec();
            assert_eq!(
                crate::client::grpc(address, TRACES, &message)
                    .await
                    .unwrap(),
                ""
            );
        }
        drain.request();
        running.await.unwrap().unwrap();
    });
    let count: usize = read(&*bus, &topics.raw(Signal::Traces))
        .iter()
        .map(|(_, record)| schemas::otlp::Items::new(&record.value).count())
        .sum();
    assert_eq!(count, 100);
}
