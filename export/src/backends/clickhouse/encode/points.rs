//! Data points as rows, in the table of their metric's kind. A metric without points, or of a kind that is newer than we are, has no rows.

use schemas::otlp::point::{ExemplarView, Number, PointFields};
use schemas::otlp::{Item, MetricView};
use schemas::wire::WireError;

use super::opened::{Opened, RowError, ToRows};
use super::rowbinary::{put_float, put_hex, put_integer, put_many, put_map, put_text, put_time};
use crate::backends::clickhouse::schema::plan::Step;
use crate::backends::clickhouse::schema::source::{OfMetric, OfPoint};
use crate::backends::clickhouse::schema::tables::TableId;

pub struct Points;

impl<'a> ToRows<'a> for Points {
    fn item(&mut self, item: Item<'a>, tables: &mut Opened<'a>) -> Result<(), RowError> {
        let metric = MetricView::parse(item.body)?;
        for point in metric.points() {
            let point = PointFields::of(point?)?;
            let rows = tables.rows(TableId::place_of(point.kind))?;
            let head = rows.head.of(&item, &rows.plan.head)?;
            let out = &mut rows.out.buffer;
            out.extend_from_slice(head);
            for step in &rows.plan.metric {
                put_of_metric(out, &metric, *step);
            }
            for step in &rows.plan.point {
                put_of_point(out, &point, *step)?;
            }
        }
        Ok(())
    }
}

fn put_of_metric(
    out: &mut Vec<u8>,
    metric: &MetricView<'_>,
    Step { column, wire }: Step<OfMetric>,
) {
    match column {
        OfMetric::Name => put_text(out, metric.name),
        OfMetric::Description => put_text(out, metric.description),
        OfMetric::Unit => put_text(out, metric.unit),
        OfMetric::AggregationTemporality => {
            put_integer(out, metric.aggregation_temporality.into(), wire);
        }
        OfMetric::IsMonotonic => put_integer(out, metric.is_monotonic.into(), wire),
    }
}

fn put_of_point(
    out: &mut Vec<u8>,
    point: &PointFields<'_>,
    step: Step<OfPoint>,
) -> Result<(), WireError> {
    let wire = step.wire;
    let put_count = |out: &mut Vec<u8>, count: u64| {
        put_integer(out, count.into(), wire);
        Ok(())
    };
    let put_double = |out: &mut Vec<u8>, value| {
        put_float(out, value);
        Ok(())
    };
    match step.column {
        OfPoint::Attributes => put_map(out, point.attributes())?,
        OfPoint::StartTime => put_time(out, point.start_time_unix_nano, wire),
        OfPoint::Time => put_time(out, point.time_unix_nano, wire),
        OfPoint::Value => put_float(out, number(point.value)),
        OfPoint::Flags => put_integer(out, point.flags.into(), wire),
        OfPoint::Count => put_integer(out, point.count.into(), wire),
        OfPoint::Sum => put_float(out, point.sum.unwrap_or_default()),
        OfPoint::Min => put_float(out, point.min.unwrap_or_default()),
        OfPoint::Max => put_float(out, point.max.unwrap_or_default()),
        OfPoint::BucketCounts => put_many(out, point.bucket_counts(), put_count)?,
        OfPoint::ExplicitBounds => put_many(out, point.explicit_bounds(), put_double)?,
        OfPoint::Scale => put_integer(out, point.scale.into(), wire),
        OfPoint::ZeroCount => put_integer(out, point.zero_count.into(), wire),
        OfPoint::PositiveOffset => put_integer(out, point.positive.offset.into(), wire),
        OfPoint::PositiveCounts => put_many(out, point.positive.counts(), put_count)?,
        OfPoint::NegativeOffset => put_integer(out, point.negative.offset.into(), wire),
        OfPoint::NegativeCounts => put_many(out, point.negative.counts(), put_count)?,
        OfPoint::Quantiles => put_many(out, point.quantiles(), |out, at| put_double(out, at.0))?,
        OfPoint::QuantileValues => {
            put_many(out, point.quantiles(), |out, at| put_double(out, at.1))?
        }
        OfPoint::ExemplarAttributes
        | OfPoint::ExemplarTimes
        | OfPoint::ExemplarValues
        | OfPoint::ExemplarSpanIds
        | OfPoint::ExemplarTraceIds => put_many(out, point.exemplars(), |out, exemplar| {
            put_of_exemplar(out, &exemplar, step)
        })?,
    }
    Ok(())
}

fn put_of_exemplar(
    out: &mut Vec<u8>,
    exemplar: &ExemplarView<'_>,
    step: Step<OfPoint>,
) -> Result<(), WireError> {
    match step.column {
        OfPoint::ExemplarAttributes => return put_map(out, exemplar.filtered_attributes()),
        OfPoint::ExemplarTimes => put_time(out, exemplar.time_unix_nano, step.wire),
        OfPoint::ExemplarSpanIds => put_exemplar_id::<8>(out, exemplar.span_id),
        OfPoint::ExemplarTraceIds => put_exemplar_id::<16>(out, exemplar.trace_id),
        _ => put_float(out, number(exemplar.value)),
    }
    Ok(())
}

/// An absent id is zeros here, and not empty as it is elsewhere: so the Collector has it.
fn put_exemplar_id<const N: usize>(out: &mut Vec<u8>, id: &[u8]) {
    match id {
        [] => put_hex(out, &[0; N]),
        id => put_hex(out, id),
    }
}

/// Columns are of one type, whatever was sent.
fn number(number: Number) -> f64 {
    match number {
        Number::Absent => 0.0,
        Number::Int(value) => value as f64,
        Number::Double(value) => value,
    }
}
