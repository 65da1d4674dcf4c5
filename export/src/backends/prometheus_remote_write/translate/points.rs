//! What each kind of data point becomes: one series, several, or one native histogram.
//!
//! The outer error of each function is that the bytes are malformed, the inner one that the point can't be sent.

use schemas::otlp::point::{
    Buckets, ExponentialHistogramPoint, HistogramPoint, NO_RECORDED_VALUE, NumberPoint,
    SummaryPoint,
};
use schemas::otlp::{MetricKind, PointView};
use schemas::wire::WireError;

use super::super::wire::{FamilyType, NativeHistogram, Version};
use super::dropped::Why;
use super::family::FamilyNames;
use super::labels::Base;
use super::native::{STALE, is_ascending, of_explicit, of_exponential, stale};
use super::rules::Histograms;
use super::series::{Place, Series, Times};
use crate::temporality::{DenseBuckets, Explicit, Exponential, Total};

/// What is known of a point beside its own bytes.
#[derive(Clone, Copy)]
pub struct Around<'s> {
    pub family: &'s FamilyNames,
    /// Labels of all series of the scope.
    pub base: &'s Base,
    /// Of a point of delta temporality, which is made cumulative.
    pub delta_of: Option<&'s Place>,
    pub histograms: Histograms,
}

/// When a point was read, in nanoseconds since 1970; 0 if it doesn't say.
///
/// # Errors
/// It is malformed.
pub fn time_ns(point: &PointView<'_>) -> Result<u64, WireError> {
    // Field 3 of all kinds.
    let mut time_ns = 0;
    for field in schemas::wire::Fields::new(point.body) {
        let field = field?;
        if field.number == 3 {
            time_ns = field.fixed64_value()?;
        }
    }
    Ok(time_ns)
}

/// A point of a gauge or a sum.
pub fn number<'a>(
    series: &mut Series<'a, '_>,
    point: &PointView<'a>,
    around: Around<'_>,
) -> Result<Result<(), Why>, WireError> {
    let kind = point.kind;
    let point = NumberPoint::parse(point.body)?;
    let mut times = Times {
        start_ns: point.start_time_unix_nano,
        time_ns: point.time_unix_nano,
    };
    if let Err(why) = series.begin(point.attributes(), around.base)? {
        return Ok(Err(why));
    }
    let family = &around.family.family;
    series.set_name(family.name);
    let ended = point.flags & NO_RECORDED_VALUE != 0;
    let mut value = match (ended, point.value.as_f64()) {
        (true, _) => f64::from_bits(STALE),
        (false, Some(value)) => value,
        (false, None) => return Ok(Err(Why::Value)),
    };
    if let Some(place) = around.delta_of {
        match series.cumulated(place, times, ended, Total::Number(value)) {
            Ok(Some((start_ns, Total::Number(total)))) => {
                (times.start_ns, value) = (start_ns, total);
            }
            Ok(_) => {}
            Err(why) => return Ok(Err(why)),
        }
    }
    // Only what grows from a start has one.
    if family.kind != FamilyType::Counter {
        times.start_ns = 0;
    }
    if kind == MetricKind::Sum {
        series.read_exemplars(point.exemplars(), &[])?;
        series.bucket(family, times, value, 0);
    } else {
        series.sample(family, times, value);
    }
    Ok(Ok(()))
}

/// A point of a histogram with explicit bounds.
pub fn histogram<'a>(
    series: &mut Series<'a, '_>,
    body: &'a [u8],
    around: Around<'_>,
) -> Result<Result<(), Why>, WireError> {
    let point = HistogramPoint::parse(body)?;
    let mut times = Times {
        start_ns: point.start_time_unix_nano,
        time_ns: point.time_unix_nano,
    };
    if let Err(why) = series.begin(point.attributes(), around.base)? {
        return Ok(Err(why));
    }
    let bounds = point.explicit_bounds();
    let mut histogram = Explicit {
        count: point.count,
        sum: point.sum,
        bounds: bounds
            .map(|bound| bound.map(f64::from_bits))
            .collect::<Result<_, _>>()?,
        counts: point.bucket_counts().collect::<Result<_, _>>()?,
    };
    if !is_ascending(&histogram.bounds) {
        return Ok(Err(Why::Malformed));
    }
    let ended = point.flags & NO_RECORDED_VALUE != 0;
    if let Some(place) = around.delta_of {
        series.set_name(around.family.family.name);
        let total = Total::Explicit(histogram.clone());
        match series.cumulated(place, times, ended, total) {
            Ok(Some((start_ns, Total::Explicit(total)))) => {
                (times.start_ns, histogram) = (start_ns, total);
            }
            Ok(_) => {}
            Err(why) => return Ok(Err(why)),
        }
    }
    // Version 1 has no histograms with bounds of their own.
    if around.histograms == Histograms::Nhcb && series.writer.version() == Version::V2 {
        series.read_exemplars(point.exemplars(), &[])?;
        return Ok(native(
            series,
            around,
            times,
            ended,
            of_explicit(&histogram),
        ));
    }
    series.read_exemplars(point.exemplars(), &histogram.bounds)?;
    classic(series, around.family, times, &histogram, ended);
    Ok(Ok(()))
}

