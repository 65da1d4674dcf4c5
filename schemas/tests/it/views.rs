//! Model tests: the byte views against prost. On any input they give the same items or an error, and never panic.

use crate::generate::{is_group, mutate};
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Gauge, Metric, NumberDataPoint};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::prelude::*;
use prost::Message;
use schemas::Signal;
use schemas::otlp::{
    AnyValue, Attributes, Fault, Items, LogView, SpanView, StatusCode, check_item, check_request,
};
use schemas::wire::{self, Fields, WireError};

/// An item with its heads, as bytes.
type Flat = (Vec<u8>, Vec<u8>, Vec<u8>);

fn walk(request: &[u8]) -> Result<Vec<Flat>, WireError> {
    Items::new(request)
        .map(|item| {
            let item = item?;
            let (mut resource, mut scope) = (Vec::new(), Vec::new());
            item.resource.write(&mut resource);
            item.scope.write(&mut scope);
            Ok((resource, scope, item.body.to_vec()))
        })
        .collect()
}

/// What prost makes of the same request; the heads are messages without children.
macro_rules! model {
    ($request:ty, $bytes:expr, $resources:ident, $scopes:ident, $items:ident) => {
        <$request>::decode($bytes).map(|request| {
            let mut flat: Vec<Flat> = Vec::new();
            for mut resource in request.$resources {
                let scopes = std::mem::take(&mut resource.$scopes);
                for mut scope in scopes {
                    for item in std::mem::take(&mut scope.$items) {
                        flat.push((
                            resource.encode_to_vec(),
                            scope.encode_to_vec(),
                            item.encode_to_vec(),
                        ));
                    }
                }
            }
            flat
        })
    };
}

fn model_traces(bytes: &[u8]) -> Result<Vec<Flat>, prost::DecodeError> {
    model!(
        ExportTraceServiceRequest,
        bytes,
        resource_spans,
        scope_spans,
        spans
    )
}

fn model_logs(bytes: &[u8]) -> Result<Vec<Flat>, prost::DecodeError> {
    model!(
        ExportLogsServiceRequest,
        bytes,
        resource_logs,
        scope_logs,
        log_records
    )
}

fn model_metrics(bytes: &[u8]) -> Result<Vec<Flat>, prost::DecodeError> {
    model!(
        ExportMetricsServiceRequest,
        bytes,
        resource_metrics,
        scope_metrics,
        metrics
    )
}

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

fn check_mutated(
    bytes: &[u8],
    model: Result<Vec<Flat>, prost::DecodeError>,
    recode: fn(&Flat) -> Option<Flat>,
) {
    match (walk(bytes), model) {
        (Ok(ours), Ok(theirs)) => {
            let ours: Vec<_> = ours.iter().map(|flat| recode(flat).unwrap()).collect();
            assert_eq!(ours, theirs);
        }
        (Err(error), Ok(_)) => assert!(is_group(error), "{error} in what prost reads"),
        // What stands deeper than the items is checked by their views.
        (_, Err(_)) => {}
    }
}

