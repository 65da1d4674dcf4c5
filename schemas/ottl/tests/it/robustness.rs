//! No text and no telemetry makes anything panic.

use fastrand::Rng;
use ottl::{Condition, Context, Expression, Subject};
use proptest::prelude::*;
use prost::Message;
use schemas::otlp::{Items, SpanView};

use super::telemetry::request;

const CONTEXTS: [Context; 6] = [
    Context::Resource,
    Context::Scope,
    Context::Span,
    Context::SpanEvent,
    Context::Log,
    Context::Trace,
];

/// Texts that look like the language.
fn text() -> impl Strategy<Value = String> {
    let words = [
        "attributes",
        "[",
        "]",
        "\"a\"",
        "(",
        ")",
        "==",
        "<",
        "and",
        "or",
        "not",
        "1",
        "1.5",
        "0x01",
        "nil",
        "true",
        "IsMatch",
        "Split",
        "Concat",
        "span",
        ".",
        "name",
        ",",
        "+",
        "-",
        "*",
        "/",
        "{",
        "}",
        ":",
        "=",
        "SPAN_KIND_SERVER",
        "_",
        "=>",
        "\"",
        "\\",
        "é",
        "root",
        "trace",
        "duration",
        "resource",
        "Format",
        "\"%s\"",
        "Time",
        "Substring",
    ];
    prop_oneof![
        ".{0,60}",
        prop::collection::vec(prop::sample::select(words.to_vec()), 0..40)
            .prop_map(|words| words.concat()),
        prop::collection::vec(prop::sample::select(words.to_vec()), 0..40)
            .prop_map(|words| words.join(" ")),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in text()) {
        let subject = Subject::default();
        for context in CONTEXTS {
            if let Ok(condition) = Condition::compile(context, &text) {
                let _ = condition.eval(&subject);
            }
            if let Ok(expression) = Expression::compile(context, &text) {
                let _ = expression.eval(&subject);
            }
        }
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("Int(", ")"),
        ("{\"a\":", "}"),
        ("attributes[", "]"),
        ("not (", ")"),
        ("-(", ")"),
    ] {
        let text = format!("{}1{} == 1", open.repeat(20_000), close.repeat(20_000));
        assert!(Condition::compile(Context::Span, &text).is_err(), "{open}");
    }
    // A list in a list in a list, deeper than any reader of protobuf follows.
    let mut value = Vec::new();
    for _ in 0..2_000 {
        let mut list = Vec::new();
        schemas::wire::put_len(&mut list, 1, &value);
        let mut any = Vec::new();
        schemas::wire::put_len(&mut any, 5, &list);
        value = any;
    }
    let mut pair = Vec::new();
    schemas::wire::put_len(&mut pair, 1, b"deep");
    schemas::wire::put_len(&mut pair, 2, &value);
    let mut span = Vec::new();
    schemas::wire::put_len(&mut span, 9, &pair);
    let mut subject = Subject::default();
    let head = schemas::otlp::ResourceHead::new(&[], 0);
    let scope = schemas::otlp::ScopeHead::new(&[], 0);
    subject.set_span(head, scope, SpanView::parse(&span).expect("sound"));
    for text in [
        r#"String(attributes["deep"]) == "x""#,
        r#"attributes["deep"] == attributes["deep"]"#,
        r#"Sort(attributes["deep"]) == nil"#,
    ] {
        let condition = Condition::compile(Context::Span, text).expect("sound");
        assert!(condition.eval(&subject).is_err(), "{text}");
    }
}

#[test]
fn no_telemetry_makes_it_panic() {
    let conditions: Vec<_> = [
        r#"attributes["map"]["a"]["x"] == "y" or attributes["list"][0] == 1"#,
        r#"attributes == {"a": 1} or String(attributes) == "x" or Len(events) > 1"#,
        r#"resource.attributes["service.name"] == "x" or scope.name == "y" or trace_state["a"] == "z""#,
        r#"IsMatch(attributes["text"], "x") or IsMatch(name, "y") or status.message == "z""#,
    ]
    .iter()
    .map(|text| Condition::compile(Context::Span, text).expect("sound"))
    .collect();
    let mut rng = Rng::with_seed(3);
    for _ in 0..3_000 {
        let mut bytes = match rng.bool() {
            true => request().encode_to_vec(),
            false => crate::generate::traces(&mut rng).encode_to_vec(),
        };
        crate::generate::mutate(&mut rng, &mut bytes);
        let mut subject = Subject::default();
        for item in Items::new(&bytes).map_while(Result::ok) {
            let Ok(span) = SpanView::parse(item.body) else {
                continue;
            };
            subject.set_span(item.resource, item.scope, span);
            for condition in &conditions {
                let _ = condition.eval(&subject);
            }
        }
    }
}
