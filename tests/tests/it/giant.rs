//! More than usual: a trace of a million spans (of a hundred thousand in a debug build) among others is decided as a whole and kept whole, takes no
//! more memory than small ones, and the others are decided as if it were not there. More traces due at once than a record has
//! room for, and records of another producer that are larger than ours may be.

use std::time::{Duration, Instant};

use bus::{Bus, Record, TopicPartition};
use load::{Compression, Protocol, Request};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use schemas::{Signal, headers, partition_of};
use tests::bus_reader::{Verdicts, read_all, tally};
use tests::kafka::Broker;
use tests::sending::{options, send_all, traffic};
use tests::settle::Account;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const GIANT: [u8; 16] = [7; 16];
const SPANS: u64 = if cfg!(debug_assertions) {
    100_000
} else {
    1_000_000
};
const SPANS_A_REQUEST: u64 = 500;
/// Longer than sending takes.
const DECISION_WAIT_MS: u64 = 30_000;
const WITHIN: Duration = Duration::from_secs(180);
/// Above what the sampler has when it is idle; its record cache of 16 MiB is in this. All spans together would take 40 MB and 400 MB.
const MEMORY_BYTES_MAX: u64 = 38 << 20;

/// Its last span is an error: who looks at a part of it would drop it.
fn giant() -> Vec<Request> {
    requests(SPANS, |number| Span {
        trace_id: GIANT.to_vec(),
        trace_state: "x=".to_owned() + &"y".repeat(300),
        status: (number + 1 == SPANS).then(|| Status {
            code: 2,
            ..Status::default()
        }),
        ..span(number)
    })
}

fn span(number: u64) -> Span {
    Span {
        span_id: (number + 1).to_be_bytes().to_vec(),
        name: "a step of many".into(),
        start_time_unix_nano: 1_000_000_000 * 1_700_000_000,
        end_time_unix_nano: 1_000_000_000 * 1_700_000_000 + 1,
        ..Span::default()
    }
}

fn requests(spans: u64, span: impl Fn(u64) -> Span) -> Vec<Request> {
    (0..spans / SPANS_A_REQUEST)
        .map(|request| {
            let first = request * SPANS_A_REQUEST;
            let spans = (first..first + SPANS_A_REQUEST).map(&span).collect();
            let bytes = ExportTraceServiceRequest {
                resource_spans: vec![ResourceSpans {
                    scope_spans: vec![ScopeSpans {
                        spans,
                        ..ScopeSpans::default()
                    }],
                    ..ResourceSpans::default()
                }],
            };
            Request {
                signal: Signal::Traces,
                bytes: bytes.encode_to_vec().into(),
                items: SPANS_A_REQUEST as usize,
                due: Duration::ZERO,
            }
        })
        .collect()
}

#[test]
fn a_giant_trace_is_kept_whole_in_bounded_memory() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    // Up to three epochs are on their way at a time, and are memory too.
    world.config["sampler"]["epoch_bytes"] = serde_json::json!("1MiB");
    let mut ingest = world.process("ingest", "ingest");
    let mut sampler = world.process("sample", "sampler");
    ingest.start_and_wait();
    sampler.start_and_wait();
    let idle = sampler.peak_memory_bytes();
    let to = || options(ingest.grpc_endpoint(), Protocol::Grpc, Compression::None);
    let (mut others, _) = traffic(5, 3000);
    others.retain(|request| request.signal == Signal::Traces);

    let begin = Instant::now();
    send_all(vec![(giant(), to()), (others, to())]);
    let sent = begin.elapsed();
    let (bus, topics) = (world.bus(), world.topics());
    wait_until("the sampler to decide everything", WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    let peak = sampler.peak_memory_bytes();
    println!(
        "{SPANS} spans sent in {sent:?}, decided and written after {:?}; sampler {} MiB idle, {} MiB at its peak",
        begin.elapsed(),
        idle >> 20,
        peak >> 20
    );
    assert_eq!(sampler.stop(), 0, "it drains");
    assert_eq!(ingest.stop(), 0);

    Account::of_bus(&*bus, &topics, DECISION_WAIT_MS)
        .unwrap()
        .assert_clean();
    let sampled = tally(&*bus, Signal::Traces, &topics.sampled()).unwrap();
    assert_eq!(sampled.traces[&GIANT].spans.len() as u64, SPANS);
    let verdicts = Verdicts::read(&*bus, &topics).unwrap();
    assert_eq!(verdicts.decided[&GIANT].len(), 1);
    assert!(peak - idle < MEMORY_BYTES_MAX, "{peak} bytes");
}

