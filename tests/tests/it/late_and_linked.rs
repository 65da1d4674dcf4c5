//! Late errors bring dropped traces back, and kept traces keep those they link to, through a real process and its embedded bus, and two on Kafka.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Link};
use prost::Message;
use schemas::Signal;
use schemas::partition::partition_of;
use serde_json::json;
use tests::bus_reader::tally;
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::settle::hex;
use tests::wait_until;
use tests::world::{PARTITIONS, World};

const WITHIN: Duration = Duration::from_secs(60);
pub(crate) type Id = [u8; 16];

pub(crate) fn span(trace: Id, n: u8) -> Span {
    Span {
        trace_id: trace.to_vec(),
        span_id: vec![n; 8],
        parent_span_id: if n == 1 { Vec::new() } else { vec![1; 8] },
        name: format!("operation {n}"),
        start_time_unix_nano: 1_000_000_000,
        end_time_unix_nano: 1_100_000_000,
        ..Span::default()
    }
}

fn error(trace: Id, n: u8) -> Span {
    Span {
        status: Some(Status {
            code: 2,
            ..Status::default()
        }),
        ..span(trace, n)
    }
}

/// Over OTLP/HTTP; returns when the bus has it.
pub(crate) fn send(process: &Tailwater, spans: Vec<Span>) {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource::default()),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let body = request.encode_to_vec();
    let mut stream = TcpStream::connect(("127.0.0.1", process.http)).unwrap();
    write!(
        stream,
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(&body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
}

pub(crate) fn count(process: &Tailwater, name: &str) -> u64 {
    process.metrics().sum(name, &[]) as u64
}

/// A trace id of a partition.
fn id(partition: u32, first: u8) -> Id {
    let mut ids = (0..=u8::MAX).map(|last| {
        let mut id = [first; 16];
        id[15] = last;
        id
    });
    ids.find(|id| partition_of(id, PARTITIONS) == partition)
        .unwrap()
}

fn start(change: serde_json::Value) -> (World, Tailwater) {
    let mut world = World::embedded();
    world.set_decision_wait(1500);
    let sampler = &mut world.config["sampler"];
    for (key, value) in change.as_object().unwrap() {
        sampler[key] = value.clone();
    }
    sampler["policies"] = json!([{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]);
    sampler["workers"] = json!(2);
    let mut process = world.process("run", "all");
    process.start_and_wait();
    (world, process)
}

/// Span ids of a trace on the sampled topic.
fn sampled(world: &World, trace: Id) -> Vec<u8> {
    let tally = tally(&*world.bus(), Signal::Traces, &world.topics().sampled()).unwrap();
    let spans = tally.traces.get(&trace).map(|trace| &trace.spans);
    let mut ids: Vec<u8> = (spans.into_iter().flatten())
        .flat_map(|(id, seen)| std::iter::repeat_n(id[0], seen.times as usize))
        .collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_late_error_brings_its_trace_back() {
    let (world, mut process) = start(json!({"late_errors": "rescue"}));
    let (dropped, other) = (id(3, 0x11), id(3, 0x22));
    send(&process, vec![span(dropped, 1), span(other, 1)]);
    send(&process, vec![span(dropped, 2)]);
    wait_until("the traces to be dropped", WITHIN, || {
        count(&process, sampler::names::DROPPED) == 3
    });
    send(&process, vec![span(dropped, 3)]);
    send(&process, vec![error(dropped, 4), span(other, 2)]);
    wait_until("the late error to be kept", WITHIN, || {
        count(&process, sampler::names::KEPT) == 1
    });
    assert_eq!(count(&process, sampler::names::RESCUED), 3);
    assert_eq!(count(&process, sampler::names::UNRESCUED), 0);
    assert_eq!(count(&process, sampler::names::DROPPED), 5);
    let (_, why, _) = process.command(&["why", &hex(&dropped)]);
    assert!(
        why.contains("dropped at") && why.contains("after a late error had reopened it"),
        "{why}"
    );
    assert!(why.contains("brought back"), "{why}");
    assert_eq!(process.stop(), 0);
    assert_eq!(sampled(&world, dropped), [1, 2, 3, 4]);
    assert_eq!(sampled(&world, other), [0_u8; 0]);
}

#[test]
fn what_a_kept_trace_links_to_is_kept_in_every_partition() {
    // Only the source has a root: it is decided while the others have their time yet.
    let (world, mut process) = start(
        json!({"linked": "keep", "decision_wait": "6s", "decision_wait_after_root_received": "300ms"}),
    );
    let source = id(2, 0x33);
    let (near, far, further) = (id(2, 0x44), id(5, 0x55), id(6, 0x66));
    let unlinked = id(5, 0x77);
    let link = |trace: Id| Link {
        trace_id: trace.to_vec(),
        span_id: vec![1; 8],
        ..Link::default()
    };
    let mut asks = error(source, 1);
    asks.links = vec![link(near), link(far)];
    let mut passes_on = span(far, 2);
    passes_on.links = vec![link(further)];
    send(
        &process,
        vec![
            asks,
            span(near, 2),
            passes_on,
            span(unlinked, 2),
            span(further, 2),
        ],
    );
    wait_until("all to be decided", WITHIN, || {
        count(&process, sampler::names::KEPT) + count(&process, sampler::names::DROPPED) == 5
    });
    let linked = [("policy", "linked")];
    assert_eq!(
        process.metrics().sum(sampler::names::VERDICTS, &linked) as u64,
        3
    );
    let (_, why, _) = process.command(&["why", &hex(&far)]);
    assert!(
        why.contains(&format!("trace {} was kept and links to it", hex(&source))),
        "{why}"
    );
    assert_eq!(process.stop(), 0);
    assert_eq!(sampled(&world, source), [1]);
    for kept in [near, far, further] {
        assert_eq!(sampled(&world, kept), [2], "{}", hex(&kept));
    }
    assert_eq!(sampled(&world, unlinked), [0_u8; 0]);
}

/// The source links into every partition: half of them belong to the other sampler.
#[test]
fn what_a_kept_trace_links_to_is_kept_by_other_processes() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    let sampler = &mut world.config["sampler"];
    sampler["linked"] = json!("keep");
    sampler["decision_wait"] = json!("20s");
    sampler["decision_wait_after_root_received"] = json!("300ms");
    sampler["policies"] = json!([{"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}]);
    let mut ingest = world.process("ingest", "ingest");
    ingest.start_and_wait();
    let mut samplers = ["a", "b"].map(|name| world.process("sample", name));
    samplers.iter_mut().for_each(Tailwater::start_and_wait);
    wait_until(
        "both to have partitions and to hear of each other",
        WITHIN,
        || {
            samplers
                .iter()
                .all(|sampler| sampler.metrics().sum(sampler::names::FLEET, &[]) == 2.0)
        },
    );
    let source = id(0, 0x33);
    let targets: Vec<Id> = (0..PARTITIONS)
        .map(|partition| id(partition, 0x44))
        .collect();
    let mut asks = error(source, 1);
    asks.links = (targets.iter())
        .map(|target| Link {
            trace_id: target.to_vec(),
            span_id: vec![1; 8],
            ..Link::default()
        })
        .collect();
    let unlinked = id(5, 0x77);
    let mut spans: Vec<_> = targets.iter().map(|target| span(*target, 2)).collect();
    spans.extend([span(unlinked, 2), asks]);
    send(&ingest, spans);
    wait_until("all to be decided", WITHIN, || {
        let decided = |sampler| {
            count(sampler, sampler::names::KEPT) + count(sampler, sampler::names::DROPPED)
        };
        samplers.iter().map(decided).sum::<u64>() == u64::from(PARTITIONS) + 2
    });
    for sampler in &mut samplers {
        let linked = sampler
            .metrics()
            .sum(sampler::names::VERDICTS, &[("policy", "linked")]);
        assert!(linked > 0.0, "{} kept none", sampler.name);
        assert_eq!(sampler.stop(), 0);
    }
    for kept in targets {
        assert_eq!(sampled(&world, kept), [2], "{}", hex(&kept));
    }
    assert_eq!(sampled(&world, unlinked), [0_u8; 0]);
}
