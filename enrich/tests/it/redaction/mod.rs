//! The rewriter against plain rules on the generated types: no secret anywhere in the output, everything else as it was.

mod generate;
mod reference;

use std::sync::Arc;

use enrich::shape::{self, Kind, Shape};
use enrich::{
    Outcome, RawConfig, RawHash, RawMask, RawUnknownFields, RawValue, Refused, Rewriter, Rules,
    Secret,
};
use generate::{Generator, SECRETS};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;
use reference::{KEY, PATTERNS, Redact, Reference};
use runtime::config::Problems;
use schemas::Signal;
use schemas::wire::put_len;

fn raw(set: bool) -> RawConfig {
    let mut raw = RawConfig::default();
    raw.redact.delete = vec!["delete.me".into()];
    raw.redact.hash = RawHash {
        keys: vec!["hash.me".into()],
        key: Secret(KEY.into()),
    };
    raw.redact.mask = ["email", "token"]
        .into_iter()
        .zip(PATTERNS)
        .map(|(name, pattern)| RawMask {
            name: name.into(),
            pattern: pattern.into(),
            with: "****".into(),
        })
        .collect();
    if set {
        raw.set.resource = [("set.me".to_owned(), RawValue::Int(-7))].into();
        raw.set.item = raw.set.resource.clone();
    }
    raw
}

fn rules(raw: &RawConfig) -> Arc<Rules> {
    let mut problems = Problems::new();
    let config = raw.validate("enrich", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    config.rules
}

#[track_caller]
fn assert_no_secret(bytes: &[u8]) {
    for secret in SECRETS {
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{secret:?} in {:?}", String::from_utf8_lossy(bytes));
    }
}

/// What comes out decodes to what the plain rules make of what went in.
fn check<M: Redact>(rewriter: &mut Rewriter, signal: Signal, record: &[u8], reference: Reference) {
    let before = M::decode(record).unwrap();
    let mut expected = before.clone();
    expected.redact(reference);
    let mut out = Vec::new();
    let done = rewriter.transform(signal, record, &mut out).unwrap();
    let out = match done.outcome {
        Outcome::Changed => &out,
        Outcome::Unchanged => {
            assert!(out.is_empty());
            record
        }
    };
    assert_no_secret(out);
    pretty_assert(&M::decode(out).unwrap(), &expected);
    assert_eq!(done.items, schemas::otlp::Items::new(record).count());
    if done.outcome == Outcome::Unchanged {
        pretty_assert(&before, &expected);
    }
}

fn pretty_assert<M: Redact>(found: &M, expected: &M) {
    assert!(
        found == expected,
        "found {found:#?}\nexpected {expected:#?}"
    );
}

/// What comes out of damaged input, if anything does and it can be read, is such that the rules find nothing more to do.
fn check_damaged<M: Redact>(rewriter: &mut Rewriter, signal: Signal, record: &[u8]) {
    let mut out = Vec::new();
    let Ok(done) = rewriter.transform(signal, record, &mut out) else {
        assert!(out.is_empty());
        return;
    };
    let out = match done.outcome {
        Outcome::Changed => &out[..],
        Outcome::Unchanged => record,
    };
    let Ok(found) = M::decode(out) else { return };
    let mut expected = found.clone();
    expected.redact(Reference {
        hashed_before: true,
        ..Reference::default()
    });
    pretty_assert(&found, &expected);
}

macro_rules! by_signal {
    ($check:ident, $signal:expr, ($($argument:expr),*)) => {
        match $signal {
            Signal::Traces => $check::<ExportTraceServiceRequest>($($argument),*),
            Signal::Logs => $check::<ExportLogsServiceRequest>($($argument),*),
            Signal::Metrics => $check::<ExportMetricsServiceRequest>($($argument),*),
        }
    };
}

fn encoded_by_prost<M: Redact>(record: &[u8]) -> Vec<u8> {
    M::decode(record).unwrap().encode_to_vec()
}

/// Few for each run, `PROPTEST_CASES` for a long one.
fn cases() -> ProptestConfig {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => ProptestConfig::with_cases(150),
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn redacts_as_the_plain_rules_do(seed: u64, set: bool, signal in prop::sample::select(&Signal::ALL[..])) {
        let reference = Reference { set, ..Reference::default() };
        let mut rewriter = Rewriter::new(rules(&raw(set)));
        let mut generator = Generator::new(seed);
        // Several records through one rewriter: what it remembers must not matter.
        for _ in 0..4 {
            let record = generator.request(signal);
            let record = by_signal!(encoded_by_prost, signal, (&record));
            by_signal!(check, signal, (&mut rewriter, signal, &record, reference));
        }
    }

    /// Fields in any order, unknown fields in every message.
    #[test]
    fn redacts_whatever_the_order_of_fields(seed: u64, set: bool, signal in prop::sample::select(&Signal::ALL[..])) {
        let reference = Reference { set, ..Reference::default() };
        let mut rewriter = Rewriter::new(rules(&raw(set)));
        let mut generator = Generator::new(seed);
        generator.unknown_fields = true;
        generator.hash_scalars = true;
        for _ in 0..4 {
            let record = generator.request(signal);
            by_signal!(check, signal, (&mut rewriter, signal, &record, reference));
        }
    }

    #[test]
    fn damaged_input_leaks_nothing(seed: u64, signal in prop::sample::select(&Signal::ALL[..])) {
        let mut rewriter = Rewriter::new(rules(&raw(false)));
        let mut generator = Generator::new(seed);
        generator.unknown_fields = true;
        let record = generator.request(signal);
        for _ in 0..40 {
            let mut damaged = record.clone();
            generator.mutate(&mut damaged);
            by_signal!(check_damaged, signal, (&mut rewriter, signal, &damaged));
        }
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200), signal in prop::sample::select(&Signal::ALL[..])) {
        let mut rewriter = Rewriter::new(rules(&raw(true)));
        let mut out = Vec::new();
        match rewriter.transform(signal, &noise, &mut out) {
            Ok(done) => prop_assert!(done.outcome == Outcome::Changed || out.is_empty()),
            Err(_) => prop_assert!(out.is_empty()),
        }
    }
}

