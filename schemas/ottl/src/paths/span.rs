//! `span.…`, and `root.…` of a whole trace.

use super::event::unix_time;
pub(super) use super::field::SpanField as Field;
use super::field::{Entry, Keys};
use super::scan;
use crate::telemetry::{Part, Subject};
use crate::value::{EvalError, Opaque, Result, Value};
use schemas::otlp::{ResourceHead, SpanView, StatusCode};

const fn entry(name: &'static str, keys: Keys, field: Field) -> Entry {
    (name, keys, super::field::Field::Span(field))
}

pub(super) const PATHS: &[Entry] = &[
    entry("attributes", Keys::Map, Field::Attributes),
    entry("trace_id", Keys::None, Field::TraceId),
    entry("trace_id.string", Keys::None, Field::TraceIdString),
    entry("span_id", Keys::None, Field::SpanId),
    entry("span_id.string", Keys::None, Field::SpanIdString),
    entry("parent_span_id", Keys::None, Field::ParentSpanId),
    entry(
        "parent_span_id.string",
        Keys::None,
        Field::ParentSpanIdString,
    ),
    entry("trace_state", Keys::One, Field::TraceState),
    entry("name", Keys::None, Field::Name),
    entry("kind", Keys::None, Field::Kind),
    entry("kind.string", Keys::None, Field::KindString),
    entry(
        "kind.deprecated_string",
        Keys::None,
        Field::KindDeprecatedString,
    ),
    entry("start_time", Keys::None, Field::StartTime),
    entry("end_time", Keys::None, Field::EndTime),
    entry("start_time_unix_nano", Keys::None, Field::StartTimeUnixNano),
    entry("end_time_unix_nano", Keys::None, Field::EndTimeUnixNano),
    entry(
        "dropped_attributes_count",
        Keys::None,
        Field::DroppedAttributesCount,
    ),
    entry("events", Keys::None, Field::Events),
    entry(
        "dropped_events_count",
        Keys::None,
        Field::DroppedEventsCount,
    ),
    entry("links", Keys::None, Field::Links),
    entry("dropped_links_count", Keys::None, Field::DroppedLinksCount),
    entry("status", Keys::None, Field::Status),
    entry("status.code", Keys::None, Field::StatusCode),
    entry("status.message", Keys::None, Field::StatusMessage),
    entry("flags", Keys::None, Field::Flags),
    ("cache", Keys::Map, super::field::Field::Cache),
];

/// What the root span of a trace has besides.
pub(crate) const ROOT_PATHS: &[Entry] = &[
    entry("service", Keys::None, Field::Service),
    entry("duration", Keys::None, Field::Duration),
];

pub(super) fn read<'a>(
    field: Field,
    span: &SpanView<'a>,
    resource: Option<ResourceHead<'a>>,
) -> Result<Value<'a>> {
    let count = |number| Ok(Value::Int(scan::number(span.body, number)? as i64));
    match field {
        Field::Name => Value::text(span.name),
        Field::Kind => Ok(Value::Int(span.kind.into())),
        Field::StatusCode => Ok(Value::Int(status_code(span).into())),
        Field::TraceId => Ok(Value::TraceId(id(span.trace_id))),
        Field::SpanId => Ok(Value::SpanId(id(span.span_id))),
        Field::ParentSpanId => Ok(Value::SpanId(id(span.parent_span_id))),
        Field::TraceIdString => Ok(Value::owned(const_hex::encode(id::<16>(span.trace_id)))),
        Field::SpanIdString => Ok(Value::owned(const_hex::encode(id::<8>(span.span_id)))),
        Field::ParentSpanIdString => Ok(Value::owned(const_hex::encode(id::<8>(
            span.parent_span_id,
        )))),
        Field::TraceState => Value::text(span.trace_state),
        Field::KindString => Ok(word(KINDS, span.kind, 0)),
        Field::KindDeprecatedString => Ok(word(KINDS, span.kind, 1)),
        Field::StartTime => Ok(Value::Time(unix_time(span.start_unix_nano))),
        Field::EndTime => Ok(Value::Time(unix_time(span.end_unix_nano))),
        Field::StartTimeUnixNano => Ok(Value::Int(span.start_unix_nano as i64)),
        Field::EndTimeUnixNano => Ok(Value::Int(span.end_unix_nano as i64)),
        Field::DroppedAttributesCount => count(10),
        Field::DroppedEventsCount => count(12),
        Field::DroppedLinksCount => count(14),
        Field::Flags => Ok(Value::Int(span.flags.into())),
        Field::Events => Ok(Value::Opaque(Opaque::Events(scan::count(span.body, 11)?))),
        Field::Links => Ok(Value::Opaque(Opaque::Links(scan::count(span.body, 13)?))),
        Field::Status => Ok(Value::Opaque(Opaque::Status)),
        Field::StatusMessage => Value::text(scan::bytes(scan::bytes(span.body, 15)?, 2)?),
        Field::Service => match resource {
            Some(head) => Value::read(scan::attribute(head.attributes(), b"service.name")?),
            None => Ok(Value::Nil),
        },
        Field::Duration => {
            let nanos = span.end_unix_nano.saturating_sub(span.start_unix_nano);
            Ok(Value::Duration(i64::try_from(nanos).unwrap_or(i64::MAX)))
        }
        // Handled where attributes are looked up.
        Field::Attributes => Ok(Value::Nil),
    }
}

/// Whether the subject is a span without a parent.
pub(crate) fn is_root(at: &Subject<'_>) -> Result<bool> {
    let changed = at.changed().and_then(|changed| changed.of(Part::Span));
    let parent = Field::ParentSpanId.number();
    match changed.and_then(|changes| changes.fields_with(parent)) {
        Some(message) => Ok(SpanView::parse(message)?.is_root()),
        None => Ok(at.span().view().is_some_and(SpanView::is_root)),
    }
}

fn status_code(span: &SpanView<'_>) -> i32 {
    match span.status {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
        StatusCode::Other(code) => code,
    }
}

const KINDS: &[[&str; 2]] = &[
    ["Unspecified", "SPAN_KIND_UNSPECIFIED"],
    ["Internal", "SPAN_KIND_INTERNAL"],
    ["Server", "SPAN_KIND_SERVER"],
    ["Client", "SPAN_KIND_CLIENT"],
    ["Producer", "SPAN_KIND_PRODUCER"],
    ["Consumer", "SPAN_KIND_CONSUMER"],
];

/// The name of a number; unknown ones have an empty name.
fn word(names: &'static [[&str; 2]], number: i32, style: usize) -> Value<'static> {
    let name = usize::try_from(number).ok().and_then(|at| names.get(at));
    Value::Text(name.map_or("", |styles| styles[style]).into())
}

/// The number of a kind's name.
pub(crate) fn kind_named(name: &str, style: usize) -> Result<i64> {
    let found = KINDS.iter().position(|styles| styles[style] == name);
    let unknown = || EvalError::new(format!("no span kind {name:?}"));
    Ok(found.ok_or_else(unknown)? as i64)
}

/// Ids of a wrong length read as zero.
pub(super) fn id<const N: usize>(id: &[u8]) -> [u8; N] {
    id.try_into().unwrap_or([0; N])
}
