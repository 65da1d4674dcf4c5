//! Data points: read as a value, and written with another one. All other fields stay as they stand.
//!
//! `min` and `max` are left out of what is written: they are about other values than those that are counted there.

use schemas::otlp::point::{
    Buckets, ExponentialHistogramPoint, HistogramPoint, NO_RECORDED_VALUE, Number, NumberPoint,
};
use schemas::otlp::{MetricKind, PointView};
use schemas::wire::{
    Fields, WireError, put_fixed64, put_len, put_tag, put_varint, put_varint_field,
};

use super::stream::Delta;
use super::value::{DenseBuckets, Explicit, Exponential, Total};

/// `start_time_unix_nano` of all kinds.
const START: u32 = 2;

/// A point that was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    Value(Delta),
    /// It says that its stream has ended.
    Ended,
    /// It holds nothing that can be added: no value, or NaN.
    Other,
}

/// # Errors
/// It is malformed.
pub fn read(point: &PointView<'_>) -> Result<Point, WireError> {
    let (flags, start_ns, time_ns, value) = match point.kind {
        MetricKind::Sum | MetricKind::Gauge => {
            let point = NumberPoint::parse(point.body)?;
            let value = match point.value {
                Number::Int(value) => Some(Total::Int(value)),
                Number::Double(value) if !value.is_nan() => Some(Total::Number(value)),
                Number::Double(_) | Number::Absent => None,
            };
            (
                point.flags,
                point.start_time_unix_nano,
                point.time_unix_nano,
                value,
            )
        }
        MetricKind::Histogram => {
            let point = HistogramPoint::parse(point.body)?;
            let value = explicit(&point)?;
            (
                point.flags,
                point.start_time_unix_nano,
                point.time_unix_nano,
                Some(Total::Explicit(value)),
            )
        }
        MetricKind::ExponentialHistogram => {
            let point = ExponentialHistogramPoint::parse(point.body)?;
            let value = exponential(&point)?;
            (
                point.flags,
                point.start_time_unix_nano,
                point.time_unix_nano,
                Some(Total::Exponential(value)),
            )
        }
        MetricKind::Summary => (0, 0, 0, None),
    };
    Ok(match value {
        _ if flags & NO_RECORDED_VALUE != 0 => Point::Ended,
        Some(value) => Point::Value(Delta {
            start_ns,
            time_ns,
            value,
        }),
        None => Point::Other,
    })
}

fn explicit(point: &HistogramPoint<'_>) -> Result<Explicit, WireError> {
    let bounds = point.explicit_bounds();
    Ok(Explicit {
        count: point.count,
        sum: point.sum,
        bounds: bounds
            .map(|bound| bound.map(f64::from_bits))
            .collect::<Result<_, _>>()?,
        counts: point.bucket_counts().collect::<Result<_, _>>()?,
    })
}

fn exponential(point: &ExponentialHistogramPoint<'_>) -> Result<Exponential, WireError> {
    let dense = |buckets: &Buckets<'_>| {
        Ok(DenseBuckets {
            offset: buckets.offset,
            counts: buckets.counts().collect::<Result<_, WireError>>()?,
        })
    };
    Ok(Exponential {
        count: point.count,
        // NaN: it isn't recorded, and what it is added to isn't either.
        sum: point.sum.unwrap_or(f64::NAN),
        scale: point.scale,
        zero_count: point.zero_count,
        zero_threshold: point.zero_threshold,
        positive: dense(&point.positive)?,
        negative: dense(&point.negative)?,
    })
}

/// Appends the point with another start and value.
pub fn write(point: &[u8], start_ns: u64, value: &Total, out: &mut Vec<u8>) {
    let replaced: &[u32] = match value {
        Total::Number(_) | Total::Int(_) => &[START, 4, 6],
        Total::Explicit(_) => &[START, 4, 5, 6, 7, 11, 12],
        Total::Exponential(_) => &[START, 4, 5, 6, 7, 8, 9, 12, 13, 14],
    };
    for field in Fields::new(point).map_while(Result::ok) {
        if !replaced.contains(&field.number) {
            out.extend_from_slice(field.raw);
        }
    }
    put_fixed64(out, START, start_ns);
    match value {
        Total::Number(value) => put_fixed64(out, 4, value.to_bits()),
        Total::Int(value) => put_fixed64(out, 6, *value as u64),
        Total::Explicit(value) => write_explicit(value, out),
        Total::Exponential(value) => write_exponential(value, out),
    }
}

fn write_explicit(value: &Explicit, out: &mut Vec<u8>) {
    put_fixed64(out, 4, value.count);
    if let Some(sum) = value.sum {
        put_fixed64(out, 5, sum.to_bits());
    }
    put_packed(out, 6, value.counts.iter().copied());
    put_packed(out, 7, value.bounds.iter().map(|bound| bound.to_bits()));
}

fn put_packed(out: &mut Vec<u8>, field: u32, values: impl ExactSizeIterator<Item = u64>) {
    if values.len() > 0 {
        put_tag(out, field, 2);
        put_varint(out, 8 * values.len() as u64);
        values.for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    }
}

fn write_exponential(value: &Exponential, out: &mut Vec<u8>) {
    put_fixed64(out, 4, value.count);
    if !value.sum.is_nan() {
        put_fixed64(out, 5, value.sum.to_bits());
    }
    put_varint_field(out, 6, zigzag(value.scale));
    put_fixed64(out, 7, value.zero_count);
    for (field, buckets) in [(8, &value.positive), (9, &value.negative)] {
        let mut body = Vec::new();
        put_varint_field(&mut body, 1, zigzag(buckets.offset));
        let mut counts = Vec::new();
        buckets
            .counts
            .iter()
            .for_each(|count| put_varint(&mut counts, *count));
        put_len(&mut body, 2, &counts);
        put_len(out, field, &body);
    }
    put_fixed64(out, 14, value.zero_threshold.to_bits());
}

fn zigzag(value: i32) -> u64 {
    u64::from((value.wrapping_shl(1) ^ (value >> 31)) as u32)
}
