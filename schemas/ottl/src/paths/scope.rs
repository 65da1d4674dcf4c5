//! `scope.…`, or `instrumentation_scope.…`

pub(super) use super::field::ScopeField as Field;
use super::field::{Entry, Keys};
use super::scan;
use crate::value::{Result, Value};
use schemas::otlp::ScopeHead;

const fn entry(name: &'static str, keys: Keys, field: Field) -> Entry {
    (name, keys, super::field::Field::Scope(field))
}

pub(super) const PATHS: &[Entry] = &[
    entry("attributes", Keys::Map, Field::Attributes),
    entry("name", Keys::None, Field::Name),
    entry("version", Keys::None, Field::Version),
    entry(
        "dropped_attributes_count",
        Keys::None,
        Field::DroppedAttributesCount,
    ),
    entry("schema_url", Keys::None, Field::SchemaUrl),
    ("cache", Keys::Map, super::field::Field::Cache),
];

pub(super) fn read<'a>(field: Field, head: Option<ScopeHead<'a>>) -> Result<Value<'a>> {
    let Some(head) = head else {
        return Ok(Value::Nil);
    };
    match field {
        Field::SchemaUrl => Value::text(scan::bytes(head.message(), 3)?),
        _ => read_message(field, head.scope()),
    }
}

/// Of the `InstrumentationScope` itself.
pub(super) fn read_message(field: Field, scope: &[u8]) -> Result<Value<'_>> {
    match field {
        Field::Name => Value::text(scan::bytes(scope, 1)?),
        Field::Version => Value::text(scan::bytes(scope, 2)?),
        _ => Ok(Value::Int(scan::number(scope, 4)? as i64)),
    }
}
