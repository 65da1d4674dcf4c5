//! What the byte views are held to: prost, on any input. The property tests draw that input, and a fuzz target (`fuzz/fuzz_targets/otlp.rs`) finds it.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use schemas::Signal;
use schemas::otlp::{
    AnyValue, Attributes, Fault, Items, LogView, SpanView, StatusCode, check_item, check_request,
};
use schemas::wire::WireError;

/// Groups are the one thing that prost passes over and the views refuse.
pub fn is_group(error: WireError) -> bool {
    matches!(
        error,
        WireError::WireType {
            wire_type: 3 | 4,
            ..
        }
    )
}

/// An item with its heads, as bytes.
pub type Flat = (Vec<u8>, Vec<u8>, Vec<u8>);

/// All items of a request as the views read it.
pub fn walk(request: &[u8]) -> Result<Vec<Flat>, WireError> {
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

/// All items of a request as prost reads it.
pub fn model(signal: Signal, bytes: &[u8]) -> Result<Vec<Flat>, prost::DecodeError> {
    match signal {
        Signal::Traces => model!(
            ExportTraceServiceRequest,
            bytes,
            resource_spans,
            scope_spans,
            spans
        ),
        Signal::Logs => model!(
            ExportLogsServiceRequest,
            bytes,
            resource_logs,
            scope_logs,
            log_records
        ),
        Signal::Metrics => model!(
            ExportMetricsServiceRequest,
            bytes,
            resource_metrics,
            scope_metrics,
            metrics
        ),
    }
}

/// Whatever the bytes are: the same items as prost finds, or an error, and the full check takes what prost takes.
pub fn check_any(signal: Signal, bytes: &[u8]) {
    let model = model(signal, bytes);
    check_full(signal, bytes, model.is_ok());
    match (walk(bytes), model) {
        (Ok(ours), Ok(theirs)) => {
            let ours: Vec<_> = (ours.iter())
                .map(|flat| recode(signal, flat).expect("what prost reads"))
                .collect();
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
                let fault = check_item(signal, item.expect("sound").body)
                    .expect("sound")
                    .fault;
                assert!(matches!(fault, None | Some(Fault::Id)), "{fault:?}");
            }
        }
        Err(error) => assert!(!sound || is_group(error), "{error} in what prost reads"),
    }
}

/// The same with its bytes as prost would write them.
fn recode(signal: Signal, flat: &Flat) -> Option<Flat> {
    fn again<M: Message + Default>(bytes: &[u8]) -> Option<Vec<u8>> {
        Some(M::decode(bytes).ok()?.encode_to_vec())
    }
    let (resource, scope, item) = flat;
    Some(match signal {
        Signal::Traces => (
            again::<ResourceSpans>(resource)?,
            again::<ScopeSpans>(scope)?,
            again::<Span>(item)?,
        ),
        Signal::Logs => (
            again::<ResourceLogs>(resource)?,
            again::<ScopeLogs>(scope)?,
            again::<LogRecord>(item)?,
        ),
        Signal::Metrics => (
            again::<ResourceMetrics>(resource)?,
            again::<ScopeMetrics>(scope)?,
            again::<Metric>(item)?,
        ),
    })
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

/// The view of a span against the span; an error is the view's.
pub fn check_span(body: &[u8], span: &Span) -> Result<(), WireError> {
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

/// The same of a log record.
pub fn check_log(body: &[u8], log: &LogRecord) -> Result<(), WireError> {
    let view = LogView::parse(body)?;
    assert_eq!(view.trace_id, log.trace_id);
    assert_eq!(view.span_id, log.span_id);
    assert_eq!(view.time_unix_nano, log.time_unix_nano);
    assert_eq!(view.severity_number, log.severity_number);
    check_attributes(view.attributes(), &log.attributes)
}
