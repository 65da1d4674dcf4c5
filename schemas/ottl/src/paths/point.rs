//! `datapoint.…`: the fields of all kinds of data points; those that a kind doesn't have are nil.

use super::event::unix_time;
pub(super) use super::field::PointField as Field;
use super::field::{Entry, Keys};
use super::scan;
use crate::value::{List, Opaque, Result, Value};
use schemas::otlp::MetricKind;
use schemas::wire::{Fields, Value as Wire, WireError, read_varint};

const fn entry(name: &'static str, keys: Keys, field: Field) -> Entry {
    (name, keys, super::field::Field::Point(field))
}

pub(super) const PATHS: &[Entry] = &[
    entry("attributes", Keys::Map, Field::Attributes),
    entry("start_time_unix_nano", Keys::None, Field::StartTimeUnixNano),
    entry("time_unix_nano", Keys::None, Field::TimeUnixNano),
    entry("start_time", Keys::None, Field::StartTime),
    entry("time", Keys::None, Field::Time),
    entry("value_double", Keys::None, Field::ValueDouble),
    entry("value_int", Keys::None, Field::ValueInt),
    entry("exemplars", Keys::None, Field::Exemplars),
    entry("flags", Keys::None, Field::Flags),
    entry("count", Keys::None, Field::Count),
    entry("sum", Keys::None, Field::Sum),
    entry("bucket_counts", Keys::None, Field::BucketCounts),
    entry("explicit_bounds", Keys::None, Field::ExplicitBounds),
    entry("scale", Keys::None, Field::Scale),
    entry("zero_count", Keys::None, Field::ZeroCount),
    entry("positive", Keys::None, Field::Positive),
    entry("positive.offset", Keys::None, Field::PositiveOffset),
    entry(
        "positive.bucket_counts",
        Keys::None,
        Field::PositiveBucketCounts,
    ),
    entry("negative", Keys::None, Field::Negative),
    entry("negative.offset", Keys::None, Field::NegativeOffset),
    entry(
        "negative.bucket_counts",
        Keys::None,
        Field::NegativeBucketCounts,
    ),
    entry("quantile_values", Keys::None, Field::QuantileValues),
    ("cache", Keys::Map, super::field::Field::Cache),
];

/// Of a data point of that kind.
pub(super) fn read<'a>(field: Field, kind: MetricKind, message: &'a [u8]) -> Result<Value<'a>> {
    let number = field.number(kind);
    if number == 0 {
        return Ok(Value::Nil);
    }
    let scalar = || scan::number(message, number);
    Ok(match field {
        Field::StartTimeUnixNano | Field::TimeUnixNano | Field::Count | Field::ZeroCount => {
            Value::Int(scalar()? as i64)
        }
        Field::StartTime | Field::Time => Value::Time(unix_time(scalar()?)),
        Field::ValueDouble => Value::Float(match value(message)? {
            (AS_DOUBLE, bits) => f64::from_bits(bits),
            _ => 0.0,
        }),
        Field::ValueInt => Value::Int(match value(message)? {
            (AS_INT, bits) => bits as i64,
            _ => 0,
        }),
        Field::Flags => Value::Int(i64::from(scalar()? as u32)),
        Field::Sum => Value::Float(f64::from_bits(scalar()?)),
        Field::Scale => Value::Int(zigzag(scalar()?)),
        Field::BucketCounts => ints(fixed(message, number)?),
        Field::ExplicitBounds => {
            let bounds = fixed(message, number)?.into_iter().map(f64::from_bits);
            Value::List(List::Owned(bounds.map(Value::Float).collect()))
        }
        Field::PositiveOffset | Field::NegativeOffset => {
            Value::Int(zigzag(scan::number(&merged(message, number)?, 1)?))
        }
        Field::PositiveBucketCounts | Field::NegativeBucketCounts => {
            ints(varints(&merged(message, number)?, 2)?)
        }
        Field::Exemplars => Value::Opaque(Opaque::Exemplars(scan::count(message, number)?)),
        Field::QuantileValues => Value::Opaque(Opaque::Quantiles(scan::count(message, number)?)),
        Field::Positive => Value::Opaque(Opaque::Positive),
        Field::Negative => Value::Opaque(Opaque::Negative),
        // Handled where attributes are looked up.
        Field::Attributes => Value::Nil,
    })
}

/// `NumberDataPoint.as_double`.
pub(crate) const AS_DOUBLE: u32 = 4;
/// `NumberDataPoint.as_int`.
pub(crate) const AS_INT: u32 = 6;

/// The value of a number's data point: the field that holds it, and its bits; 0 where there is none. The last one counts.
fn value(message: &[u8]) -> Result<(u32, u64), WireError> {
    let mut found = (0, 0);
    for field in Fields::new(message) {
        let field = field?;
        if matches!(field.number, AS_DOUBLE | AS_INT) {
            found = (field.number, field.fixed64_value()?);
        }
    }
    Ok(found)
}

/// A message within, all of its occurrences in one.
fn merged(message: &[u8], number: u32) -> Result<Vec<u8>, WireError> {
    let mut whole = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        if field.number == number {
            whole.extend_from_slice(field.len_value()?);
        }
    }
    Ok(whole)
}

fn zigzag(value: u64) -> i64 {
    let value = value as u32;
    i64::from((value >> 1) as i32 ^ -((value & 1) as i32))
}

fn ints(values: Vec<u64>) -> Value<'static> {
    let values = values.into_iter().map(|value| Value::Int(value as i64));
    Value::List(List::Owned(values.collect()))
}

/// Numbers of 64 bits, packed or not.
fn fixed(message: &[u8], number: u32) -> Result<Vec<u64>, WireError> {
    let mut values = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        match field.value {
            _ if field.number != number => {}
            Wire::Fixed64(value) => values.push(value),
            Wire::Len(packed) if packed.len() % 8 == 0 => {
                let chunks = packed.as_chunks::<8>().0.iter();
                values.extend(chunks.map(|bytes| u64::from_le_bytes(*bytes)));
            }
            _ => return Err(field.mismatch()),
        }
    }
    Ok(values)
}

fn varints(message: &[u8], number: u32) -> Result<Vec<u64>, WireError> {
    let mut values = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        match field.value {
            _ if field.number != number => {}
            Wire::Varint(value) => values.push(value),
            Wire::Len(packed) => {
                let mut at = 0;
                while at < packed.len() {
                    let (value, next) = read_varint(packed, at)?;
                    values.push(value);
                    at = next;
                }
            }
            _ => return Err(field.mismatch()),
        }
    }
    Ok(values)
}
