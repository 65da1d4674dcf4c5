//! The values of points, and how they are added up.

use super::why::Why;

/// More buckets of one sign are merged by two, as SDKs do. Source: the Collector's `deltatocumulative`, which has 160.
const BUCKETS_MAX: i64 = 160;

/// What a point says.
#[derive(Clone, Debug, PartialEq)]
pub enum Total {
    Number(f64),
    Int(i64),
    Explicit(Explicit),
    Exponential(Exponential),
}

/// Buckets as OTLP has them: counts from an offset on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DenseBuckets {
    pub offset: i32,
    pub counts: Vec<u64>,
}

/// An exponential histogram, its point read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exponential {
    pub count: u64,
    pub sum: f64,
    pub scale: i32,
    pub zero_count: u64,
    pub zero_threshold: f64,
    pub positive: DenseBuckets,
    pub negative: DenseBuckets,
}

/// A histogram with explicit bounds, its point read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explicit {
    pub count: u64,
    pub sum: Option<f64>,
    pub bounds: Vec<f64>,
    pub counts: Vec<u64>,
}

/// `None`: their bounds differ.
pub fn add_explicit(total: &Explicit, value: &Explicit) -> Option<Explicit> {
    if total.bounds != value.bounds || total.counts.len() != value.counts.len() {
        return None;
    }
    let counts = total.counts.iter().zip(&value.counts);
    Some(Explicit {
        count: total.count.saturating_add(value.count),
        sum: total.sum.zip(value.sum).map(|(total, value)| total + value),
        bounds: total.bounds.clone(),
        counts: counts.map(|(a, b)| a.saturating_add(*b)).collect(),
    })
}

/// At the lower of both scales, or below.
///
/// # Errors
/// An index is beyond what offsets can say.
pub fn add_exponential(total: &Exponential, value: &Exponential) -> Result<Exponential, Why> {
    let mut scale = i64::from(total.scale.min(value.scale));
    for (a, b) in [
        (&total.positive, &value.positive),
        (&total.negative, &value.negative),
    ] {
        let scaled = |of: &Exponential, buckets: &DenseBuckets, scale: i64| {
            range(buckets, i64::from(of.scale) - scale)
        };
        while let Some((first, last)) = union(scaled(total, a, scale), scaled(value, b, scale))
            && last - first >= BUCKETS_MAX
        {
            scale -= 1;
        }
    }
    let merged = |a: &DenseBuckets, b: &DenseBuckets| {
        let shifts = (
            i64::from(total.scale) - scale,
            i64::from(value.scale) - scale,
        );
        merge((a, shifts.0), (b, shifts.1)).ok_or(Why::Malformed)
    };
    Ok(Exponential {
        count: total.count.saturating_add(value.count),
        sum: total.sum + value.sum,
        scale: scale as i32,
        zero_count: total.zero_count.saturating_add(value.zero_count),
        zero_threshold: total.zero_threshold.max(value.zero_threshold),
        positive: merged(&total.positive, &value.positive)?,
        negative: merged(&total.negative, &value.negative)?,
    })
}

/// The indexes of the first and last bucket that holds something, at a scale that is lower by `shift`.
pub fn range(buckets: &DenseBuckets, shift: i64) -> Option<(i64, i64)> {
    let first = buckets.counts.iter().position(|count| *count > 0)?;
    let last = buckets.counts.iter().rposition(|count| *count > 0)?;
    let index = |position: usize| shifted(buckets, position, shift);
    Some((index(first), index(last)))
}

pub fn shifted(buckets: &DenseBuckets, position: usize, shift: i64) -> i64 {
    (i64::from(buckets.offset) + position as i64) >> shift.clamp(0, 63)
}

pub fn union(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (one, other) => one.or(other),
    }
}

/// `None`: an index is beyond what offsets can say.
fn merge(a: (&DenseBuckets, i64), b: (&DenseBuckets, i64)) -> Option<DenseBuckets> {
    let Some((first, last)) = union(range(a.0, a.1), range(b.0, b.1)) else {
        return Some(DenseBuckets::default());
    };
    let mut counts = vec![0_u64; usize::try_from(last - first + 1).ok()?];
    for (buckets, shift) in [a, b] {
        for (position, count) in buckets.counts.iter().enumerate() {
            if *count > 0 {
                let index = shifted(buckets, position, shift) - first;
                let slot = counts.get_mut(usize::try_from(index).ok()?)?;
                *slot = slot.saturating_add(*count);
            }
        }
    }
    Some(DenseBuckets {
        offset: i32::try_from(first).ok()?,
        counts,
    })
}
