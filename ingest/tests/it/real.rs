//! Real buses: opened, written to, read back.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::PrometheusBuilder;

use bus::{Bus, RawBusConfig, RawEmbedded, RawKafka, Record, TopicPartition};
use runtime::config::Problems;
use runtime::{Drain, Health};
use schemas::Topics;

pub const PARTITIONS: u32 = 4;

pub fn embedded(dir: &std::path::Path) -> Arc<dyn Bus> {
    open(RawBusConfig {
        embedded: Some(RawEmbedded {
            dir: dir.into(),
            ..Default::default()
        }),
        ..Default::default()
    })
}

pub fn kafka(brokers: &str, properties: &[(&str, &str)]) -> Arc<dyn Bus> {
    let properties: BTreeMap<_, _> = properties
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    open(RawBusConfig {
        kafka: Some(RawKafka {
            brokers: brokers.split(',').map(String::from).collect(),
            properties,
            ..Default::default()
        }),
        ..Default::default()
    })
}

fn open(raw: RawBusConfig) -> Arc<dyn Bus> {
    let mut problems = Problems::new();
    let config = raw.validate("bus", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    config.open().unwrap()
}

pub fn publish(bus: &dyn Bus, topic: &str, partition: u32, value: Vec<u8>) {
    let publisher = bus.publisher().unwrap();
    let record = Record {
        value: value.into(),
        ..Default::default()
    };
    publisher
        .publish(
            TopicPartition::new(topic, partition),
            record,
            Box::new(|ack| assert!(ack.is_ok())),
        )
        .unwrap();
    publisher.flush(Duration::from_secs(10)).unwrap();
}

/// All records of a topic, with their partitions.
pub fn read(bus: &dyn Bus, topic: &str) -> Vec<(u32, Record)> {
    let mut all = vec![];
    bus::read_topic(bus, topic, Duration::from_secs(20), |found| {
        let record = Record {
            headers: found.headers,
            value: found.value,
        };
        all.push((found.partition, record));
        ControlFlow::Continue(())
    })
    .unwrap();
    all
}

/// The span ids on a topic, in any order, each as often as it stands there.
pub fn span_ids(bus: &dyn Bus, topic: &str) -> Vec<Vec<u8>> {
    let mut ids = vec![];
    for (_, record) in read(bus, topic) {
        for item in schemas::otlp::Items::new(&record.value) {
            let view = schemas::otlp::SpanView::parse(item.unwrap().body).unwrap();
            ids.push(view.span_id.to_vec());
        }
    }
    ids
}

/// Partitions a topic of traces in OTLP anew, until the group has read everything. What it counted meanwhile.
pub fn rekey_all(bus: &Arc<dyn Bus>, topics: &Topics, foreign: &str) -> String {
    let source = ingest::Source {
        topics: vec![foreign.to_owned()],
        signal: schemas::Signal::Traces,
        format: ingest::Format::OtlpProto,
    };
    rekey_sources(bus, topics, vec![source])
}

/// The same with several topics.
pub fn rekey_sources(bus: &Arc<dyn Bus>, topics: &Topics, sources: Vec<ingest::Source>) -> String {
    rekey_stamped(bus, topics, sources, ingest::Stamp::default())
}

/// The same with a stamp.
pub fn rekey_stamped(
    bus: &Arc<dyn Bus>,
    topics: &Topics,
    sources: Vec<ingest::Source>,
    stamp: ingest::Stamp,
) -> String {
    let kafka = ingest::Kafka {
        sources,
        group: None,
        record_bytes_max: 256 << 10,
        stamp,
        filter: Arc::default(),
    };
    rekey_as(bus, topics, kafka)
}

pub fn rekey_as(bus: &Arc<dyn Bus>, topics: &Topics, kafka: ingest::Kafka) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let counters = recorder.handle();
    let drain = Drain::new();
    let foreign: Vec<String> = kafka.topics().map(String::from).collect();
    let running = std::thread::spawn({
        let (bus, topics, drain) = (bus.clone(), topics.clone(), drain.clone());
        move || {
            let ready = Health::new().part("rekey");
            metrics::with_local_recorder(&recorder, || {
                ingest::rekey(kafka, bus, topics, "test", ready, drain)
            })
        }
    });
    let deadline = Instant::now() + Duration::from_secs(30);
    let lag = |topic: &String| bus.lag(&topics.group("ingest"), topic).unwrap();
    while foreign.iter().map(lag).sum::<u64>() > 0 {
        assert!(Instant::now() < deadline && !running.is_finished());
        std::thread::sleep(Duration::from_millis(5));
    }
    drain.request();
    running.join().unwrap().unwrap();
    counters.render()
}
