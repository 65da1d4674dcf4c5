//! The section, and what messages a record becomes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use prost::Message as _;
use schemas::Signal;

use super::messages::{Format, KeyOf, Layout, Message};
use super::topic::Template;
use crate::config::tests::{check_problem, valid};

const AT: &str = "export.backends[0].kafka";

#[test]
fn what_is_wrong_with_a_section_is_told_by_path() {
    for (section, key, message) in [
        ("brokers: [a]", "brokers[0]", "\"a\" isn't host:port"),
        (
            "compression: zstd, topic: 'x.{signal}'",
            "compression",
            "stands without `brokers`",
        ),
        (
            "brokers: ['a:1'], topic: x",
            "topic",
            "`x` would hold several signals",
        ),
        (
            "brokers: ['a:1'], topic: 'a b.{signal}'",
            "topic",
            "`a b.{signal}` can't be the name",
        ),
        (
            "brokers: ['a:1'], message_bytes_max: 10",
            "message_bytes_max",
            "is not between",
        ),
        (
            "brokers: ['a:1'], headers: {content-type: x}",
            "headers.content-type",
            "`content-type` is set",
        ),
        (
            "brokers: ['a:1'], create_topics: {partitions: 0}",
            "create_topics.partitions",
            "is not within",
        ),
        (
            "brokers: ['a:1'], properties: {compression.type: gzip}",
            "properties.compression.type",
            "is what `compression` says",
        ),
        (
            "brokers: ['a:1'], properties: {acks: '1'}",
            "properties.acks",
            "can't be set",
        ),
        (
            "brokers: ['a:1'], sasl: {mechanism: PLAIN, username: u}",
            "sasl.password",
            "is missing",
        ),
    ] {
        check_problem(
            &format!("kafka: {{{section}}}"),
            &format!("{AT}.{key}: {message}"),
        );
    }
}

#[test]
fn a_section_may_be_empty() {
    let config = valid(
        "backends: [{name: a, kafka: {}}, {name: b, signals: [logs], kafka: {brokers: ['a:1'], topic: '{tenant}.logs'}}]",
    );
    assert!(config.backends[0].is_transactional());
    assert!(!config.backends[1].is_transactional());
}

#[test]
fn topics_are_by_tenant() {
    let template = Template::new("{tenant}.traces");
    assert_eq!(template.topic(None).unwrap(), "default.traces");
    assert_eq!(template.topic(Some(b"shop")).unwrap(), "shop.traces");
    assert!(template.topic(Some(b"a/b")).is_err());
    assert!(template.topic(Some(b"\xff")).is_err());
    assert!(template.topic(Some(&[b'x'; 243])).is_err());
    assert!(Template::new("{tenant}").topic(Some(b"..")).is_err());
}

/// A record with these spans, by resource, scope and trace.
fn record(spans: &[(u8, u8, u8)]) -> Bytes {
    let each = spans.iter().enumerate();
    let each = each.map(|(index, (resource, scope, trace))| {
        let trace = match trace {
            0 => String::new(),
            trace => format!(r#""traceId":"{trace:032x}","#),
        };
        format!(
            r#"{{"resource":{{"attributes":[{{"key":"r","value":{{"intValue":"{resource}"}}}}]}},
            "scopeSpans":[{{"scope":{{"name":"{scope}"}},"spans":[{{{trace}"spanId":"{:016x}","name":"n{index}"}}]}}]}}"#,
            index + 1
        )
    });
    let json = format!(
        r#"{{"resourceSpans":[{}]}}"#,
        each.collect::<Vec<_>>().join(",")
    );
    schemas::json::to_protobuf(Signal::Traces, json.as_bytes())
        .unwrap()
        .into()
}

/// Each span with its resource and scope.
fn content(request: &[u8]) -> Vec<(String, String, Span)> {
    let request = ExportTraceServiceRequest::decode(request).unwrap();
    let mut found = Vec::new();
    for resource in request.resource_spans {
        for scope in &resource.scope_spans {
            for span in &scope.spans {
                found.push((
                    format!("{:?}", resource.resource),
                    format!("{:?}", scope.scope),
                    span.clone(),
                ));
            }
        }
    }
    found.sort_by(|a, b| a.2.span_id.cmp(&b.2.span_id));
    found
}

fn layout(key: KeyOf, bytes_max: usize) -> Layout {
    Layout {
        signal: Signal::Traces,
        format: Format::OtlpProto,
        key,
        bytes_max,
    }
}

