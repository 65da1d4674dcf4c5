//! The byte views against prost, on random requests and damaged ones. On any input they give the same items or an error, and never panic.

use crate::generate::mutate;
use crate::model::{Flat, check_any, check_log, check_span, is_group, model, walk};
use fastrand::Rng;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Gauge, Metric, NumberDataPoint};
use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;
use schemas::Signal;
use schemas::otlp::{AnyValue, Fault, Items, LogView, SpanView, check_item};
use schemas::wire::{self, Fields};

/// One field that no version of OTLP knows, of each wire type in turn.
fn unknown(rng: &mut Rng) -> Vec<u8> {
    let mut field = Vec::new();
    match rng.u8(..4) {
        0 => wire::put_varint_field(&mut field, 77, rng.u64(..)),
        1 => wire::put_fixed64(&mut field, 78, rng.u64(..)),
        2 => wire::put_len(&mut field, 4_000, &crate::generate::bytes(rng)),
        _ => wire::put_fixed32(&mut field, 536_870_911, rng.u32(..)),
    }
    field
}

/// A message's fields with children and unknown fields put among them anywhere: returns it with and without the children.
fn salted(rng: &mut Rng, head: &[u8], children: Vec<Vec<u8>>) -> (Vec<u8>, Vec<u8>) {
    let mut fields: Vec<_> = Fields::new(head).map(|f| f.unwrap().raw.to_vec()).collect();
    fields.extend((0..rng.usize(..3)).map(|_| unknown(rng)));
    rng.shuffle(&mut fields);
    let without = fields.concat();
    let mut at = 0;
    for child in children {
        at = rng.usize(at..=fields.len());
        let mut field = Vec::new();
        wire::put_len(&mut field, 2, &child);
        fields.insert(at, field);
        at += 1;
    }
    (fields.concat(), without)
}

/// A trace request with fields in any order and unknown fields everywhere, and its items as they must come out.
fn salted_traces(rng: &mut Rng) -> (Vec<u8>, Vec<Flat>) {
    let (mut request, mut expected) = (Vec::new(), Vec::new());
    for mut resource in crate::generate::traces(rng).resource_spans {
        let (mut scopes, mut resource_items) = (Vec::new(), Vec::new());
        for mut scope in std::mem::take(&mut resource.scope_spans) {
            let bodies: Vec<_> = std::mem::take(&mut scope.spans)
                .iter()
                .map(|span| [span.encode_to_vec(), unknown(rng)].concat())
                .collect();
            let (message, head) = salted(rng, &scope.encode_to_vec(), bodies.clone());
            scopes.push(message);
            resource_items.extend(bodies.into_iter().map(|body| (head.clone(), body)));
        }
        let (message, head) = salted(rng, &resource.encode_to_vec(), scopes);
        wire::put_len(&mut request, 1, &message);
        request.extend(unknown(rng));
        expected.extend(
            resource_items
                .into_iter()
                .map(|(scope, body)| (head.clone(), scope, body)),
        );
    }
    (request, expected)
}

