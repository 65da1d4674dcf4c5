//! `trace.…`: what is known of a whole trace when it is decided. Not part of the reference.

pub(super) use super::field::TraceField as Field;
use super::field::{Entry, Keys};
use crate::telemetry::{RootAnswers, TraceFacts};
use crate::value::Value;

const fn entry(name: &'static str, field: Field) -> Entry {
    (name, Keys::None, super::field::Field::Trace(field))
}

pub(super) const PATHS: &[Entry] = &[
    entry("duration", Field::Duration),
    entry("duration_ms", Field::DurationMs),
    entry("span_count", Field::SpanCount),
    entry("error_count", Field::ErrorCount),
    entry("service_count", Field::ServiceCount),
    entry("bytes", Field::Bytes),
    entry("has_root", Field::HasRoot),
];

pub(super) fn read(field: Field, trace: Option<&(TraceFacts, RootAnswers)>) -> Value<'static> {
    let Some((facts, _)) = trace else {
        return Value::Nil;
    };
    let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    match field {
        Field::Duration => Value::Duration(i64::try_from(facts.duration_ns).unwrap_or(i64::MAX)),
        Field::DurationMs => int(facts.duration_ns / 1_000_000),
        Field::SpanCount => int(facts.span_count),
        Field::ErrorCount => facts.error_count.map_or(Value::Nil, int),
        Field::ServiceCount => facts.service_count.map_or(Value::Nil, int),
        Field::Bytes => int(facts.bytes),
        Field::HasRoot => Value::Bool(facts.has_root),
    }
}