fn all(messages: &[Message]) -> Vec<(String, String, Span)> {
    let mut all: Vec<_> = messages
        .iter()
        .flat_map(|message| content(&message.value))
        .collect();
    all.sort_by(|a, b| a.2.span_id.cmp(&b.2.span_id));
    all
}

proptest! {
    /// Each span is in one message, with its resource and scope, and no message is too large or of two traces.
    #[test]
    fn a_record_is_divided_and_nothing_else(
        spans in proptest::collection::vec((0u8..3, 0u8..3, 0u8..4), 1..40),
        bytes_max in prop_oneof![Just(70usize), 70usize..500, Just(1 << 20)],
        key in prop_oneof![Just(KeyOf::TraceId), Just(KeyOf::Resource), Just(KeyOf::None)],
    ) {
        let value = record(&spans);
        let messages = layout(key, bytes_max).messages(&value).unwrap();
        prop_assert_eq!(all(&messages), content(&value));
        let mut keys: BTreeMap<Option<Vec<u8>>, Vec<String>> = BTreeMap::new();
        for message in &messages {
            prop_assert!(message.value.len() <= bytes_max);
            let of = content(&message.value);
            let of_key = keys.entry(message.key.as_ref().map(|key| key.to_vec())).or_default();
            for (resource, _, span) in of {
                let trace = const_hex::encode(&span.trace_id);
                match key {
                    KeyOf::TraceId if trace.is_empty() => prop_assert_eq!(&message.key, &None),
                    KeyOf::TraceId => prop_assert_eq!(message.key.as_deref(), Some(trace.as_bytes())),
                    KeyOf::None => prop_assert_eq!(&message.key, &None),
                    KeyOf::Resource => of_key.push(resource),
                }
            }
        }
        for mut resources in keys.into_values() {
            resources.dedup();
            prop_assert!(resources.len() <= 1);
        }
    }
}

#[test]
fn a_record_that_fits_goes_on_as_it_is() {
    let value = record(&[(1, 1, 1), (2, 1, 2)]);
    let messages = layout(KeyOf::None, 1 << 20).messages(&value).unwrap();
    assert_eq!(
        messages[0].value.as_ptr(),
        value.as_ptr(),
        "nothing is copied"
    );
    assert_eq!(messages.len(), 1);
    let of_one = record(&[(1, 1, 1), (2, 1, 1)]);
    let messages = layout(KeyOf::TraceId, 1 << 20).messages(&of_one).unwrap();
    assert_eq!(messages[0].value.as_ptr(), of_one.as_ptr());
}

#[test]
fn an_item_that_is_too_large_is_refused() {
    let value = record(&[(1, 1, 1), (1, 1, 2)]);
    let refused = layout(KeyOf::TraceId, 30).messages(&value).unwrap_err();
    assert!(refused.contains("more than 30 bytes"), "{refused}");
    assert!(
        layout(KeyOf::TraceId, 30)
            .messages(&value.slice(..value.len() - 1))
            .is_err()
    );
}

#[test]
fn json_is_the_collectors() {
    let layout = Layout {
        format: Format::OtlpJson,
        ..layout(KeyOf::TraceId, 1 << 20)
    };
    let messages = layout.messages(&record(&[(1, 1, 1), (1, 1, 2)])).unwrap();
    let back =
        |message: &Message| schemas::json::to_protobuf(Signal::Traces, &message.value).unwrap();
    let spans: Vec<_> = messages
        .iter()
        .flat_map(|message| content(&back(message)))
        .collect();
    assert_eq!(spans.len(), 2);
    assert!(messages[0].value.starts_with(br#"{"resourceSpans":"#));
}

/// A key doesn't depend on the order of attributes.
#[test]
fn a_resource_is_known_by_its_attributes() {
    let of = |attributes: &str| {
        let json = format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{attributes}]}},"scopeSpans":[{{"spans":[{{"name":"x"}}]}}]}}]}}"#
        );
        let value = schemas::json::to_protobuf(Signal::Traces, json.as_bytes()).unwrap();
        layout(KeyOf::Resource, 1 << 20)
            .messages(&value.into())
            .unwrap()[0]
            .key
            .clone()
            .unwrap()
    };
    let (a, b) = (
        r#"{"key":"a","value":{"intValue":"1"}}"#,
        r#"{"key":"b","value":{"intValue":"1"}}"#,
    );
    assert_eq!(of(&format!("{a},{b}")), of(&format!("{b},{a}")));
    assert_ne!(of(a), of(b));
}