/// The tables name every field of the protocol, each with what it holds.
#[test]
fn tables_are_the_protocol() {
    fn compare(shape: &Shape, message: &str, seen: &mut Vec<String>) {
        if seen.iter().any(|name| name == message) {
            return;
        }
        seen.push(message.to_owned());
        let fields = &generate::fields()[message];
        // `Gauge` and `Sum` share a shape: the fields of both.
        let shared = matches!(message, "Gauge" | "Sum");
        for number in 0..shape.fields.len() as u32 + 20 {
            let kind = shape.field(number);
            let Some(field) = fields.iter().find(|field| field.number == number) else {
                assert!(
                    shared || matches!(kind, Kind::Unknown),
                    "{message} has no field {number}"
                );
                continue;
            };
            let fits = match (kind, field.kind) {
                (Kind::Text, "string") => field.name != "trace_state",
                (Kind::TraceState, "string") => field.name == "trace_state",
                (Kind::Id, "bytes") => field.name.ends_with("_id"),
                (Kind::Bytes, "bytes") => !field.name.ends_with("_id"),
                (Kind::Attribute, "KeyValue") => field.repeated,
                (Kind::Message(child), name) if name.starts_with(char::is_uppercase) => {
                    compare(child, name, seen);
                    true
                }
                (Kind::Numbers, kind) => field.repeated && kind.chars().all(|c| !c.is_uppercase()),
                (Kind::Number, "string" | "bytes") | (Kind::Unknown, _) => false,
                (Kind::Number, kind) => !field.repeated && kind.chars().all(|c| !c.is_uppercase()),
                _ => false,
            };
            assert!(
                fits,
                "{message}.{} is {} and {kind:?}",
                field.name, field.kind
            );
        }
    }
    let mut seen = vec![];
    for signal in Signal::ALL {
        compare(
            shape::request(signal),
            generate::request_name(signal),
            &mut seen,
        );
    }
    for message in generate::fields().keys() {
        // `KeyValue` is walked by hand.
        assert!(
            *message == "KeyValue" || seen.iter().any(|name| name == message),
            "{message}"
        );
    }
}

/// A span (field 2 of a scope, of a resource, of a request) with one field.
fn span_with(number: u32, value: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    put_len(&mut message, number, value);
    for number in [2, 2, 1] {
        let mut outer = Vec::new();
        put_len(&mut outer, number, &message);
        message = outer;
    }
    message
}

fn fields(fields: &[(u32, &[u8])]) -> Vec<u8> {
    let mut message = Vec::new();
    for (number, value) in fields {
        put_len(&mut message, *number, value);
    }
    message
}

