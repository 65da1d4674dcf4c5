//! Changing metrics: their fields, those of their data points, and what kind of data they are.

use super::Draft;
use super::inner::Inners;
use super::scalars::{count, fixed64, list, read_only, text, time};
use crate::paths::field::{MetricField, PointField};
use crate::paths::{AS_DOUBLE, AS_INT};
use crate::telemetry::changed::MetricData;
use crate::telemetry::changes::Changes;
use crate::telemetry::encode::replace;
use crate::value::{EvalError, Result, Value, convert};
use schemas::otlp::{MetricKind, PointView};
use schemas::wire::{Field, Fields, put_fixed64, put_len, put_varint, put_varint_field};

mod scale;

/// What an editor makes of a whole metric.
#[derive(Clone, Debug)]
pub(crate) enum MetricChange {
    /// A sum becomes a gauge; other kinds stay.
    ToGauge,
    /// A gauge becomes a sum; other kinds stay.
    ToSum {
        aggregation_temporality: i32,
        is_monotonic: bool,
    },
    /// All values of all data points are multiplied.
    Scale { factor: f64, unit: Option<String> },
}

impl Draft<'_> {
    /// # Errors
    /// The metric is of a kind that can't be changed so, or can't be read; it is as it was then.
    pub(crate) fn change_metric(&mut self, change: MetricChange) -> Result<()> {
        let kind = self.subject.data().kind;
        match change {
            MetricChange::ToGauge if kind == Some(MetricKind::Sum) => {
                self.changed().data = Some(MetricData {
                    kind: Some(MetricKind::Gauge),
                    ..MetricData::default()
                });
            }
            MetricChange::ToSum {
                aggregation_temporality,
                is_monotonic,
            } if kind == Some(MetricKind::Gauge) => {
                self.changed().data = Some(MetricData {
                    kind: Some(MetricKind::Sum),
                    aggregation_temporality,
                    is_monotonic,
                });
            }
            MetricChange::ToGauge | MetricChange::ToSum { .. } => {}
            MetricChange::Scale { factor, unit } => {
                scale::points(self, kind, factor)?;
                if let Some(unit) = unit {
                    text(&mut self.changed().item, 3, Value::Text(unit.into()))?;
                }
            }
        }
        Ok(())
    }
}

/// Sets a field of the metric.
pub(super) fn write_metric(
    field: MetricField,
    draft: &mut Draft<'_>,
    value: Value<'static>,
) -> Result<()> {
    use MetricField as F;
    use MetricKind::{ExponentialHistogram, Histogram, Sum};
    let mut data = draft.subject.data();
    let changed = draft.changed();
    match field {
        F::Name | F::Description | F::Unit => text(&mut changed.item, field.number(), value),
        F::AggregationTemporality => {
            data.aggregation_temporality = convert::int(value)? as i32;
            if matches!(data.kind, Some(Sum | Histogram | ExponentialHistogram)) {
                changed.data = Some(data);
            }
            Ok(())
        }
        F::IsMonotonic => {
            data.is_monotonic = convert::bool(value)?;
            if data.kind == Some(Sum) {
                changed.data = Some(data);
            }
            Ok(())
        }
        // As in the reference it does nothing: `convert_sum_to_gauge` and `convert_gauge_to_sum` do.
        F::Type => Ok(()),
        F::DataPoints | F::Metadata => Err(read_only()),
    }
}