fn classic(
    series: &mut Series<'_, '_>,
    names: &FamilyNames,
    times: Times,
    from: &Explicit,
    ended: bool,
) {
    let family = &names.family;
    let value = |value: f64| if ended { f64::from_bits(STALE) } else { value };
    if let Some(sum) = from.sum {
        series.set_name(names.sum);
        series.sample(family, times, value(sum));
    }
    series.set_name(names.count);
    series.sample(family, times, value(from.count as f64));
    series.set_name(names.bucket);
    let mut below: u64 = 0;
    for (bucket, (bound, count)) in from.bounds.iter().zip(&from.counts).enumerate() {
        below = below.saturating_add(*count);
        // That bucket follows.
        if *bound != f64::INFINITY {
            series.set_le(*bound);
            series.bucket(family, times, value(below as f64), bucket);
        }
    }
    series.set_le(f64::INFINITY);
    let last = from.bounds.len();
    series.bucket(family, times, value(from.count as f64), last);
}

/// A point of an exponential histogram.
pub fn exponential<'a>(
    series: &mut Series<'a, '_>,
    body: &'a [u8],
    around: Around<'_>,
) -> Result<Result<(), Why>, WireError> {
    let point = ExponentialHistogramPoint::parse(body)?;
    let mut times = Times {
        start_ns: point.start_time_unix_nano,
        time_ns: point.time_unix_nano,
    };
    if let Err(why) = series.begin(point.attributes(), around.base)? {
        return Ok(Err(why));
    }
    let ended = point.flags & NO_RECORDED_VALUE != 0;
    let sum = match point.sum {
        Some(sum) => sum,
        None if ended => 0.0,
        None => return Ok(Err(Why::Sum)),
    };
    let mut histogram = Exponential {
        count: point.count,
        sum,
        scale: point.scale,
        zero_count: point.zero_count,
        zero_threshold: point.zero_threshold,
        positive: dense(&point.positive)?,
        negative: dense(&point.negative)?,
    };
    if let Some(place) = around.delta_of {
        series.set_name(around.family.family.name);
        let total = Total::Exponential(histogram.clone());
        match series.cumulated(place, times, ended, total) {
            Ok(Some((start_ns, Total::Exponential(total)))) => {
                (times.start_ns, histogram) = (start_ns, total);
            }
            Ok(_) => {}
            Err(why) => return Ok(Err(why)),
        }
    }
    series.read_exemplars(point.exemplars(), &[])?;
    let made = of_exponential(&histogram);
    Ok(native(series, around, times, ended, made))
}

fn native(
    series: &mut Series<'_, '_>,
    around: Around<'_>,
    times: Times,
    ended: bool,
    made: Result<NativeHistogram, Why>,
) -> Result<(), Why> {
    let histogram = match (made, ended) {
        (made, true) => stale(made.unwrap_or_default()),
        (made, false) => made?,
    };
    series.set_name(around.family.family.name);
    series.native(&around.family.family, times, &histogram);
    Ok(())
}

fn dense(buckets: &Buckets<'_>) -> Result<DenseBuckets, WireError> {
    Ok(DenseBuckets {
        offset: buckets.offset,
        counts: buckets.counts().collect::<Result<_, _>>()?,
    })
}

/// A point of a summary.
pub fn summary<'a>(
    series: &mut Series<'a, '_>,
    body: &'a [u8],
    around: Around<'_>,
) -> Result<Result<(), Why>, WireError> {
    let point = SummaryPoint::parse(body)?;
    let times = Times {
        start_ns: point.start_time_unix_nano,
        time_ns: point.time_unix_nano,
    };
    if let Err(why) = series.begin(point.attributes(), around.base)? {
        return Ok(Err(why));
    }
    let names = around.family;
    let ended = point.flags & NO_RECORDED_VALUE != 0;
    let value = |value: f64| if ended { f64::from_bits(STALE) } else { value };
    series.set_name(names.sum);
    series.sample(&names.family, times, value(point.sum));
    series.set_name(names.count);
    series.sample(&names.family, times, value(point.count as f64));
    series.set_name(names.family.name);
    for pair in point.quantiles() {
        let (quantile, of_values) = pair?;
        series.set_quantile(quantile);
        series.sample(&names.family, times, value(of_values));
    }
    Ok(Ok(()))
}
