//! What walking, packing and checking cost a span: `cargo run --release -p tailwater-schemas --example walk`.
//!
//! Prints its conditions. Each figure is the best of several rounds over the same request: the machine's noise only adds.
//! With an argument only the measure of that name runs, once, which suits `valgrind --tool=callgrind`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use schemas::otlp::{AnyValue, Items, SpanView, check_request};
use schemas::pack::Packer;
use schemas::wire::{put_fixed64, put_len, put_varint_field};
use schemas::{Signal, json, partition_of};

const SPANS: usize = 250;
const ROUND: Duration = Duration::from_millis(100);
const ROUNDS: usize = 10;

fn main() {
    let request = request();
    let mut spans = 0;
    let mut attributes = 0;
    for item in Items::new(&request).map_while(Result::ok) {
        spans += 1;
        let span = SpanView::parse(item.body).map(|span| span.attributes().count());
        attributes += span.unwrap_or_default();
    }
    println!(
        "{spans} spans a request in one scope, {} bytes a span, {} attributes a span; CPU-ns a span, best of {ROUNDS}",
        request.len() / spans,
        attributes / spans,
    );
    let only = std::env::args().nth(1);
    let run = |name: &str, work: &mut dyn FnMut()| match &only {
        Some(wanted) if wanted == name => work(),
        Some(_) => {}
        None => println!("{name:>24} {:8.1}", best(work) / spans as f64),
    };
    run("items", &mut || {
        black_box(Items::new(black_box(&request)).count());
    });
    run("items+view", &mut || {
        for item in Items::new(black_box(&request)).map_while(Result::ok) {
            let _ = black_box(SpanView::parse(item.body));
        }
    });
    run("items+view+attributes", &mut || {
        for item in Items::new(black_box(&request)).map_while(Result::ok) {
            let Ok(span) = SpanView::parse(item.body) else {
                continue;
            };
            let mut found = 0;
            for pair in span.attributes().map_while(Result::ok) {
                let code = pair.key == b"http.response.status_code";
                if code && pair.value == AnyValue::Int(500) {
                    found += 1;
                }
            }
            black_box((span, found));
        }
    });
    let mut packer = Packer::new();
    run("pack", &mut || {
        packer.begin_source();
        for item in Items::new(black_box(&request)).map_while(Result::ok) {
            packer.push(&item);
        }
        black_box(packer.finish());
    });
    let mut packers: Vec<_> = (0..16).map(|_| Packer::new()).collect();
    run("view+split+pack to 16", &mut || {
        packers.iter_mut().for_each(Packer::begin_source);
        for item in Items::new(black_box(&request)).map_while(Result::ok) {
            let id = SpanView::parse(item.body)
                .ok()
                .and_then(|span| span.valid_trace_id());
            let partition = id.map_or(0, |id| partition_of(id, 16));
            packers[partition as usize].push(&item);
        }
        // Records are longer than what one request brings: they are finished every sixteenth time here.
        for packer in packers
            .iter_mut()
            .filter(|packer| packer.bytes() > 128 << 10)
        {
            black_box(packer.finish());
        }
    });
    run("full check", &mut || {
        let _ = black_box(check_request(Signal::Traces, black_box(&request)));
    });
    run("prost decode", &mut || {
        let _ = black_box(ExportTraceServiceRequest::decode(black_box(&request[..])));
    });
    let mut text = Vec::new();
    run("protobuf to json", &mut || {
        text.clear();
        let _ = json::from_protobuf(Signal::Traces, black_box(&request), &mut text);
    });
    run("json to protobuf", &mut || {
        let _ = black_box(json::to_protobuf(Signal::Traces, black_box(&text)));
    });
}

/// Nanoseconds of one run, at best.
fn best(work: &mut dyn FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let (start, cpu, mut runs) = (Instant::now(), on_cpu(), 0_u32);
            while start.elapsed() < ROUND {
                work();
                runs += 1;
            }
            let spent = match (cpu, on_cpu()) {
                (Some(before), Some(after)) => after - before,
                _ => start.elapsed(),
            };
            spent.as_nanos() as f64 / f64::from(runs)
        })
        .fold(f64::INFINITY, f64::min)
}

/// What this thread had of a core so far, where Linux says it: on a busy machine the clock on the wall counts the others too.
fn on_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos = text.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// A request of a web service: one resource and scope, spans of about 500 bytes with a dozen attributes.
fn request() -> Vec<u8> {
    let mut resource = Vec::new();
    for (key, value) in [
        ("service.name", "checkout"),
        ("service.version", "1.42.0"),
        ("k8s.namespace.name", "shop"),
        ("k8s.pod.name", "checkout-5d9f7c8b6f-x2x7p"),
        ("telemetry.sdk.language", "java"),
    ] {
        text_attribute(&mut resource, 1, key, value);
    }
    let mut scope = Vec::new();
    let mut name = Vec::new();
    put_len(&mut name, 1, b"io.opentelemetry.spring-webmvc-6.0");
    put_len(&mut scope, 1, &name);
    for number in 0..SPANS as u64 {
        put_len(&mut scope, 2, &span(number));
    }
    let mut resource_spans = Vec::new();
    put_len(&mut resource_spans, 1, &resource);
    put_len(&mut resource_spans, 2, &scope);
    let mut request = Vec::new();
    put_len(&mut request, 1, &resource_spans);
    request
}

fn span(number: u64) -> Vec<u8> {
    let mixed = |seed: u64| (number / 5 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut span = Vec::new();
    let trace_id = [mixed(1).to_le_bytes(), mixed(2).to_le_bytes()].concat();
    put_len(&mut span, 1, &trace_id);
    put_len(&mut span, 2, &(number + 1).to_le_bytes());
    put_len(&mut span, 4, &(number + 2).to_le_bytes());
    put_len(&mut span, 5, b"POST /api/v1/orders/{id}");
    put_varint_field(&mut span, 6, 2);
    put_fixed64(&mut span, 7, 1_700_000_000_000_000_000 + number);
    put_fixed64(&mut span, 8, 1_700_000_000_020_000_000 + number);
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/v1/orders/{id}"),
        ("url.path", "/api/v1/orders/81726354"),
        ("url.scheme", "https"),
        ("server.address", "checkout.shop.svc"),
        ("network.protocol.version", "1.1"),
        ("user_agent.original", "okhttp/4.12.0"),
        ("client.address", "10.1.22.7"),
        ("thread.name", "http-nio-8080-exec-7"),
    ] {
        text_attribute(&mut span, 9, key, value);
    }
    for (key, value) in [
        ("http.response.status_code", 200),
        ("server.port", 8080),
        ("thread.id", 47),
    ] {
        let mut any = Vec::new();
        put_varint_field(&mut any, 3, value);
        attribute(&mut span, 9, key, &any);
    }
    put_len(&mut span, 15, &[]);
    span
}

fn text_attribute(out: &mut Vec<u8>, field: u32, key: &str, value: &str) {
    let mut any = Vec::new();
    put_len(&mut any, 1, value.as_bytes());
    attribute(out, field, key, &any);
}

fn attribute(out: &mut Vec<u8>, field: u32, key: &str, any: &[u8]) {
    let mut pair = Vec::new();
    put_len(&mut pair, 1, key.as_bytes());
    put_len(&mut pair, 2, any);
    put_len(out, field, &pair);
}
