//! What a condition costs a span: `cargo run --release -p tailwater-ottl --example ottl`.
//!
//! Prints its conditions. Each figure is the best of several rounds: the machine's noise only adds. The walk and the view that every
//! stage makes anyway are measured by themselves and taken off. With an argument only the condition of that number runs, a
//! hundred times over the request, which suits `valgrind --tool=callgrind`; `walk` runs the walk alone.

use std::hint::black_box;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use ottl::{Condition, Context, Subject};
use prost::Message;
use schemas::otlp::{Items, SpanView};

const SPANS: usize = 250;
const ROUND: Duration = Duration::from_millis(100);
const ROUNDS: usize = 20;

/// Two attributes each, unless they say otherwise; the first holds for no span, so both sides are always evaluated.
const CONDITIONS: &[(&str, &[&str])] = &[
    (
        "two attributes, or",
        &[
            r#"attributes["http.request.method"] == "PATCH" or attributes["http.response.status_code"] >= 600"#,
        ],
    ),
    (
        "two attributes, and",
        &[
            r#"attributes["http.request.method"] == "GET" and attributes["http.response.status_code"] >= 500"#,
        ],
    ),
    (
        "two attributes, one absent",
        &[r#"attributes["http.request.method"] == "PATCH" or attributes["exception.type"] != nil"#],
    ),
    (
        "span and resource",
        &[
            r#"attributes["http.request.method"] == "PATCH" or resource.attributes["service.name"] == "x""#,
        ],
    ),
    ("a field", &["status.code == STATUS_CODE_ERROR"]),
    (
        "a pattern",
        &[r#"IsMatch(attributes["url.path"], "^/admin/.*")"#],
    ),
    (
        "five conditions of two",
        &[
            r#"attributes["http.request.method"] == "PATCH" or attributes["http.response.status_code"] >= 600"#,
            r#"attributes["url.path"] == "/x" or attributes["http.route"] == "/y""#,
            r#"attributes["server.address"] == "x" or attributes["server.port"] == 1"#,
            r#"attributes["user.id"] == "x" or attributes["http.response.status_code"] < 100"#,
            r#"attributes["absent"] == "x" or attributes["http.request.method"] == "PUT""#,
        ],
    ),
];

fn main() {
    let request = request();
    println!(
        "{SPANS} spans a request, {} bytes a span, 10 attributes a span; ns a span beyond walk and view, best of {ROUNDS}",
        request.len() / SPANS
    );
    let compiled: Vec<(&str, Vec<Condition>)> = CONDITIONS
        .iter()
        .map(|(name, texts)| (*name, texts.iter().map(|text| compile(text)).collect()))
        .collect();
    match std::env::args().nth(1).as_deref() {
        Some("walk") => (0..100).for_each(|_| walk(&request)),
        Some(number) => {
            let number: usize = number.parse().unwrap_or_default();
            (0..100).for_each(|_| evaluate(&request, &compiled[number].1));
        }
        None => {
            let base = best(&mut || walk(&request));
            println!("{:>28} {:8.1}", "walk and view", base / SPANS as f64);
            for (name, conditions) in &compiled {
                let time = best(&mut || evaluate(&request, conditions));
                println!("{name:>28} {:8.1}", (time - base) / SPANS as f64);
            }
        }
    }
}

fn compile(text: &str) -> Condition {
    match Condition::compile(Context::Span, text) {
        Ok(condition) => condition,
        Err(problems) => panic!("{text}\n{problems}"),
    }
}

fn walk(request: &[u8]) {
    for item in Items::new(black_box(request)).map_while(Result::ok) {
        let _ = black_box(SpanView::parse(item.body));
    }
}

fn evaluate(request: &[u8], conditions: &[Condition]) {
    let mut subject = Subject::default();
    let mut held = 0;
    for item in Items::new(black_box(request)).map_while(Result::ok) {
        let Ok(span) = SpanView::parse(item.body) else {
            continue;
        };
        subject.set_span(item.resource, item.scope, span);
        for condition in conditions {
            held += usize::from(condition.eval(&subject) == Ok(true));
        }
    }
    black_box(held);
}

/// Nanoseconds of one run.
fn best(work: &mut dyn FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut runs = 0;
        while start.elapsed() < ROUND {
            work();
            runs += 1;
        }
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(runs));
    }
    best
}

fn request() -> Vec<u8> {
    let text = |key: &str, value: &str| pair(key, Value::StringValue(value.to_owned()));
    let span = |index: usize| Span {
        trace_id: (index as u128).to_be_bytes().to_vec(),
        span_id: (index as u64 + 1).to_be_bytes().to_vec(),
        name: "GET /api/v1/users/{id}".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_100_000_000,
        attributes: vec![
            text("http.request.method", "GET"),
            text("url.path", "/api/v1/users/4711"),
            text("http.route", "/api/v1/users/{id}"),
            text("server.address", "shop.example.com"),
            pair("server.port", Value::IntValue(443)),
            text("user.id", &format!("user-{index}")),
            text("network.protocol.version", "1.1"),
            text("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
            pair(
                "http.response.status_code",
                Value::IntValue(200 + index as i64 % 2),
            ),
            pair("sampled", Value::BoolValue(true)),
        ],
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", "shop"), text("host.name", "h1")],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: (0..SPANS).map(span).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
    .encode_to_vec()
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
