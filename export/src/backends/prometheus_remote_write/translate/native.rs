//! Native histograms from the two kinds of histograms that OTLP has. Pure.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#exponential-histograms>.

use super::super::wire::{NativeHistogram, Span, SparseBuckets};
use super::dropped::Why;
use crate::temporality::{DenseBuckets, Explicit, Exponential};

/// The scales that native histograms know.
const SCALES: std::ops::RangeInclusive<i32> = -4..=8;
/// The schema of histograms with bounds of their own.
const CUSTOM_BUCKETS: i32 = -53;
/// Where a point says none. Source: Prometheus, `defaultZeroThreshold`.
const ZERO_THRESHOLD: f64 = 1e-128;
/// Up to so many empty buckets between others are written out; more make a new span. Source: client_golang, `makeBuckets`.
const GAP_MAX: i64 = 2;
/// What says that a series has ended: a NaN of these bits.
pub const STALE: u64 = 0x7ff0_0000_0000_0002;

/// An exponential histogram with at most scale 8.
///
/// # Errors
/// There is no native histogram for it.
pub fn of_exponential(from: &Exponential) -> Result<NativeHistogram, Why> {
    if from.scale < *SCALES.start() {
        return Err(Why::Scale);
    }
    let schema = from.scale.min(*SCALES.end());
    let shift = from.scale - schema;
    // Bucket i of Prometheus ends where that of OTLP begins.
    let sparse = |buckets: &DenseBuckets| sparse(buckets, shift, 1);
    Ok(NativeHistogram {
        count: from.count,
        sum: from.sum,
        schema,
        zero_threshold: match from.zero_threshold {
            0.0 => ZERO_THRESHOLD,
            threshold => threshold,
        },
        zero_count: from.zero_count,
        positive: sparse(&from.positive).ok_or(Why::Malformed)?,
        negative: sparse(&from.negative).ok_or(Why::Malformed)?,
        custom_values: Vec::new(),
    })
    .and_then(consistent)
}

/// A histogram with buckets of its own.
///
/// # Errors
/// There is no native histogram for it.
pub fn of_explicit(from: &Explicit) -> Result<NativeHistogram, Why> {
    let buckets = DenseBuckets {
        offset: 0,
        counts: from.counts.clone(),
    };
    let has_all = from.counts.is_empty() || from.counts.len() == from.bounds.len() + 1;
    if !has_all || !is_ascending(&from.bounds) || from.bounds.iter().any(|b| b.is_infinite()) {
        return Err(Why::Malformed);
    }
    consistent(NativeHistogram {
        count: from.count,
        sum: from.sum.ok_or(Why::Sum)?,
        schema: CUSTOM_BUCKETS,
        positive: sparse(&buckets, 0, 0).ok_or(Why::Malformed)?,
        custom_values: from.bounds.clone(),
        ..NativeHistogram::default()
    })
}

/// The same, saying that the series has ended.
pub fn stale(mut histogram: NativeHistogram) -> NativeHistogram {
    histogram.sum = f64::from_bits(STALE);
    histogram.count = STALE;
    histogram
}

/// Each above the one before; no NaN.
pub fn is_ascending(bounds: &[f64]) -> bool {
    bounds.iter().all(|bound| !bound.is_nan()) && bounds.windows(2).all(|pair| pair[0] < pair[1])
}

/// Buckets without the empty ones at both ends and in wide gaps. Each `2^shift` become one.
fn sparse(from: &DenseBuckets, shift: i32, add: i64) -> Option<SparseBuckets> {
    let mut sparse = SparseBuckets::default();
    // Of the bucket that comes next where there is no gap.
    let mut next: i64 = 0;
    let mut last_count: i64 = 0;
    let mut push = |index: i64, count: u64| -> Option<()> {
        if count == 0 {
            return Some(());
        }
        let gap = index - next;
        let is_first = sparse.spans.is_empty();
        if is_first || gap > GAP_MAX {
            let offset = i32::try_from(if is_first { index } else { gap }).ok()?;
            sparse.spans.push(Span { offset, length: 0 });
        } else {
            for _ in 0..gap {
                sparse.deltas.push(-last_count);
                last_count = 0;
            }
            sparse.spans.last_mut()?.length += gap as u32;
        }
        let count = i64::try_from(count).ok()?;
        sparse.deltas.push(count - last_count);
        (last_count, next) = (count, index + 1);
        sparse.spans.last_mut()?.length += 1;
        Some(())
    };
    let (mut merged, mut merged_index) = (0_u64, i64::MIN);
    for (position, count) in from.counts.iter().enumerate() {
        let index = ((i64::from(from.offset) + position as i64) >> shift.min(63)) + add;
        if index != merged_index {
            push(merged_index, merged)?;
            (merged, merged_index) = (0, index);
        }
        merged = merged.checked_add(*count)?;
    }
    push(merged_index, merged)?;
    Some(sparse)
}

/// Prometheus refuses a histogram whose buckets hold more or fewer values than it counts, and in version 1 the whole request with it.
fn consistent(histogram: NativeHistogram) -> Result<NativeHistogram, Why> {
    let total = |buckets: &SparseBuckets| {
        let mut count = 0;
        buckets.deltas.iter().fold(0_i128, |total, delta| {
            count += delta;
            total + i128::from(count)
        })
    };
    let buckets = total(&histogram.positive) + total(&histogram.negative);
    let all = buckets + i128::from(histogram.zero_count);
    let count = i128::from(histogram.count);
    // Values that are NaN are counted, and are in no bucket.
    let fits = match histogram.sum.is_nan() {
        true => all <= count,
        false => all == count,
    };
    match fits {
        true => Ok(histogram),
        false => Err(Why::Malformed),
    }
}
