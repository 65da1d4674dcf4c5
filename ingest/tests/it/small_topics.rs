//! Topics whose brokers take less in one message than the client would send.

use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use schemas::{Signal, Topics};
use tests::kafka::{Broker, unique};

use crate::client::{TRACES, grpc};
use crate::real::{self, PARTITIONS, publish, rekey_all, span_ids};
use crate::samples::{span, traces};
use crate::server::{Server, quick};

const MESSAGE_BYTES_MAX: usize = 40_000;
const SPANS: usize = 300;

async fn create(brokers: &str, topic: &str, partitions: u32, message_bytes_max: usize) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    let limit = message_bytes_max.to_string();
    let topic = NewTopic::new(topic, partitions as i32, TopicReplication::Fixed(1))
        .set("max.message.bytes", &limit);
    let created = admin.create_topics(&[topic], &AdminOptions::new()).await;
    created.unwrap()[0].as_ref().unwrap();
}

/// A span of one trace that no codec makes smaller.
fn noise(id: usize, bytes: usize) -> Span {
    let mut state = id as u64 + 1;
    let mut letters = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b' ' + ((state >> 33) % 95) as u8)
    };
    Span {
        name: (0..bytes).map(|_| letters()).collect(),
        span_id: (id as u64 + 1).to_be_bytes().into(),
        ..span(1, 1)
    }
}

/// 300 spans of 1 KB and one larger than a message may be.
fn request() -> Vec<u8> {
    let mut spans: Vec<_> = (0..SPANS).map(|id| noise(id, 1000)).collect();
    spans.push(noise(SPANS, MESSAGE_BYTES_MAX));
    traces(spans).encode_to_vec()
}

fn good_ids() -> Vec<Vec<u8>> {
    (0..SPANS)
        .map(|id| (id as u64 + 1).to_be_bytes().into())
        .collect()
}

#[tokio::test]
async fn records_are_split_by_span_and_what_cannot_be_split_is_rejected() {
    let Ok(broker) = Broker::shared() else { return };
    let topics = Topics::new(&unique("small"));
    let foreign = unique("foreign");
    for signal in Signal::ALL {
        create(
            broker.brokers(),
            &topics.raw(signal),
            PARTITIONS,
            MESSAGE_BYTES_MAX,
        )
        .await;
    }
    create(broker.brokers(), &foreign, 1, 1 << 20).await;
    let bus = tokio::task::spawn_blocking({
        let (topics, brokers) = (topics.clone(), broker.brokers());
        move || {
            let bus = real::kafka(brokers, &[]);
            bus.ensure_topics(&bus::topic_specs(&topics, PARTITIONS))
                .unwrap();
            bus
        }
    })
    .await
    .unwrap();
    assert!(bus.record_bytes_max() < MESSAGE_BYTES_MAX);

    let server = Server::start_on((), bus.clone(), topics.clone(), quick(|_| ())).await;
    let answer = grpc(server.grpc, TRACES, &request()).await.unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains("1 spans above the limit of"), "{text}");
    server.assert_counters_close();
    let rejected = server.counter(ingest::names::REJECTED, "too_large");
    assert_eq!(rejected, 1);
    server.stop().await;

    tokio::task::spawn_blocking(move || {
        let raw = topics.raw(Signal::Traces);
        let mut ids = span_ids(&*bus, &raw);
        ids.sort_unstable();
        assert_eq!(ids, good_ids(), "from the socket");

        // The same out of a topic that takes more: its records become smaller ones.
        publish(&*real::kafka(broker.brokers(), &[]), &foreign, 0, request());
        rekey_all(&bus, &topics, &foreign);
        let mut ids = span_ids(&*bus, &raw);
        ids.sort_unstable();
        let twice: Vec<_> = good_ids()
            .into_iter()
            .flat_map(|id| [id.clone(), id])
            .collect();
        assert_eq!(ids, twice, "from the topic");
    })
    .await
    .unwrap();
}