/// Sets a field of the data point.
pub(super) fn write_point(
    field: PointField,
    point: PointView<'_>,
    message: &mut Changes,
    value: Value<'static>,
) -> Result<()> {
    use PointField as F;
    let number = field.number(point.kind);
    if number == 0 {
        let message = format!("a data point of a {:?} has no such field", point.kind);
        return Err(EvalError::new(message));
    }
    match field {
        F::StartTime | F::Time => time(message, number, value),
        F::StartTimeUnixNano | F::TimeUnixNano | F::Count | F::ZeroCount => {
            fixed64(message, number, value)
        }
        F::ValueDouble => {
            double(message, AS_DOUBLE, value)?;
            message.clear_field(AS_INT)
        }
        F::ValueInt => {
            let int = convert::int(value)?;
            message.clear_field(AS_DOUBLE)?;
            message.set_field(AS_INT, |out| put_fixed64(out, AS_INT, int as u64))
        }
        F::Flags => count(message, number, value),
        F::Sum => double(message, number, value),
        F::Scale => {
            let scale = zigzag(convert::int(value)?);
            message.set_field(number, |out| put_varint_field(out, number, scale))
        }
        F::BucketCounts => {
            let counts = counts(value)?;
            message.set_field(number, |out| put_fixed(out, number, &counts))
        }
        F::ExplicitBounds => {
            let bounds = list(value, |bound| convert::float(bound).map(f64::to_bits))?;
            message.set_field(number, |out| put_fixed(out, number, &bounds))
        }
        F::PositiveOffset | F::NegativeOffset => {
            let offset = zigzag(convert::int(value)?);
            buckets(point, message, number, 1, |out| {
                put_varint_field(out, 1, offset);
            })
        }
        F::PositiveBucketCounts | F::NegativeBucketCounts => {
            let counts = counts(value)?;
            let mut packed = Vec::new();
            (counts.iter()).for_each(|count| put_varint(&mut packed, *count));
            buckets(point, message, number, 2, |out| put_len(out, 2, &packed))
        }
        F::Attributes | F::Exemplars | F::Positive | F::Negative | F::QuantileValues => {
            Err(read_only())
        }
    }
}

fn double(message: &mut Changes, number: u32, value: Value<'static>) -> Result<()> {
    let bits = convert::float(value)?.to_bits();
    message.set_field(number, |out| put_fixed64(out, number, bits))
}

fn counts(value: Value<'static>) -> Result<Vec<u64>> {
    list(value, |count| convert::int(count).map(|count| count as u64))
}

/// Sets a field of one half of an exponential histogram.
fn buckets(
    point: PointView<'_>,
    message: &mut Changes,
    half: u32,
    number: u32,
    put: impl FnOnce(&mut Vec<u8>),
) -> Result<()> {
    message.set_within(point.body, half, |buckets| replace(buckets, number, put))
}

/// A number of type `sint32`; what is above is cut off, as in the reference.
fn zigzag(value: i64) -> u64 {
    let value = value as i32;
    u64::from(((value << 1) ^ (value >> 31)) as u32)
}

fn put_fixed(out: &mut Vec<u8>, number: u32, values: &[u64]) {
    let packed: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    put_len(out, number, &packed);
}

/// Writes the data of a metric, which was of that kind, as it is now; `false`: it is as it was.
pub(super) fn put_data(
    field: &Field<'_>,
    kind: MetricKind,
    now: Option<MetricData>,
    points: &mut Inners<'_>,
    out: &mut Vec<u8>,
) -> Result<bool> {
    const POINTS: u32 = 1;
    const AGGREGATION_TEMPORALITY: u32 = 2;
    const IS_MONOTONIC: u32 = 3;
    let data = field.len_value()?;
    let mut message = Vec::with_capacity(data.len() + 8);
    for field in Fields::new(data) {
        let field = field?;
        match field.number {
            POINTS if points.write(&field, kind.point_attributes(), &mut message)? => {}
            AGGREGATION_TEMPORALITY | IS_MONOTONIC if now.is_some() => {}
            _ => message.extend_from_slice(field.raw),
        }
    }
    let kind = now.and_then(|now| now.kind).unwrap_or(kind);
    if let Some(now) = now {
        // Of a kind that has neither, both are as they are when they aren't there.
        if now.aggregation_temporality != 0 {
            let temporality = i64::from(now.aggregation_temporality) as u64;
            put_varint_field(&mut message, AGGREGATION_TEMPORALITY, temporality);
        }
        if now.is_monotonic {
            put_varint_field(&mut message, IS_MONOTONIC, 1);
        }
    }
    put_len(out, kind.field(), &message);
    Ok(true)
}
