//! The rewriter against plain rules on the generated types: no secret anywhere in the output, everything else as it was.
#![allow(clippy::unwrap_used)]

mod generate;
mod pii;
mod reference;

use std::sync::Arc;

use generate::{Generator, SECRETS};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use proptest::prelude::*;
use redact::{At, Fixed, HashKey, Mask, Outcome, Redaction, Refused, Rewriter, Rules};
use reference::{KEY, PATTERNS, Redact, Reference};
use schemas::Signal;
use schemas::otlp::schema::{self, Kind, Meaning, Message, Presence};
use schemas::wire::put_len;

fn redaction(set: bool) -> Redaction {
    let masks = ["email", "token"]
        .into_iter()
        .zip(PATTERNS)
        .map(|(name, pattern)| Mask {
            name: name.into(),
            pattern: pattern.into(),
            with: "****".into(),
        });
    let mut redaction = Redaction {
        delete: vec!["delete.me".into()],
        hash: vec!["hash.me".into()],
        hash_key: HashKey(KEY.into()),
        masks: masks.collect(),
        ..Redaction::default()
    };
    if set {
        redaction.set_resource = [("set.me".to_owned(), Fixed::Int(-7))].into();
        redaction.set_item = redaction.set_resource.clone();
    }
    redaction
}

fn rules(redaction: &Redaction) -> Arc<Rules> {
    Arc::new(Rules::compile(redaction).unwrap())
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
        let mut rewriter = Rewriter::new(rules(&redaction(set)));
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
        let mut rewriter = Rewriter::new(rules(&redaction(set)));
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
        let mut rewriter = Rewriter::new(rules(&redaction(false)));
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
        let mut rewriter = Rewriter::new(rules(&redaction(true)));
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
    fn compare(message: &Message, seen: &mut Vec<String>) {
        if seen.iter().any(|name| name == message.name) {
            return;
        }
        seen.push(message.name.to_owned());
        let name = message.name;
        let fields = &generate::fields()[name];
        for number in 0..40 {
            let known = message.field(number);
            let field = fields.iter().find(|field| field.number == number);
            let (Some(known), Some(field)) = (known, field) else {
                assert!(
                    known.is_none() && field.is_none(),
                    "{name} has field {number} in one table only"
                );
                continue;
            };
            let is_plain = field.kind.chars().all(|c| !c.is_uppercase());
            let is_many = known.presence == Presence::Many;
            let fits = match (known.kind, field.kind) {
                (Kind::Text, "string") => {
                    (field.name == "trace_state") == (known.meaning == Meaning::TraceState)
                }
                (Kind::Id(_), "bytes") => field.name.ends_with("_id"),
                (Kind::Bytes, "bytes") => !field.name.ends_with("_id"),
                (Kind::Message(child), "KeyValue") => {
                    compare(child, seen);
                    field.repeated && known.meaning == Meaning::Attribute
                }
                (Kind::Message(child), other) if !is_plain => {
                    compare(child, seen);
                    child.name == other && known.meaning == Meaning::Plain
                }
                (_, "string" | "bytes") => false,
                (kind, _) => kind.is_number() && is_plain,
            };
            assert!(
                fits && is_many == field.repeated,
                "{name}.{} is {} and {known:?}",
                field.name,
                field.kind
            );
        }
    }
    let mut seen = vec![];
    for signal in Signal::ALL {
        assert_eq!(schema::request(signal).name, generate::request_name(signal));
        compare(schema::request(signal), &mut seen);
    }
    for message in generate::fields().keys() {
        assert!(seen.iter().any(|name| name == message), "{message}");
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
    let mut rewriter = Rewriter::new(rules(&redaction(false)));
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
    let mut rewriter = Rewriter::new(rules(&redaction(false)));
    rewriter
        .transform(Signal::Traces, &record, &mut out)
        .unwrap();
    assert_no_secret(&out);
    assert_eq!(rewriter.counts()[2], 1);
    assert_eq!(rewriter.rules().counters()[2], "unknown_field");

    let keep = Redaction {
        keep_unknown_fields: true,
        ..redaction(false)
    };
    let set_only = Redaction {
        set_resource: redaction(true).set_resource,
        ..Redaction::default()
    };
    for (redaction, grows) in [
        (keep, false),
        (set_only, true),
        (Redaction::default(), false),
    ] {
        let mut rewriter = Rewriter::new(rules(&redaction));
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
    let mut redaction = redaction(true);
    redaction.delete.push("set.me".into());
    redaction.masks[1].pattern = "(".into();
    redaction.hash_key = HashKey::default();
    let problems = Rules::compile(&redaction).unwrap_err();
    let places: Vec<_> = problems.iter().map(|problem| problem.at).collect();
    assert_eq!(
        places,
        [
            At::MaskPattern(1),
            At::SetResource,
            At::SetItem,
            At::HashKey
        ]
    );
}

#[test]
fn secrets_are_not_shown() {
    assert!(!format!("{:?}", redaction(false)).contains(KEY));
    assert!(!format!("{:?}", rules(&redaction(false))).contains(KEY));
}
