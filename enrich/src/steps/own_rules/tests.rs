use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;
use runtime::config::{Problems, Secret};
use schemas::Signal;

use crate::steps::{Program, process};
use crate::{RawConfig, RawMask, RawRedact, RawUnknownFields};

const KEYS: [&str; 4] = ["user", "card", "note", "env"];
const PATTERNS: [&str; 6] = [
    r"\d{4}-\d{4}",
    r"(\d)(\d)(\d)(\d)",
    r"-",
    r"[a-z]+@",
    r"s\d",
    r"(\w+)@(\w+)",
];
const WITH: [&str; 4] = ["****", "", "$1", "x${1}-${0}y"];

/// A text with something in it that rules look for, and a number that stands nowhere else.
fn text(number: usize, form: u8) -> String {
    match form % 4 {
        0 => format!("card 1234-{:04}", 1000 + number),
        1 => format!("name{number}@example"),
        2 => format!("s{number}s"),
        _ => format!("plain {number}!"),
    }
}

/// The texts, one in each attribute of a span or its resource, and in the name of a span.
fn request(forms: &[(usize, u8)]) -> (Bytes, Vec<String>) {
    let texts: Vec<_> = (100..)
        .zip(forms)
        .map(|(number, (_, form))| text(number, *form))
        .collect();
    let attribute = |(text, (key, _)): (&String, &(usize, u8))| KeyValue {
        key: KEYS[*key].to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(text.clone())),
        }),
        ..KeyValue::default()
    };
    let attributes: Vec<_> = texts.iter().zip(forms).map(attribute).collect();
    let (of_resource, of_span) = attributes.split_at(attributes.len() / 2);
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![1; 8],
        name: texts[0].clone(),
        attributes: of_span.to_vec(),
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: of_resource.to_vec(),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    (request.encode_to_vec().into(), texts)
}

fn rules() -> impl Strategy<Value = RawRedact> {
    let keys = || prop::sample::subsequence(KEYS.to_vec(), 0..=2);
    let mask = (0..PATTERNS.len(), 0..WITH.len());
    let masks = prop::collection::vec(mask, 0..4);
    (keys(), keys(), masks, any::<bool>()).prop_map(|(delete, hash, masks, keep)| {
        let mut redact = RawRedact {
            unknown_fields: match keep {
                true => RawUnknownFields::Keep,
                false => RawUnknownFields::Drop,
            },
            ..RawRedact::default()
        };
        // The same key in two rules is refused.
        let hash = hash.into_iter().filter(|key| !delete.contains(key));
        redact.hash.keys = hash.map(str::to_owned).collect();
        redact.delete = delete.into_iter().map(str::to_owned).collect();
        redact.hash.key = Secret("a secret of sixteen bytes".to_owned());
        for (at, (pattern, with)) in masks.into_iter().enumerate() {
            let groups = PATTERNS[pattern].contains('(');
            redact.mask.push(RawMask {
                name: format!("m{at}"),
                pattern: PATTERNS[pattern].to_owned(),
                with: match groups {
                    true => WITH[with],
                    false => WITH[with % 2],
                }
                .to_owned(),
            });
        }
        redact
    })
}

/// What comes out for the tenant `shop`.
fn cleaned(everybodys: &RawRedact, own: Option<&RawRedact>, request: &Bytes) -> Vec<u8> {
    let raw = RawConfig {
        redact: everybodys.clone(),
        ..RawConfig::default()
    };
    let mut problems = Problems::new();
    let tenants = [("shop", own)].into();
    let config = raw.validate_with("enrich", &tenants, "tenants", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    let mut program = Program::new(
        config.steps,
        config.rules,
        config.tenants,
        crate::Pods::default(),
    );
    let tenant = Some(&b"shop"[..]);
    let processed = process(
        &mut program,
        Signal::Traces,
        tenant,
        request.clone(),
        1 << 20,
    );
    assert!(processed.dead.is_empty(), "{:?}", processed.dead);
    processed.clean.concat()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever rules a tenant has: what everybody's take away is gone.
    #[test]
    fn a_tenants_rules_bring_nothing_back(
        everybodys in rules(),
        own in rules(),
        forms in prop::collection::vec((0..KEYS.len(), any::<u8>()), 1..12),
    ) {
        let (request, texts) = request(&forms);
        let without = cleaned(&everybodys, None, &request);
        let with = cleaned(&everybodys, Some(&own), &request);
        for text in &texts {
            // Also the parts of it that rules look for.
            for part in text.split([' ', '@', '-']).chain([text.as_str()]) {
                // Shorter ones may stand in a hash by chance.
                if part.len() >= 7 && !holds(&without, part) {
                    prop_assert!(!holds(&with, part), "{part:?} of {text:?} is back");
                }
            }
        }
    }
}

fn deletes(keys: &[&str]) -> RawRedact {
    RawRedact {
        delete: keys.iter().map(|key| (*key).to_owned()).collect(),
        ..RawRedact::default()
    }
}

#[test]
fn a_tenants_rules_are_added() {
    let (request, texts) = request(&[(0, 3), (1, 3), (2, 3), (3, 3)]);
    let held = |everybodys: &[&str], own: Option<&[&str]>| -> Vec<usize> {
        let own = own.map(deletes);
        let clean = cleaned(&deletes(everybodys), own.as_ref(), &request);
        // The first is the span's name too.
        let held = (1..texts.len()).filter(|&at| holds(&clean, &texts[at]));
        held.collect()
    };
    assert_eq!(held(&[], None), [1, 2, 3]);
    assert_eq!(held(&["card"], None), [2, 3]);
    assert_eq!(held(&["card"], Some(&[])), [2, 3]);
    assert_eq!(held(&["card"], Some(&["note"])), [3]);
    assert_eq!(held(&[], Some(&["note"])), [1, 3]);
}

/// One tenant's rules hold for none but it, and what they did is counted as its.
#[test]
fn each_tenant_has_its_own_rules() {
    let names: Vec<_> = (0..200).map(|at| format!("t{at}")).collect();
    let own: Vec<_> = (0..200).map(|at| deletes(&[KEYS[1 + at % 3]])).collect();
    let tenants = names.iter().map(String::as_str).zip(own.iter().map(Some));
    let raw = RawConfig::default();
    let config = raw.validate_with(
        "enrich",
        &tenants.collect(),
        "tenants",
        &mut Problems::new(),
    );
    let mut program = Program::new(
        config.steps,
        config.rules,
        config.tenants.clone(),
        crate::Pods::default(),
    );
    let (request, texts) = request(&[(0, 3), (1, 3), (2, 3), (3, 3)]);
    // Twice, and more of them than rewriters are held.
    for at in (0..200).chain(0..200) {
        let tenant = Some(names[at].as_bytes());
        let processed = process(
            &mut program,
            Signal::Traces,
            tenant,
            request.clone(),
            1 << 20,
        );
        let clean = processed.clean.concat();
        for (key, text) in texts.iter().enumerate().skip(1) {
            assert_eq!(holds(&clean, text), key != 1 + at % 3, "{at} {key}");
        }
        let (set, counts) = processed.own_redactions.unwrap();
        let counters = &config.tenants.sets()[set].counters;
        let deleted = counters.iter().zip(&counts).find(|(_, count)| **count > 0);
        assert_eq!(deleted, Some((&format!("t{at}/delete"), &1)));
    }
    let other = process(&mut program, Signal::Traces, None, request.clone(), 1 << 20);
    assert_eq!(other.clean, [request]);
    assert_eq!(other.own_redactions, None);
}
