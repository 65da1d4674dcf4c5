//! `spanevent.…`

pub(super) use super::field::EventField as Field;
use super::field::{Entry, Keys};
use crate::value::Time;
use crate::value::{Result, Value};
use schemas::otlp::EventView;

const fn entry(name: &'static str, keys: Keys, field: Field) -> Entry {
    (name, keys, super::field::Field::Event(field))
}

pub(super) const PATHS: &[Entry] = &[
    entry("attributes", Keys::Map, Field::Attributes),
    entry("name", Keys::None, Field::Name),
    entry("time", Keys::None, Field::Time),
    entry("time_unix_nano", Keys::None, Field::TimeUnixNano),
    entry(
        "dropped_attributes_count",
        Keys::None,
        Field::DroppedAttributesCount,
    ),
    entry("event_index", Keys::None, Field::Index),
    ("cache", Keys::Map, super::field::Field::Cache),
];

pub(super) fn read<'a>(field: Field, event: Option<EventView<'a>>) -> Result<Value<'a>> {
    let Some(event) = event else {
        return Ok(Value::Nil);
    };
    match field {
        Field::Name => Value::text(event.name),
        Field::Time => Ok(Value::Time(unix_time(event.time_unix_nano))),
        Field::TimeUnixNano => Ok(Value::Int(event.time_unix_nano as i64)),
        _ => Ok(Value::Int(event.dropped_attributes_count.into())),
    }
}

/// As in the reference nanoseconds are signed: from 2262 on they wrap round.
pub(super) fn unix_time(nanos: u64) -> Time {
    Time::from_unix_nanos(i128::from(nanos as i64))
}
