//! `resource.…`

pub(super) use super::field::ResourceField as Field;
use super::field::{Entry, Keys};
use super::scan;
use crate::value::{Result, Value};
use schemas::otlp::ResourceHead;

const fn entry(name: &'static str, keys: Keys, field: Field) -> Entry {
    (name, keys, super::field::Field::Resource(field))
}

pub(super) const PATHS: &[Entry] = &[
    entry("attributes", Keys::Map, Field::Attributes),
    entry(
        "dropped_attributes_count",
        Keys::None,
        Field::DroppedAttributesCount,
    ),
    entry("schema_url", Keys::None, Field::SchemaUrl),
    ("cache", Keys::Map, super::field::Field::Cache),
];

pub(super) fn read<'a>(field: Field, head: Option<ResourceHead<'a>>) -> Result<Value<'a>> {
    let Some(head) = head else {
        return Ok(Value::Nil);
    };
    match field {
        Field::SchemaUrl => Value::text(scan::bytes(head.message(), 3)?),
        _ => read_count(head.resource()),
    }
}

/// `Resource.dropped_attributes_count`.
pub(super) fn read_count(message: &[u8]) -> Result<Value<'_>> {
    Ok(Value::Int(scan::number(message, 2)? as i64))
}