/// The item's own ids, and whether any of `all` has a wrong length.
fn check_ids<'a>(
    signal: Signal,
    body: &[u8],
    own: [&[u8]; 2],
    mut all: impl Iterator<Item = (&'a Vec<u8>, usize)>,
) {
    let wrong = all.any(|(id, length)| !id.is_empty() && id.len() != length);
    let checked = check_item(signal, body).unwrap();
    assert_eq!([checked.trace_id, checked.span_id], own);
    assert_eq!(checked.fault, wrong.then_some(Fault::Id));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn items_are_those_of_prost(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let request = crate::generate::traces(rng).encode_to_vec();
        prop_assert_eq!(walk(&request).unwrap(), model(Signal::Traces, &request).unwrap());
        let request = crate::generate::logs(rng).encode_to_vec();
        prop_assert_eq!(walk(&request).unwrap(), model(Signal::Logs, &request).unwrap());
        let request = crate::generate::metrics(rng).encode_to_vec();
        prop_assert_eq!(walk(&request).unwrap(), model(Signal::Metrics, &request).unwrap());
    }

    #[test]
    fn unknown_fields_and_odd_orders_survive_byte_for_byte(seed: u64) {
        let (request, expected) = salted_traces(&mut Rng::with_seed(seed));
        prop_assert_eq!(walk(&request).unwrap(), expected);
    }

    #[test]
    fn a_mutated_request_gives_the_same_items_or_an_error(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let mut request = salted_traces(rng).0;
        mutate(rng, &mut request);
        check_any(Signal::Traces, &request);
    }

    #[test]
    fn the_full_check_takes_what_prost_takes(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let mut traces = crate::generate::traces(rng).encode_to_vec();
        let mut logs = crate::generate::logs(rng).encode_to_vec();
        let mut metrics = crate::generate::metrics(rng).encode_to_vec();
        for _ in 0..4 {
            check_any(Signal::Traces, &traces);
            check_any(Signal::Logs, &logs);
            check_any(Signal::Metrics, &metrics);
            mutate(rng, &mut traces);
            mutate(rng, &mut logs);
            mutate(rng, &mut metrics);
        }
    }

    #[test]
    fn the_check_of_an_item_finds_its_ids_and_wrong_ones_anywhere(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let span = crate::generate::span(rng);
        let links = span.links.iter().flat_map(|link| [(&link.trace_id, 16), (&link.span_id, 8)]);
        let own = [(&span.trace_id, 16), (&span.span_id, 8), (&span.parent_span_id, 8)];
        check_ids(Signal::Traces, &span.encode_to_vec(), [&span.trace_id, &span.span_id], links.chain(own));
        let log = crate::generate::log(rng);
        let own = [(&log.trace_id, 16), (&log.span_id, 8)];
        check_ids(Signal::Logs, &log.encode_to_vec(), [&log.trace_id, &log.span_id], own.into_iter());
        let exemplar = Exemplar { trace_id: span.trace_id, span_id: span.span_id, ..Exemplar::default() };
        let ids = [(&exemplar.trace_id, 16), (&exemplar.span_id, 8)].map(|(id, length)| (id.clone(), length));
        let point = NumberDataPoint { exemplars: vec![exemplar], ..NumberDataPoint::default() };
        let metric = Metric { data: Some(Data::Gauge(Gauge { data_points: vec![point] })), ..Metric::default() };
        check_ids(Signal::Metrics, &metric.encode_to_vec(), [&[], &[]], ids.iter().map(|(id, length)| (id, *length)));
    }

    #[test]
    fn any_bytes_are_walked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for signal in Signal::ALL {
            check_any(signal, &bytes);
        }
        let _ = SpanView::parse(&bytes).map(|view| view.attributes().count());
        let _ = LogView::parse(&bytes).map(|view| view.attributes().count());
        let _ = AnyValue::parse(&bytes);
    }

    #[test]
    fn spans_read_as_prost_reads_them(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let span = crate::generate::span(rng);
        let mut body = span.encode_to_vec();
        check_span(&body, &span).unwrap();
        mutate(rng, &mut body);
        if let Ok(span) = Span::decode(&*body)
            && let Err(error) = check_span(&body, &span)
        {
            prop_assert!(is_group(error), "{}", error);
        }
    }

    #[test]
    fn logs_read_as_prost_reads_them(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let log = crate::generate::log(rng);
        let mut body = log.encode_to_vec();
        check_log(&body, &log).unwrap();
        mutate(rng, &mut body);
        if let Ok(log) = LogRecord::decode(&*body)
            && let Err(error) = check_log(&body, &log)
        {
            prop_assert!(is_group(error), "{}", error);
        }
    }

    #[test]
    fn a_truncated_request_is_an_error(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let mut resource = Vec::new();
        wire::put_len(&mut resource, 2, &ScopeSpans {
            spans: vec![crate::generate::span(rng)],
            ..ScopeSpans::default()
        }.encode_to_vec());
        let mut request = Vec::new();
        wire::put_len(&mut request, 1, &resource);
        prop_assert!(walk(&request).is_ok());
        prop_assert!(walk(&request[..rng.usize(1..request.len())]).is_err());
    }
}

/// `Resource` fields that arrive in two pieces are one resource to every protobuf reader.
#[test]
fn attributes_of_a_resource_in_two_pieces_are_all_seen() {
    let pair = |key: &str| {
        let mut pair = Vec::new();
        wire::put_len(&mut pair, 1, key.as_bytes());
        let mut resource = Vec::new();
        wire::put_len(&mut resource, 1, &pair);
        resource
    };
    let mut message = Vec::new();
    wire::put_len(&mut message, 1, &pair("a"));
    wire::put_len(&mut message, 2, &[0x12, 0]);
    wire::put_len(&mut message, 1, &pair("b"));
    let mut request = Vec::new();
    wire::put_len(&mut request, 1, &message);
    let item = Items::new(&request).next().unwrap().unwrap();
    let keys: Vec<_> = item.resource.attributes().map(|a| a.unwrap().key).collect();
    assert_eq!(keys, [b"a", b"b"]);
    assert_eq!(item.resource.resource(), pair("b"));
}
