//! The Collector's Kafka exporter writes what the sampler reads, and its Kafka receiver reads what enrich wrote.

use std::time::Duration;

use load::{Compression, Protocol};
use schemas::Signal;
use serde_json::json;
use tests::bus_reader::tally;
use tests::collector::{self, Collector};
use tests::free_port;
use tests::kafka::Broker;
use tests::sending::{options, send_all, traffic};
use tests::settle::{Account, hex};
use tests::sink::Sink;
use tests::wait_until;
use tests::world::World;

const DECISION_WAIT_MS: u64 = 5000;
const ARRIVED_WITHIN: Duration = Duration::from_secs(120);

#[test]
fn the_collector_before_and_behind() {
    let (Ok(binary), Ok(broker)) = (collector::binary(), Broker::shared()) else {
        return;
    };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    let mut all = world.process("run", "all");
    all.start_and_wait();
    let (topics, sink, port) = (world.topics(), Sink::start(), free_port().unwrap());
    let brokers = [broker.brokers()];
    let topic = |name: &str| json!({"topic": name, "encoding": "otlp_proto"});
    let config = json!({
        "receivers": {
            "otlp": {"protocols": {"grpc": {"endpoint": format!("127.0.0.1:{port}")}}},
            "kafka": {
                "brokers": brokers,
                "group_id": format!("{}-collector", world.prefix()),
                "initial_offset": "earliest",
                "traces": {"topics": [&*topics.clean(Signal::Traces)], "encoding": "otlp_proto"},
            },
        },
        "exporters": {
            "kafka": {
                "brokers": brokers,
                "partition_traces_by_id": true,
                "traces": topic(&topics.raw(Signal::Traces)),
            },
            "otlphttp": {"endpoint": sink.endpoint()},
        },
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {
                "traces/in": {"receivers": ["otlp"], "exporters": ["kafka"]},
                "traces/out": {"receivers": ["kafka"], "exporters": ["otlphttp"]},
            },
        },
    });
    let _collector = Collector::start(&binary, &world.path(""), &config);

    let (requests, sent) = traffic(5, 3000);
    let requests: Vec<_> = requests
        .into_iter()
        .filter(|request| request.signal == Signal::Traces)
        .collect();
    let to = format!("http://127.0.0.1:{port}");
    send_all(vec![(
        requests,
        options(to, Protocol::Grpc, Compression::None),
    )]);

    let bus = world.bus();
    wait_until("the Collector to write everything", ARRIVED_WITHIN, || {
        let raw = tally(&*bus, Signal::Traces, &topics.raw(Signal::Traces)).unwrap();
        raw.count(Signal::Traces) == sent.count(Signal::Traces)
    });
    wait_until("the sampler to decide everything", ARRIVED_WITHIN, || {
        let spans = all.metrics().sum(sampler::names::KEPT, &[])
            + all.metrics().sum(sampler::names::DROPPED, &[]);
        spans as u64 == sent.count(Signal::Traces)
    });
    let account = Account::of_bus(&*bus, &topics, DECISION_WAIT_MS).unwrap();
    account.assert_clean();
    wait_until("the Collector to read everything", ARRIVED_WITHIN, || {
        sink.taken().count(Signal::Traces) >= account.kept
    });
    let (taken, sampled) = (
        sink.taken(),
        tally(&*bus, Signal::Traces, &topics.sampled()).unwrap(),
    );
    for (id, trace) in &sampled.traces {
        let spans = taken.traces.get(id).map(|trace| trace.spans.len());
        assert_eq!(spans, Some(trace.spans.len()), "trace {}", hex(id));
    }
    assert_eq!(taken.count(Signal::Traces), account.kept);
    assert_eq!(all.stop(), 0);
}
