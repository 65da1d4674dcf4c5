//! What the root knows gets onto every kept span of its trace: through a process that is killed twice, while traces are open and once they are decided; and
//! from one process to another on Kafka. Behind enrich it is redacted like any attribute.

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value as Json, json};
use tests::bus_reader::read_all;
use tests::kafka::Broker;
use tests::process::Tailwater;
use tests::settle::hex;
use tests::wait_until;
use tests::world::World;

use crate::late_and_linked::{Id, count, send, span};

const WITHIN: Duration = Duration::from_secs(60);
const TRACES: u8 = 40;
/// Every so many a span knows a customer of its own.
const OWN_EVERY: u8 = 5;

fn trace(n: u8) -> Id {
    let mut id = [0x51; 16];
    id[15] = n;
    id
}

fn customer(n: u8) -> String {
    format!("customer-{n}@example.org")
}

fn with(span: Span, customer: String) -> Span {
    Span {
        attributes: vec![KeyValue {
            key: "customer".to_owned(),
            value: Some(AnyValue {
                value: Some(Value::StringValue(customer)),
            }),
            ..KeyValue::default()
        }],
        ..span
    }
}

/// Span `number` of every trace.
fn send_to_all(process: &Tailwater, number: u8) {
    let spans = (1..=TRACES).map(|n| {
        let span = span(trace(n), number);
        match number {
            1 => with(span, customer(n)),
            _ if n.is_multiple_of(OWN_EVERY) => with(span, "nobody@example.org".to_owned()),
            _ => span,
        }
    });
    send(process, spans.collect());
}

fn wait_for_kept(process: &Tailwater, spans: u8) {
    wait_until("the spans to be kept", WITHIN, || {
        count(process, sampler::names::KEPT) == u64::from(spans)
    });
}

/// By trace and span id: the customers of each span that was exported. A span may come twice where a process was killed.
fn exported(world: &World) -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(world.path("kept.jsonl")).unwrap_or_default();
    let list = |value: &Json, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut exported = BTreeMap::new();
    // The last line may not be whole yet.
    for request in text
        .lines()
        .map_while(|line| serde_json::from_str(line).ok())
    {
        let scopes = (list(&request, "resourceSpans").into_iter())
            .flat_map(|resource| list(&resource, "scopeSpans"));
        for span in scopes.flat_map(|scope| list(&scope, "spans")) {
            let known = list(&span, "attributes").into_iter();
            let known = known.filter(|pair| pair["key"] == "customer");
            let known =
                known.filter_map(|pair| Some(pair["value"]["stringValue"].as_str()?.to_owned()));
            exported.insert(
                format!("{}{}", span["traceId"], span["spanId"]),
                known.collect(),
            );
        }
    }
    exported
}

/// By trace and span number: the customers of each kept span.
fn customers(world: &World) -> BTreeMap<(u8, u8), Vec<String>> {
    let mut customers = BTreeMap::new();
    for record in read_all(&*world.bus(), &world.topics().sampled()).unwrap() {
        let request = ExportTraceServiceRequest::decode(record.value).unwrap();
        let scopes = (request.resource_spans.into_iter()).flat_map(|of| of.scope_spans);
        for span in scopes.flat_map(|scope| scope.spans) {
            let of_key = |pair: KeyValue| match pair.value?.value? {
                Value::StringValue(text) if pair.key == "customer" => Some(text),
                _ => None,
            };
            let known = span.attributes.into_iter().filter_map(of_key).collect();
            let before = customers.insert((span.trace_id[15], span.span_id[0]), known);
            assert_eq!(before, None, "kept twice");
        }
    }
    customers
}

/// So many spans were kept, each with its root's customer unless it knows one of its own.
#[track_caller]
fn check_kept(world: &World, spans: usize) {
    let kept = customers(world);
    assert_eq!(kept.len(), spans);
    for ((n, number), known) in kept {
        let own = number != 1 && n.is_multiple_of(OWN_EVERY);
        let expected = match own {
            true => "nobody@example.org".to_owned(),
            false => customer(n),
        };
        assert_eq!(known, [expected], "span {number} of trace {n}");
    }
}

#[test]
fn what_the_root_knows_is_on_every_span_whatever_dies() {
    let mut world = World::embedded();
    let sampler = &mut world.config["sampler"];
    sampler["promote"] = json!(["customer"]);
    sampler["policies"] = json!([{"name": "all", "type": "always_sample"}]);
    let email = json!({"name": "email", "pattern": r"[\w-]+@[\w-]+\.[\w.]+", "with": "****"});
    world.config["enrich"] = json!({"redact": {"mask": [email]}});
    world.set_decision_wait(3000);
    let mut process = world.process("run", "all");
    process.start_and_wait();
    send_to_all(&process, 2);
    send_to_all(&process, 1);
    wait_until("the spans to be read", WITHIN, || {
        count(&process, sampler::names::CONSUMED) >= u64::from(2 * TRACES)
    });
    process.kill();
    process.start_and_wait();
    wait_for_kept(&process, 2 * TRACES);
    let promoted = [("result", "promoted")];
    let promoted = process
        .metrics()
        .sum(sampler::names::PROMOTED_VALUES, &promoted);
    assert_eq!(promoted as u8, TRACES);
    send_to_all(&process, 3);
    wait_for_kept(&process, 3 * TRACES);
    // From here on only the decision log knows what the roots had.
    process.kill();
    process.start_and_wait();
    send_to_all(&process, 4);
    wait_for_kept(&process, TRACES);
    let (code, why, _) = process.command(&["why", &hex(&trace(7))]);
    assert_eq!(code, 0, "{why}");
    assert!(
        why.contains("promoted to its spans: customer = \"****\""),
        "{why}"
    );
    let all = 4 * usize::from(TRACES);
    wait_until("all spans to be exported", WITHIN, || {
        exported(&world).len() == all
    });
    assert_eq!(process.stop(), 0);
    check_kept(&world, all);
    for (span, known) in exported(&world) {
        assert_eq!(known, ["****"], "exported {span}");
    }
}

/// A sampler dies, and one of another name gets its partitions: it has never seen a root.
#[test]
fn a_sampler_that_takes_over_knows_it_too() {
    let Ok(broker) = Broker::shared() else { return };
    let mut world = World::kafka(broker);
    let sampler = &mut world.config["sampler"];
    sampler["promote"] = json!(["customer"]);
    sampler["policies"] = json!([{"name": "all", "type": "always_sample"}]);
    world.set_decision_wait(1500);
    let mut ingest = world.process("ingest", "ingest");
    ingest.start_and_wait();
    let [mut first, mut second] = ["a", "b"].map(|name| world.process("sample", name));
    first.start_and_wait();
    send_to_all(&ingest, 1);
    send_to_all(&ingest, 2);
    wait_for_kept(&first, 2 * TRACES);
    first.kill();
    second.start_and_wait();
    send_to_all(&ingest, 3);
    wait_for_kept(&second, TRACES);
    assert_eq!((second.stop(), ingest.stop()), (0, 0));
    check_kept(&world, 3 * usize::from(TRACES));
}
