//! One stream: its total, and how a delta is added to it.

use crate::backends::prometheus_remote_write::translate::{
    DenseBuckets, Explicit, Exponential, Why,
};

/// More buckets of one sign are merged by two, as SDKs do. Source: the Collector's `deltatocumulative`, which has 160.
const BUCKETS_MAX: i64 = 160;

/// What is added up.
#[derive(Clone, Debug, PartialEq)]
pub enum Total {
    Number(f64),
    Explicit(Explicit),
    Exponential(Exponential),
}

/// A delta.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    pub start_ns: u64,
    pub time_ns: u64,
    pub value: Total,
}

/// What is known of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// That of its first delta.
    pub start_ns: u64,
    last_ns: u64,
    /// When the bus took the last delta.
    seen_ms: i64,
    pub total: Total,
}

impl Stream {
    pub fn new(delta: &Delta, now_ms: i64) -> Self {
        Self {
            start_ns: delta.start_ns,
            last_ns: delta.time_ns,
            seen_ms: now_ms,
            total: delta.value.clone(),
        }
    }

    pub fn is_stale(&self, now_ms: i64, max_stale_ms: i64) -> bool {
        now_ms - self.seen_ms > max_stale_ms
    }

    /// With a delta more. Where that can't be added, as bounds have changed, it is the first of a new stream.
    pub fn plus(&self, delta: &Delta, now_ms: i64) -> Result<Self, Why> {
        if delta.time_ns <= self.last_ns {
            return Err(Why::Late);
        }
        let total = match (&self.total, &delta.value) {
            (Total::Number(total), Total::Number(value)) => Some(Total::Number(total + value)),
            (Total::Explicit(total), Total::Explicit(value)) => {
                explicit(total, value).map(Total::Explicit)
            }
            (Total::Exponential(total), Total::Exponential(value)) => {
                Some(Total::Exponential(exponential(total, value)?))
            }
            _ => None,
        };
        Ok(match total {
            Some(total) => Self {
                start_ns: self.start_ns,
                last_ns: delta.time_ns,
                seen_ms: self.seen_ms.max(now_ms),
                total,
            },
            None => Self::new(delta, now_ms),
        })
    }
}

fn explicit(total: &Explicit, value: &Explicit) -> Option<Explicit> {
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

fn exponential(total: &Exponential, value: &Exponential) -> Result<Exponential, Why> {
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
fn range(buckets: &DenseBuckets, shift: i64) -> Option<(i64, i64)> {
    let first = buckets.counts.iter().position(|count| *count > 0)?;
    let last = buckets.counts.iter().rposition(|count| *count > 0)?;
    let index = |position: usize| shifted(buckets, position, shift);
    Some((index(first), index(last)))
}

fn shifted(buckets: &DenseBuckets, position: usize, shift: i64) -> i64 {
    (i64::from(buckets.offset) + position as i64) >> shift.clamp(0, 63)
}

fn union(a: Option<(i64, i64)>, b: Option<(i64, i64)>) -> Option<(i64, i64)> {
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