#[track_caller]
fn refused(record: &[u8], expected: &str) {
    let mut rewriter = Rewriter::new(rules(&raw(false)));
    let mut out = Vec::new();
    match rewriter.transform(Signal::Traces, record, &mut out) {
        Err(Refused::Items {
            numbers,
            items,
            reason,
        }) => {
            assert_eq!(numbers.into_iter().flatten().collect::<Vec<_>>(), [0]);
            assert_eq!(items, 1);
            assert_eq!(reason.to_string(), expected);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(out, b"");
}

#[test]
fn what_is_not_understood_is_refused() {
    let value = fields(&[(1, b"alice")]);
    refused(
        &span_with(5, b"\xff"),
        "Span can't be read: field 5 is not UTF-8",
    );
    refused(
        &span_with(6, b"alice"),
        "Span can't be read: field 6 has wire type 2, which its type does not allow",
    );
    refused(
        &span_with(9, &fields(&[(1, b"\xff")])),
        "KeyValue can't be read: field 1 is not UTF-8",
    );
    // The last key counts, for some: a deleted one must not hide behind another.
    refused(
        &span_with(9, &fields(&[(1, b"delete.me"), (1, b"other"), (2, &value)])),
        "KeyValue has field 1 twice",
    );
    refused(
        &span_with(9, &fields(&[(1, b"a"), (2, &value), (2, &value)])),
        "KeyValue has field 2 twice",
    );
    let both = fields(&[(1, b"alice"), (7, b"bob")]);
    refused(
        &span_with(9, &fields(&[(1, b"a"), (2, &both)])),
        "AnyValue has field 7 twice",
    );
    refused(
        &span_with(9, b"\x0a\x7f"),
        "KeyValue can't be read: a length of 127 at byte 1, where 0 bytes are left",
    );
    let mut deep = value;
    for _ in 0..60 {
        deep = fields(&[(5, &fields(&[(1, &deep)]))]);
    }
    refused(
        &span_with(9, &fields(&[(1, b"a"), (2, &deep)])),
        "ArrayValue nests deeper than 100 messages",
    );
}

#[test]
fn unknown_fields_go_unless_they_are_to_be_kept() {
    let record = span_with(99, b"alice@leak.example");
    let mut out = Vec::new();
    let mut rewriter = Rewriter::new(rules(&raw(false)));
    rewriter
        .transform(Signal::Traces, &record, &mut out)
        .unwrap();
    assert_no_secret(&out);
    assert_eq!(rewriter.counts()[2], 1);
    assert_eq!(rewriter.rules().counters()[2], "unknown_field");

    let mut keep = raw(false);
    keep.redact.unknown_fields = RawUnknownFields::Keep;
    let mut set_only = raw(true);
    set_only.redact = Default::default();
    for (raw, grows) in [
        (keep, false),
        (set_only, true),
        (RawConfig::default(), false),
    ] {
        let mut rewriter = Rewriter::new(rules(&raw));
        let mut out = Vec::new();
        let done = rewriter
            .transform(Signal::Traces, &record, &mut out)
            .unwrap();
        assert_eq!(done.outcome == Outcome::Changed, grows);
        if grows {
            assert!(out.windows(18).any(|part| part == b"alice@leak.example"));
        }
    }
}

#[test]
fn contradictions_and_bad_patterns_are_problems_all_at_once() {
    let mut raw = raw(true);
    raw.redact.delete.push("set.me".into());
    raw.redact.mask[1].pattern = "(".into();
    let mut problems = Problems::new();
    raw.validate("enrich", &mut problems);
    let paths: Vec<_> = problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "enrich.redact.mask[1].pattern",
            "enrich.set.resource",
            "enrich.set.item"
        ]
    );
}

/// An empty key is no key that others know: nobody can repeat the hash without the process's own secret.
#[test]
fn a_hash_rule_without_a_secret_uses_a_random_one() {
    let hashed = |key: &str| {
        let mut raw = RawConfig::default();
        raw.redact.hash.keys = vec!["user.id".into()];
        raw.redact.hash.key = Secret(key.into());
        let mut problems = Problems::new();
        let config = raw.validate("enrich", &mut problems);
        assert!(problems.is_empty());
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![KeyValue {
                        key: "user.id".into(),
                        value: Some(AnyValue {
                            value: Some(any_value::Value::StringValue("user-17".into())),
                        }),
                        ..KeyValue::default()
                    }],
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans: vec![Span::default()],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        };
        let mut out = Vec::new();
        Rewriter::new(config.rules)
            .transform(Signal::Traces, &request.encode_to_vec(), &mut out)
            .unwrap();
        assert!(!out.windows(7).any(|part| part == b"user-17"));
        out
    };
    assert_eq!(hashed(""), hashed(""));
    assert_ne!(hashed(""), hashed("0123456789abcdef"));
}

#[test]
fn secrets_are_not_shown() {
    let raw = raw(false);
    assert!(!format!("{raw:?}").contains(KEY));
    assert!(!serde_json::to_string(&raw).unwrap().contains(KEY));
}
