//! Whether every consumer can decode an item: framing, wire types, UTF-8 and lengths of ids, at every depth.
//!
//! Items of many senders share a record on the bus. A consumer with generated types (the Collector, a backend) refuses the
//! whole record for one bad string in it, so what can't be decoded is stopped here, where its sender is told. Costs a walk
//! over the fields, without a copy. Unknown fields are passed over and kept: they belong to a newer protocol.
//! Field numbers: opentelemetry-proto 1.11.

use schemas::Signal;
use schemas::wire::{Field, Fields, Value, WireError, read_varint};

/// What is wrong with one item that is well-formed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A string that is not UTF-8.
    Utf8,
    /// A trace or span id that is neither empty nor of its length, in the item itself, a link or an exemplar.
    Id,
}

/// Messages within messages; prost stops at 100 counted from the request, of which items have this many left.
const DEPTH_MAX: usize = 90;

/// Checks a span, log record or metric.
///
/// # Errors
/// The message, or one in it, is not protobuf or not of its type.
pub fn item(signal: Signal, body: &[u8]) -> Result<Option<Fault>, WireError> {
    let schema = match signal {
        Signal::Traces => &SPAN,
        Signal::Logs => &LOG_RECORD,
        Signal::Metrics => &METRIC,
    };
    let mut fault = None;
    message(schema, body, DEPTH_MAX, &mut fault)?;
    Ok(fault)
}

/// Checks the fields round the scopes of a resource.
pub fn resource_head<'a>(
    fields: impl Iterator<Item = Result<Field<'a>, WireError>>,
) -> Result<Option<Fault>, WireError> {
    head(&RESOURCE_HEAD, fields)
}

/// Checks the fields round the items of a scope.
pub fn scope_head<'a>(
    fields: impl Iterator<Item = Result<Field<'a>, WireError>>,
) -> Result<Option<Fault>, WireError> {
    head(&SCOPE_HEAD, fields)
}

fn head<'a>(
    schema: &'static Message,
    fields: impl Iterator<Item = Result<Field<'a>, WireError>>,
) -> Result<Option<Fault>, WireError> {
    let mut fault = None;
    for found in fields {
        field(schema, &found?, DEPTH_MAX, &mut fault)?;
    }
    Ok(fault)
}

fn message(
    schema: &'static Message,
    body: &[u8],
    depth: usize,
    fault: &mut Option<Fault>,
) -> Result<(), WireError> {
    for found in Fields::new(body) {
        field(schema, &found?, depth, fault)?;
    }
    Ok(())
}

#[inline]
fn field(
    schema: &'static Message,
    field: &Field<'_>,
    depth: usize,
    fault: &mut Option<Fault>,
) -> Result<(), WireError> {
    let Some(kind) = schema.0.get(field.number as usize) else {
        return Ok(());
    };
    match (kind, &field.value) {
        (Kind::Unknown, _)
        | (Kind::Varint, Value::Varint(_))
        | (Kind::Fixed64 | Kind::Fixed64s, Value::Fixed64(_))
        | (Kind::Fixed32, Value::Fixed32(_))
        | (Kind::Varints, Value::Varint(_))
        | (Kind::Bytes, Value::Len(_)) => {}
        (Kind::Str, Value::Len(bytes)) => {
            if std::str::from_utf8(bytes).is_err() {
                *fault = Some(Fault::Utf8);
            }
        }
        (Kind::Id(length), Value::Len(bytes)) => {
            if bytes.len() != *length && !bytes.is_empty() {
                *fault = Some(Fault::Id);
            }
        }
        (Kind::In(inner), Value::Len(body)) => {
            let depth = depth
                .checked_sub(1)
                .ok_or(WireError::Depth { limit: DEPTH_MAX })?;
            message(inner, body, depth, fault)?;
        }
        (Kind::Fixed64s, Value::Len(packed)) => {
            if packed.len() % 8 != 0 {
                return Err(WireError::Truncated { at: packed.len() });
            }
        }
        (Kind::Varints, Value::Len(packed)) => {
            let mut at = 0;
            while at < packed.len() {
                (_, at) = read_varint(packed, at)?;
            }
        }
        _ => return Err(field.mismatch()),
    }
    Ok(())
}