/// What passes whole passes item by item too.
fn check_full(signal: Signal, request: &[u8], sound: bool) {
    match check_request(signal, request) {
        Ok(()) => {
            assert!(sound, "prost refuses what passed: {request:02x?}");
            for item in Items::new(request) {
                let fault = check_item(signal, item.unwrap().body).unwrap().fault;
                assert!(matches!(fault, None | Some(Fault::Id)), "{fault:?}");
            }
        }
        Err(error) => assert!(!sound || is_group(error), "{error} in what prost reads"),
    }
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

/// The bytes as prost would write them.
fn recode_traces(flat: &Flat) -> Option<Flat> {
    Some((
        ResourceSpans::decode(&*flat.0).ok()?.encode_to_vec(),
        ScopeSpans::decode(&*flat.1).ok()?.encode_to_vec(),
        Span::decode(&*flat.2).ok()?.encode_to_vec(),
    ))
}

/// Compares by kind where prost has a container: ours hold its bytes.
fn same_value(ours: &AnyValue<'_>, theirs: Option<&Value>) -> bool {
    match (ours, theirs) {
        (AnyValue::Empty, None | Some(Value::StringValueStrindex(_)))
        | (AnyValue::Array(_), Some(Value::ArrayValue(_)))
        | (AnyValue::Kvlist(_), Some(Value::KvlistValue(_))) => true,
        (AnyValue::String(ours), Some(Value::StringValue(theirs))) => *ours == theirs.as_bytes(),
        (AnyValue::Bool(ours), Some(Value::BoolValue(theirs))) => ours == theirs,
        (AnyValue::Int(ours), Some(Value::IntValue(theirs))) => ours == theirs,
        (AnyValue::Double(ours), Some(Value::DoubleValue(theirs))) => {
            ours.to_bits() == theirs.to_bits()
        }
        (AnyValue::Bytes(ours), Some(Value::BytesValue(theirs))) => ours == theirs,
        // The views don't know this alternative of the oneof, which stands for profiles only.
        (_, Some(Value::StringValueStrindex(_))) => true,
        _ => false,
    }
}

fn check_attributes(ours: Attributes<'_>, theirs: &[KeyValue]) -> Result<(), WireError> {
    let ours = ours.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours.key, theirs.key.as_bytes());
        let theirs = theirs.value.as_ref().and_then(|value| value.value.as_ref());
        assert!(same_value(&ours.value, theirs), "{ours:?} and {theirs:?}");
    }
    Ok(())
}

fn check_span(body: &[u8], span: &Span) -> Result<(), WireError> {
    let view = SpanView::parse(body)?;
    assert_eq!(view.trace_id, span.trace_id);
    assert_eq!(view.span_id, span.span_id);
    assert_eq!(view.parent_span_id, span.parent_span_id);
    assert_eq!(view.trace_state, span.trace_state.as_bytes());
    assert_eq!(view.name, span.name.as_bytes());
    assert_eq!(view.kind, span.kind);
    assert_eq!(view.flags, span.flags);
    assert_eq!(view.start_unix_nano, span.start_time_unix_nano);
    assert_eq!(view.end_unix_nano, span.end_time_unix_nano);
    let code = span.status.as_ref().map_or(0, |status| status.code);
    assert_eq!(view.status, StatusCode::from(code));
    let valid = |id: &[u8], length| id.len() == length && id != vec![0; length];
    assert_eq!(view.valid_trace_id().is_some(), valid(&span.trace_id, 16));
    assert_eq!(view.valid_span_id().is_some(), valid(&span.span_id, 8));
    assert_eq!(view.is_root(), span.parent_span_id.iter().all(|&b| b == 0));
    check_attributes(view.attributes(), &span.attributes)
}

fn check_log(body: &[u8], log: &LogRecord) -> Result<(), WireError> {
    let view = LogView::parse(body)?;
    assert_eq!(view.trace_id, log.trace_id);
    assert_eq!(view.span_id, log.span_id);
    assert_eq!(view.time_unix_nano, log.time_unix_nano);
    assert_eq!(view.severity_number, log.severity_number);
    check_attributes(view.attributes(), &log.attributes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn items_are_those_of_prost(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let request = crate::generate::traces(rng).encode_to_vec();
        prop_assert_eq!(walk(&request).unwrap(), model_traces(&request).unwrap());
        let request = crate::generate::logs(rng).encode_to_vec();
        prop_assert_eq!(walk(&request).unwrap(), model_logs(&request).unwrap());
        let request = crate::generate::metrics(rng).encode_to_vec();
        prop_assert_eq!(walk(&request).unwrap(), model_metrics(&request).unwrap());
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
        check_mutated(&request, model_traces(&request), recode_traces);
    }

    #[test]
    fn the_full_check_takes_what_prost_takes(seed: u64) {
        let rng = &mut Rng::with_seed(seed);
        let mut traces = crate::generate::traces(rng).encode_to_vec();
        let mut logs = crate::generate::logs(rng).encode_to_vec();
        let mut metrics = crate::generate::metrics(rng).encode_to_vec();
        for _ in 0..4 {
            check_full(Signal::Traces, &traces, model_traces(&traces).is_ok());
            check_full(Signal::Logs, &logs, model_logs(&logs).is_ok());
            check_full(Signal::Metrics, &metrics, model_metrics(&metrics).is_ok());
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
        check_mutated(&bytes, model_traces(&bytes), recode_traces);
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