/// Verdicts, names and what is kept of it take several records where one has no room; nothing stops for it.
#[test]
fn more_verdicts_than_a_record_holds() {
    const TRACES: u64 = 20_000;
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(2000);
    world.config["bus"]["kafka"]["properties"]["message.max.bytes"] = serde_json::json!("10000");
    let mut ingest = world.process("ingest", "ingest");
    let mut sampler = world.process("sample", "sampler");
    ingest.start_and_wait();
    sampler.start_and_wait();
    let small = requests(TRACES, |number| Span {
        trace_id: (u128::from(number) + 1).to_be_bytes().to_vec(),
        name: format!("operation {number} of many"),
        status: (number % 10 == 0).then(|| Status {
            code: 2,
            ..Status::default()
        }),
        ..span(number)
    });
    let to = options(ingest.grpc_endpoint(), Protocol::Grpc, Compression::None);
    send_all(vec![(small, to)]);
    let (bus, topics) = (world.bus(), world.topics());
    wait_until("the sampler to decide everything", WITHIN, || {
        assert!(sampler.is_running(), "{}", sampler.log_text());
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    assert_eq!(sampler.stop(), 0, "it drains");
    assert_eq!(ingest.stop(), 0);
    Account::of_bus(&*bus, &topics, 2000)
        .unwrap()
        .assert_clean();
    let verdicts = Verdicts::read(&*bus, &topics).unwrap();
    assert_eq!(verdicts.decided.len() as u64, TRACES);
}

/// Another producer's records may be larger than ours: what has no room goes to the dead letters, the rest of its trace goes on.
#[test]
fn larger_than_our_records_may_be() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    world.set_decision_wait(500);
    let (other, topics) = (world.bus(), world.topics());
    world.config["bus"]["kafka"]["properties"]["message.max.bytes"] = serde_json::json!("10000");
    let mut sampler = world.process("sample", "sampler");
    sampler.start_and_wait();

    let partition = partition_of(&GIANT, PARTITIONS);
    let kept = requests(SPANS_A_REQUEST, |number| Span {
        trace_id: GIANT.to_vec(),
        trace_state: "x=".to_owned() + &"y".repeat(if number == 7 { 40_000 } else { 0 }),
        status: Some(Status {
            code: 2,
            ..Status::default()
        }),
        ..span(number)
    });
    let bad = vec![0xff; 40_000].into();
    publish(&*other, &topics, partition, kept[0].bytes.clone());
    publish(&*other, &topics, partition, bad);

    wait_until("the sampler to decide everything", WITHIN, || {
        assert!(sampler.is_running(), "{}", sampler.log_text());
        world.lags(&*other, &[]).is_some_and(|lags| lags.is_empty())
    });
    assert_eq!(sampler.stop(), 0, "it drains");
    let sampled = tally(&*other, Signal::Traces, &topics.sampled()).unwrap();
    assert_eq!(
        sampled.traces[&GIANT].spans.len() as u64,
        SPANS_A_REQUEST - 1
    );
    let dead = read_all(&*other, &topics.dead_letters()).unwrap();
    let header = |record: &bus::Fetched, name: &str| {
        let header = record.headers.iter().find(|header| &*header.name == name);
        String::from_utf8(header.unwrap().value.to_vec()).unwrap()
    };
    let told: Vec<_> = (dead.iter())
        .map(|record| {
            assert!(record.value.is_empty(), "the original stays where it is");
            let reason = header(record, headers::DEAD_REASON);
            (header(record, headers::DEAD_OFFSET), reason)
        })
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].0 == "0" && told[0].1.starts_with("1 kept spans are longer than the 9"),
        "{told:?}"
    );
    assert!(
        told[1].0 == "1" && told[1].1.starts_with("not an OTLP trace request"),
        "{told:?}"
    );
}

fn publish(bus: &dyn Bus, topics: &schemas::Topics, partition: u32, value: bytes::Bytes) {
    let publisher = bus.publisher().unwrap();
    let record = Record {
        headers: vec![],
        value,
    };
    let at = TopicPartition::new(topics.raw(Signal::Traces), partition);
    publisher
        .publish(at, record, Box::new(|outcome| assert!(outcome.is_ok())))
        .unwrap();
    publisher.flush(WITHIN).unwrap();
}