/// The kinds of a message's fields, by field number.
struct Message(&'static [Kind]);

enum Kind {
    Unknown,
    Varint,
    Fixed32,
    Fixed64,
    /// `repeated`, packed or not.
    Varints,
    Fixed64s,
    Str,
    Bytes,
    /// Bytes of this length, or none.
    Id(usize),
    In(&'static Message),
}

use Kind::{
    Bytes, Fixed32 as F32, Fixed64 as F64, Fixed64s, Id, In, Str, Unknown as NO, Varint, Varints,
};

const TRACE_ID: Kind = Id(16);
const SPAN_ID: Kind = Id(8);
const ATTRIBUTES: Kind = In(&KEY_VALUE);

static KEY_VALUE: Message = Message(&[NO, Str, In(&ANY_VALUE)]);
static ANY_VALUE: Message = Message(&[
    NO,
    Str,
    Varint,
    Varint,
    F64,
    In(&ARRAY_VALUE),
    In(&KEY_VALUE_LIST),
    Bytes,
]);
static ARRAY_VALUE: Message = Message(&[NO, In(&ANY_VALUE)]);
static KEY_VALUE_LIST: Message = Message(&[NO, In(&KEY_VALUE)]);

static RESOURCE_HEAD: Message = Message(&[NO, In(&RESOURCE), NO, Str]);
static RESOURCE: Message = Message(&[NO, ATTRIBUTES, Varint, In(&ENTITY_REF)]);
static ENTITY_REF: Message = Message(&[NO, Str, Str, Str, Str]);
static SCOPE_HEAD: Message = Message(&[NO, In(&SCOPE), NO, Str]);
static SCOPE: Message = Message(&[NO, Str, Str, ATTRIBUTES, Varint]);

#[rustfmt::skip]
static SPAN: Message = Message(&[
    NO, TRACE_ID, SPAN_ID, Str, SPAN_ID, Str, Varint, F64, F64,
    ATTRIBUTES, Varint, In(&EVENT), Varint, In(&LINK), Varint, In(&STATUS), F32,
]);
static EVENT: Message = Message(&[NO, F64, Str, ATTRIBUTES, Varint]);
static LINK: Message = Message(&[NO, TRACE_ID, SPAN_ID, Str, ATTRIBUTES, Varint, F32]);
static STATUS: Message = Message(&[NO, NO, Str, Varint]);

#[rustfmt::skip]
static LOG_RECORD: Message = Message(&[
    NO, F64, Varint, Str, NO, In(&ANY_VALUE), ATTRIBUTES, Varint, F32, TRACE_ID, SPAN_ID, F64, Str,
]);

#[rustfmt::skip]
static METRIC: Message = Message(&[
    NO, Str, Str, Str, NO, In(&GAUGE), NO, In(&SUM), NO, In(&HISTOGRAM), In(&EXPONENTIAL_HISTOGRAM), In(&SUMMARY), ATTRIBUTES,
]);
static GAUGE: Message = Message(&[NO, In(&NUMBER_POINT)]);
static SUM: Message = Message(&[NO, In(&NUMBER_POINT), Varint, Varint]);
static HISTOGRAM: Message = Message(&[NO, In(&HISTOGRAM_POINT), Varint]);
static EXPONENTIAL_HISTOGRAM: Message = Message(&[NO, In(&EXPONENTIAL_POINT), Varint]);
static SUMMARY: Message = Message(&[NO, In(&SUMMARY_POINT)]);
static NUMBER_POINT: Message = Message(&[
    NO,
    NO,
    F64,
    F64,
    F64,
    In(&EXEMPLAR),
    F64,
    ATTRIBUTES,
    Varint,
]);
#[rustfmt::skip]
static HISTOGRAM_POINT: Message = Message(&[
    NO, NO, F64, F64, F64, F64, Fixed64s, Fixed64s, In(&EXEMPLAR), ATTRIBUTES, Varint, F64, F64,
]);
#[rustfmt::skip]
static EXPONENTIAL_POINT: Message = Message(&[
    NO, ATTRIBUTES, F64, F64, F64, F64, Varint, F64, In(&BUCKETS), In(&BUCKETS), Varint, In(&EXEMPLAR), F64, F64, F64,
]);
static BUCKETS: Message = Message(&[NO, Varint, Varints]);
static SUMMARY_POINT: Message = Message(&[
    NO,
    NO,
    F64,
    F64,
    F64,
    F64,
    In(&QUANTILE),
    ATTRIBUTES,
    Varint,
]);
static QUANTILE: Message = Message(&[NO, F64, F64]);
static EXEMPLAR: Message = Message(&[NO, NO, F64, F64, SPAN_ID, TRACE_ID, F64, ATTRIBUTES]);

/// The number of data points of a metric: what `rejected_data_points` counts.
pub fn data_points(metric: &[u8]) -> u64 {
    const DATA: [u32; 5] = [5, 7, 9, 10, 11];
    const POINTS: u32 = 1;
    Fields::new(metric)
        .map_while(Result::ok)
        .filter(|field| DATA.contains(&field.number))
        .filter_map(|field| field.len_value().ok())
        .flat_map(Fields::new)
        .map_while(Result::ok)
        .filter(|field| field.number == POINTS)
        .count() as u64
}
