//! What senders get wrong, through the whole pipeline: a clear answer, a counter, and nothing else harmed.
//!
//! `ingest/tests` has each case in detail; here they come all at once, among traces that have to be kept.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bus::{Record, TopicPartition};
use schemas::{Signal, headers};
use serde_json::{Value, json};
use tests::bus_reader::read_all;
use tests::settle::hex;
use tests::tally::Tally;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const KEPT_WITHIN: Duration = Duration::from_secs(60);
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// A request with one span, an error; times in nanoseconds.
fn request(trace: &str, span: &str, start: u64, end: u64) -> Value {
    let (start, end) = (start.to_string(), end.to_string());
    let span = json!({
        "traceId": trace, "spanId": span, "name": "pay", "kind": 2, "status": {"code": 2},
        "startTimeUnixNano": start, "endTimeUnixNano": end,
    });
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
}

/// Status and body of a POST to `/v1/traces`; `length` is what it says of its body, whatever comes.
fn post(port: u16, head: &str, length: usize, body: &[u8]) -> (u16, String) {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    // Who refuses a request by its head need not read its body.
    let _ = socket.write_all(body);
    read_answer(&mut socket)
}

/// As far as its length says: a connection whose request never came whole stays open for a while.
fn read_answer(socket: &mut TcpStream) -> (u16, String) {
    let mut answer = Vec::new();
    let mut block = [0; 4096];
    loop {
        let count = socket.read(&mut block).expect("an answer");
        answer.extend_from_slice(&block[..count]);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if length.is_some_and(|length: usize| body.len() >= length) {
                return (head[9..12].parse().unwrap(), body.to_owned());
            }
        }
        assert!(count > 0, "the answer broke off: {text}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn everything_that_is_wrong_at_once() {
    let mut world = World::embedded();
    world.set_decision_wait(1000);
    let (topics, offset) = (world.topics(), poison(&world));
    let mut process = world.process("run", "all");
    process.start_and_wait();
    let port = process.http;
    let send = |content_type: &str, body: &[u8]| {
        post(
            port,
            &format!("content-type: {content_type}"),
            body.len(),
            body,
        )
    };
    let sent = |request: Value| send(JSON, request.to_string().as_bytes());

    let good = schemas::json::to_protobuf(
        Signal::Traces,
        request(&"7".repeat(32), &"7".repeat(16), 1, 2)
            .to_string()
            .as_bytes(),
    );
    let good = good.unwrap();
    let encoded = format!("content-type: {PROTOBUF}\r\ncontent-encoding: gzip");
    let bomb = gzip(&vec![0; 80 << 20]);
    let refused = [
        (send(PROTOBUF, b"\xff\xfegarbage"), 400),
        (send(PROTOBUF, &good[..good.len() - 3]), 400),
        (send(JSON, b"{\"resourceSpans\": [{"), 400),
        (send("text/plain", b"hello"), 415),
        (post(port, &encoded, bomb.len(), &bomb), 413),
        (
            post(port, &format!("content-type: {PROTOBUF}"), 100 << 20, b""),
            413,
        ),
    ];
    for (index, ((status, body), expected)) in refused.iter().enumerate() {
        assert_eq!(status, expected, "refused[{index}]: {body}");
        assert!(!body.is_empty(), "refused[{index}] says nothing");
    }

    let trace = |number: usize| format!("{number:032x}");
    let span = |number: usize| format!("{number:016x}");
    let mut large = request(&trace(900), &span(1), 1, 2);
    let text = json!({"key": "large", "value": {"stringValue": "x".repeat(5 << 20)}});
    large["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] = json!([text]);
    let rejected = [
        sent(request("", &span(1), 1, 2)),
        sent(request(&trace(0), &span(1), 1, 2)),
        sent(request(&trace(901), "", 1, 2)),
        sent(large),
    ];
    for (index, (status, body)) in rejected.iter().enumerate() {
        assert_eq!(*status, 200, "rejected[{index}]: {body}");
        let answer: Value = serde_json::from_str(body).unwrap();
        let partial = &answer["partialSuccess"];
        assert_eq!(partial["rejectedSpans"], "1", "rejected[{index}]: {body}");
        assert_ne!(partial["errorMessage"], "", "rejected[{index}]: {body}");
    }

    // In 1970; in 2200; an end before its start; the ends of time; a duplicate.
    const SECOND: u64 = 1_000_000_000;
    let year_2200 = 7_258_118_400 * SECOND;
    let strange = [
        (0, SECOND),
        (year_2200, year_2200 + SECOND),
        (1_760_000_000 * SECOND, 1_750_000_000 * SECOND),
        (u64::MAX, 0),
        (SECOND, 2 * SECOND),
        (SECOND, 2 * SECOND),
    ];
    for (index, (start, end)) in strange.into_iter().enumerate() {
        // The last two are the same span.
        let id = (index + 1).min(5);
        let (status, body) = sent(request(&trace(id), &span(1), start, end));
        assert_eq!((status, body.as_str()), (200, "{}"), "strange[{index}]");
    }

    wait_until("the strange traces to be kept", KEPT_WITHIN, || {
        Tally::of_file(&world.path("kept.jsonl")).count(Signal::Traces) >= 6
    });
    let metrics = process.metrics();
    let of = |name: &str| metrics.sum(name, &[]);
    assert_eq!(of(ingest::names::REFUSED_REQUESTS), refused.len() as f64);
    assert_eq!(of(ingest::names::RECEIVED), 10.0);
    assert_eq!(of(ingest::names::REJECTED), 4.0);
    assert_eq!(of(ingest::names::PUBLISHED), 6.0);
    assert_eq!(of(sampler::names::BAD_RECORDS), 1.0);
    assert_eq!(of(sampler::names::CONSUMED), 6.0);
    assert_eq!(of(sampler::names::KEPT), 6.0);
    assert_eq!(of(export::names::DELIVERED), 6.0);
    assert!(process.is_ready());
    assert_eq!(process.stop(), 0);

    let kept = Tally::of_file(&world.path("kept.jsonl"));
    let mut times: Vec<_> = (kept.traces.iter())
        .map(|(id, trace)| (hex(id), trace.times()))
        .collect();
    times.sort();
    let expected: Vec<_> = (1..=5)
        .map(|id| (trace(id), 1 + u64::from(id == 5)))
        .collect();
    assert_eq!(times, expected);

    let dead = read_all(&*world.bus(), &topics.dead_letters()).unwrap();
    assert_eq!(dead.len(), 1);
    let header = |name: &str| {
        let found = dead[0].headers.iter().find(|header| &*header.name == name);
        String::from_utf8_lossy(&found.unwrap().value).into_owned()
    };
    assert_eq!(
        header(headers::DEAD_TOPIC),
        topics.raw(Signal::Traces).to_string()
    );
    assert_eq!(header(headers::DEAD_PARTITION), "0");
    assert_eq!(header(headers::DEAD_OFFSET), offset.to_string());
    assert_eq!(&dead[0].value[..], b"\xffnot OTLP");
}

/// A record on the raw topic that isn't OTLP, as another producer may write it; its offset.
fn poison(world: &World) -> u64 {
    let (bus, topics) = (world.bus(), world.topics());
    bus.ensure_topics(&bus::topic_specs(&topics, PARTITIONS))
        .unwrap();
    let publisher = bus.publisher().unwrap();
    let record = Record {
        value: b"\xffnot OTLP".to_vec().into(),
        ..Record::default()
    };
    let at = TopicPartition::new(topics.raw(Signal::Traces), 0);
    let (acknowledge, acknowledged) = std::sync::mpsc::channel();
    let done = Box::new(move |outcome| drop(acknowledge.send(outcome)));
    publisher.publish(at, record, done).unwrap();
    publisher.flush(Duration::from_secs(10)).unwrap();
    acknowledged.recv().unwrap().unwrap()
}
