//! One span with all that conditions can ask for, and the evaluation of texts on it.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use ottl::{Condition, Context, EvalError, Expression, Subject, Value};
use prost::Message;
use schemas::otlp::{Items, SpanView};

pub fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub fn text(text: &str) -> AnyValue {
    any(Any::StringValue(text.to_owned()))
}

pub fn int(number: i64) -> AnyValue {
    any(Any::IntValue(number))
}

pub fn list(values: Vec<AnyValue>) -> AnyValue {
    any(Any::ArrayValue(ArrayValue { values }))
}

pub fn map(pairs: Vec<KeyValue>) -> AnyValue {
    any(Any::KvlistValue(KeyValueList { values: pairs }))
}

pub fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

pub fn attributes() -> Vec<KeyValue> {
    vec![
        pair("text", text("value")),
        pair("int", int(42)),
        pair("double", any(Any::DoubleValue(1.5))),
        pair("bool", any(Any::BoolValue(true))),
        pair("bytes", any(Any::BytesValue(vec![1, 2, 255]))),
        pair("no bytes", any(Any::BytesValue(Vec::new()))),
        pair("empty", AnyValue { value: None }),
        pair("list", list(vec![text("a"), int(2), list(vec![int(3)])])),
        pair(
            "map",
            map(vec![
                pair("b", int(1)),
                pair("a", map(vec![pair("x", text("<y>"))])),
            ]),
        ),
        pair("twice", int(1)),
        pair("twice", int(2)),
        pair("number", text("17")),
        pair("which", text("text")),
        pair("at", int(1)),
        pair("pattern", text("^v.*e$")),
        pair("url", text("https://example.com:8080/a/b.html?c=d#e")),
        pair(
            "json",
            text(r#"{"a": [1, 2.5, "x", null, true], "b": {"c": -1}}"#),
        ),
    ]
}

pub fn request() -> ExportTraceServiceRequest {
    let span = Span {
        trace_id: (1..17).collect(),
        span_id: (1..9).collect(),
        trace_state: "a=1,b=two".to_owned(),
        parent_span_id: vec![8, 7, 6, 5, 4, 3, 2, 1],
        flags: 257,
        name: "GET /pay".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_002_500_000_000,
        attributes: attributes(),
        dropped_attributes_count: 3,
        events: vec![Event {
            time_unix_nano: 1_700_000_001_000_000_000,
            name: "exception".to_owned(),
            attributes: vec![pair("exception.type", text("IOError"))],
            dropped_attributes_count: 4,
        }],
        dropped_events_count: 5,
        links: vec![Link::default(), Link::default()],
        dropped_links_count: 6,
        status: Some(Status {
            message: "failed".to_owned(),
            code: 2,
        }),
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![pair("service.name", text("shop"))],
                dropped_attributes_count: 7,
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "http".to_owned(),
                    version: "1.2".to_owned(),
                    attributes: vec![pair("short", any(Any::BoolValue(false)))],
                    dropped_attributes_count: 8,
                }),
                spans: vec![span],
                schema_url: "https://scope".to_owned(),
            }],
            schema_url: "https://resource".to_owned(),
        }],
    }
}

/// Sets a subject to the first span of a request and its first event.
pub fn on_first<T>(request: &[u8], then: impl FnOnce(&Subject<'_>) -> T) -> T {
    let item = Items::new(request).next().expect("a span").expect("sound");
    let span = SpanView::parse(item.body).expect("sound");
    let mut subject = Subject::default();
    subject.set_span(item.resource, item.scope, span);
    if let Some(event) = span.events().next() {
        subject.set_event(event.expect("sound"), 0);
    }
    then(&subject)
}

pub fn holds(context: Context, condition: &str) -> Result<bool, EvalError> {
    let compiled = match Condition::compile(context, condition) {
        Ok(compiled) => compiled,
        Err(problems) => panic!("{condition}\n{problems}"),
    };
    on_first(&request().encode_to_vec(), |subject| compiled.eval(subject))
}

pub fn value(expression: &str) -> Result<Value<'static>, EvalError> {
    let compiled = match Expression::compile(Context::Span, expression) {
        Ok(compiled) => compiled,
        Err(problems) => panic!("{expression}\n{problems}"),
    };
    on_first(&request().encode_to_vec(), |subject| {
        compiled.eval(subject)?.into_owned()
    })
}
