//! `log.…`

use super::event::unix_time;
pub(super) use super::field::LogField as Field;
use super::field::{Entry, Keys};
use super::scan;
use super::span::id;
use crate::value::text::any_as_string;
use crate::value::{Result, Value};
use schemas::otlp::LogView;

const fn entry(name: &'static str, keys: Keys, field: Field) -> Entry {
    (name, keys, super::field::Field::Log(field))
}

pub(super) const PATHS: &[Entry] = &[
    entry("attributes", Keys::Map, Field::Attributes),
    entry("body", Keys::Any, Field::Body),
    entry("body.string", Keys::None, Field::BodyString),
    entry("event_name", Keys::None, Field::EventName),
    entry("trace_id", Keys::None, Field::TraceId),
    entry("trace_id.string", Keys::None, Field::TraceIdString),
    entry("span_id", Keys::None, Field::SpanId),
    entry("span_id.string", Keys::None, Field::SpanIdString),
    entry("time", Keys::None, Field::Time),
    entry("time_unix_nano", Keys::None, Field::TimeUnixNano),
    entry("observed_time", Keys::None, Field::ObservedTime),
    entry(
        "observed_time_unix_nano",
        Keys::None,
        Field::ObservedTimeUnixNano,
    ),
    entry("severity_number", Keys::None, Field::SeverityNumber),
    entry("severity_text", Keys::None, Field::SeverityText),
    entry(
        "dropped_attributes_count",
        Keys::None,
        Field::DroppedAttributesCount,
    ),
    entry("flags", Keys::None, Field::Flags),
    ("cache", Keys::Map, super::field::Field::Cache),
];

pub(super) fn read<'a>(field: Field, log: Option<LogView<'a>>) -> Result<Value<'a>> {
    let Some(log) = log else {
        return Ok(Value::Nil);
    };
    let number = |number| scan::number(log.body, number);
    Ok(match field {
        Field::Body => Value::read(scan::any(log.body, 5)?)?,
        Field::BodyString => Value::owned(any_as_string(scan::any(log.body, 5)?)?),
        Field::EventName => Value::text(scan::bytes(log.body, 12)?)?,
        Field::SeverityText => Value::text(scan::bytes(log.body, 3)?)?,
        Field::SeverityNumber => Value::Int(log.severity_number.into()),
        Field::TraceId => Value::TraceId(id(log.trace_id)),
        Field::TraceIdString => Value::owned(const_hex::encode(id::<16>(log.trace_id))),
        Field::SpanId => Value::SpanId(id(log.span_id)),
        Field::SpanIdString => Value::owned(const_hex::encode(id::<8>(log.span_id))),
        Field::Time => Value::Time(unix_time(log.time_unix_nano)),
        Field::TimeUnixNano => Value::Int(log.time_unix_nano as i64),
        Field::ObservedTime => Value::Time(unix_time(number(11)?)),
        Field::ObservedTimeUnixNano => Value::Int(number(11)? as i64),
        Field::DroppedAttributesCount => Value::Int(number(7)? as i64),
        Field::Flags => Value::Int(number(8)? as i64),
        // Handled where attributes are looked up.
        Field::Attributes => Value::Nil,
    })
}
