//! Conditions on whole traces, plainly: what each text says is written beside it once more, on decoded spans.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value as Json;

use super::plain::{get, spans};

type OnSpan = fn(&Resource, &Span) -> bool;
type OnTrace = fn(&ExportTraceServiceRequest) -> bool;

fn text(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::StringValue(text)) => Some(text),
        _ => None,
    }
}

const ON_SPANS: [(&str, OnSpan); 5] = [
    ("attributes[\"a\"] == \"GET\"", |_, span| {
        text(get(&span.attributes, "a")) == Some("GET")
    }),
    ("span.attributes[\"a\"] != nil", |_, span| {
        let value = span.attributes.iter().find(|pair| pair.key == "a");
        value.is_some_and(|pair| {
            pair.value
                .as_ref()
                .is_some_and(|value| value.value.is_some())
        })
    }),
    (
        "resource.attributes[\"k8s.pod.name\"] == \"/cart\"",
        |resource, _| text(get(&resource.attributes, "k8s.pod.name")) == Some("/cart"),
    ),
    (
        "status.code == STATUS_CODE_ERROR or kind == SPAN_KIND_SERVER",
        |_, span| span.status.as_ref().is_some_and(|status| status.code == 2),
    ),
    // Fails on everything but numbers, and so doesn't hold there.
    ("attributes[\"http.path\"] + 1 > 2", |_, span| {
        match get(&span.attributes, "http.path") {
            Some(Value::IntValue(number)) => number + 1 > 2,
            Some(Value::DoubleValue(number)) => number + 1.0 > 2.0,
            _ => false,
        }
    }),
];

const ON_TRACE: [(&str, OnTrace); 6] = [
    ("trace.span_count > 4", |request| spans(request).count() > 4),
    ("trace.error_count >= 2", |request| {
        let errors = spans(request)
            .filter(|span| span.status.as_ref().is_some_and(|status| status.code == 2));
        errors.count() >= 2
    }),
    ("trace.duration > Duration(\"5ms\")", |request| {
        let start = spans(request).map(|span| span.start_time_unix_nano);
        let end = spans(request)
            .map(|span| span.end_time_unix_nano)
            .max()
            .unwrap();
        // As the window does: a start of 0 is not known yet.
        let start = start.fold(
            0,
            |min, start| if min == 0 { start } else { min.min(start) },
        );
        end.saturating_sub(start) > 5_000_000
    }),
    ("trace.service_count == 2", |request| {
        let names = request.resource_spans.iter().filter_map(|resource| {
            text(get(
                &resource.resource.as_ref().unwrap().attributes,
                "service.name",
            ))
        });
        names.collect::<std::collections::BTreeSet<_>>().len() == 2
    }),
    (
        "root.attributes[\"a\"] == \"GET\" or trace.span_count == 1",
        |request| {
            let root = root(request);
            root.is_some_and(|(_, root)| text(get(&root.attributes, "a")) == Some("GET"))
                || spans(request).count() == 1
        },
    ),
    (
        "trace.has_root == false or root.resource.attributes[\"a\"] != nil",
        |request| match root(request) {
            None => true,
            Some((resource, _)) => {
                let value = resource.attributes.iter().find(|pair| pair.key == "a");
                value.is_some_and(|pair| {
                    pair.value
                        .as_ref()
                        .is_some_and(|value| value.value.is_some())
                })
            }
        },
    ),
];

pub fn texts() -> Vec<&'static str> {
    let on_spans = ON_SPANS.iter().map(|(text, _)| *text);
    on_spans
        .chain(ON_TRACE.iter().map(|(text, _)| *text))
        .collect()
}

/// The first span without parent.
fn root(request: &ExportTraceServiceRequest) -> Option<(&Resource, &Span)> {
    with_resources(request).find(|(_, span)| span.parent_span_id.is_empty())
}

fn with_resources(request: &ExportTraceServiceRequest) -> impl Iterator<Item = (&Resource, &Span)> {
    request.resource_spans.iter().flat_map(|resource| {
        let spans = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
        spans.map(|span| (resource.resource.as_ref().unwrap(), span))
    })
}

pub fn samples(section: &Json, request: &ExportTraceServiceRequest) -> bool {
    let (mut on_spans, mut on_trace) = (Vec::new(), Vec::new());
    for text in section["conditions"].as_array().unwrap() {
        let text = text.as_str().unwrap();
        match ON_SPANS.iter().find(|(known, _)| *known == text) {
            Some((_, holds)) => on_spans.push(holds),
            None => on_trace.push(ON_TRACE.iter().find(|(known, _)| *known == text).unwrap().1),
        }
    }
    let all =
        |(resource, span): (&Resource, &Span)| on_spans.iter().all(|holds| holds(resource, span));
    let spans_hold = match section["scope"].as_str().unwrap() {
        "trace" => on_spans
            .iter()
            .all(|holds| with_resources(request).any(|(resource, span)| holds(resource, span))),
        _ if on_spans.is_empty() => true,
        "span" => with_resources(request).any(all),
        _ => root(request).is_some_and(all),
    };
    spans_hold && on_trace.iter().all(|holds| holds(request))
}
