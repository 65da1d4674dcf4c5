//! `metric.…`

pub(super) use super::field::MetricField as Field;
use super::field::{Entry, Keys};
use super::scan;
use crate::telemetry::Subject;
use crate::value::{Opaque, Result, Value};
use schemas::otlp::{MetricKind, MetricView};

const fn entry(name: &'static str, keys: Keys, field: Field) -> Entry {
    (name, keys, super::field::Field::Metric(field))
}

pub(super) const PATHS: &[Entry] = &[
    entry("name", Keys::None, Field::Name),
    entry("description", Keys::None, Field::Description),
    entry("unit", Keys::None, Field::Unit),
    entry("type", Keys::None, Field::Type),
    entry(
        "aggregation_temporality",
        Keys::None,
        Field::AggregationTemporality,
    ),
    entry("is_monotonic", Keys::None, Field::IsMonotonic),
    entry("data_points", Keys::None, Field::DataPoints),
    entry("metadata", Keys::Map, Field::Metadata),
    ("cache", Keys::Map, super::field::Field::Cache),
];

/// What a message itself has, or one made of fields that were set.
pub(super) fn read_message(field: Field, message: &[u8]) -> Result<Value<'_>> {
    Value::text(scan::bytes(message, field.number())?)
}

pub(super) fn read<'a>(field: Field, at: &Subject<'a>) -> Result<Value<'a>> {
    let Some(metric) = at.metric().view() else {
        return Ok(Value::Nil);
    };
    let data = at.data();
    Ok(match field {
        Field::Name => Value::text(metric.name)?,
        Field::Description | Field::Unit => return read_message(field, metric.body),
        Field::Type => Value::Int(number(data.kind)),
        Field::AggregationTemporality => match data.kind {
            Some(MetricKind::Sum | MetricKind::Histogram | MetricKind::ExponentialHistogram) => {
                Value::Int(data.aggregation_temporality.into())
            }
            _ => Value::Nil,
        },
        Field::IsMonotonic if data.kind == Some(MetricKind::Sum) => Value::Bool(data.is_monotonic),
        Field::DataPoints if data.kind.is_some() => {
            Value::Opaque(Opaque::DataPoints(points(metric, at)?))
        }
        // Metadata are attributes, which are looked up elsewhere.
        Field::IsMonotonic | Field::DataPoints | Field::Metadata => Value::Nil,
    })
}

/// The data points that are left.
fn points(metric: &MetricView<'_>, at: &Subject<'_>) -> Result<usize> {
    let mut left = 0;
    for (index, point) in metric.points().enumerate() {
        point?;
        left += usize::from(at.changed().is_none_or(|changed| !changed.has_lost(index)));
    }
    Ok(left)
}

/// As `METRIC_DATA_TYPE_…` has it.
fn number(kind: Option<MetricKind>) -> i64 {
    match kind {
        None => 0,
        Some(MetricKind::Gauge) => 1,
        Some(MetricKind::Sum) => 2,
        Some(MetricKind::Histogram) => 3,
        Some(MetricKind::ExponentialHistogram) => 4,
        Some(MetricKind::Summary) => 5,
    }
}
