//! From cumulative to delta: what came since the last point of a stream.
//!
//! Follows the Collector's `cumulativetodelta` with `initial_value: auto`: the first point of a stream counts as a whole where the stream began
//! after we did, and is left out otherwise. A stream begins anew where its start is not before its last point; a value that falls without that
//! is left out, and the next one counts from it.
//!
//! **Restarts.** What is remembered is in memory. When the process or the owner of a partition changes, or a stream was forgotten, the first point of each
//! stream that began before is left out: what came since the last one that was sent is missing from the deltas, and nothing is counted twice.

use std::collections::HashMap;

use bus::TopicPartition;

use super::stream::Delta;
use super::table::{Seen, StreamLimits, Table};
use super::value::{DenseBuckets, Explicit, Exponential, Total, range, shifted, union};
use super::why::Why;

/// The last points of one backend's streams.
#[derive(Debug)]
pub struct Deltas {
    table: Table<Last>,
    /// By partition, in nanoseconds since 1970: of a stream that began before, points may have been sent already.
    floors: HashMap<TopicPartition, u64>,
}

#[derive(Debug)]
struct Last {
    start_ns: u64,
    time_ns: u64,
    seen_ms: i64,
    value: Total,
}

impl Seen for Last {
    fn seen_ms(&self) -> i64 {
        self.seen_ms
    }
}

impl Deltas {
    pub fn new(limits: StreamLimits) -> Self {
        Self {
            table: Table::new(limits),
            floors: HashMap::new(),
        }
    }

    pub fn count(&self) -> usize {
        self.table.count()
    }

    /// A partition is ours from this time on, in nanoseconds since 1970.
    pub fn own(&mut self, at: &TopicPartition, began_ns: u64) {
        self.table.forget(std::slice::from_ref(at));
        self.floors.insert(at.clone(), began_ns);
    }

    pub fn forget(&mut self, gone: &[TopicPartition]) {
        self.table.forget(gone);
        self.floors.retain(|at, _| !gone.contains(at));
    }

    /// The bus took a record at this time.
    pub fn passes(&mut self, at: &TopicPartition, now_ms: i64) {
        let floors = &mut self.floors;
        self.table
            .passes(at, now_ms, |at, last| raise(floors, at, last));
    }

    /// What is new in a cumulative point, from a record that the bus took at `now_ms`: since when in nanoseconds, and how much.
    ///
    /// # Errors
    /// It isn't known.
    pub fn take(
        &mut self,
        at: &TopicPartition,
        now_ms: i64,
        key: u128,
        point: &Delta,
    ) -> Result<(u64, Total), Why> {
        let outcome = match self.table.get(at, key) {
            Some(last) if point.time_ns <= last.time_ns => return Err(Why::Late),
            Some(last) if point.start_ns >= last.time_ns => {
                Ok((point.start_ns, point.value.clone()))
            }
            Some(last) => minus(&point.value, &last.value).map(|value| (last.time_ns, value)),
            None => self.first(at, point),
        };
        if outcome != Err(Why::Streams) {
            let last = Last {
                start_ns: point.start_ns,
                time_ns: point.time_ns,
                seen_ms: now_ms,
                value: point.value.clone(),
            };
            self.table.insert(at, key, last);
        }
        outcome
    }

    fn first(&mut self, at: &TopicPartition, point: &Delta) -> Result<(u64, Total), Why> {
        let floors = &mut self.floors;
        self.table.make_room(|at, last| raise(floors, at, last));
        if self.table.count() >= self.table.limits().max_streams {
            return Err(Why::Streams);
        }
        let floor = self.floors.get(at).copied().unwrap_or(u64::MAX);
        match point.start_ns >= floor && point.start_ns < point.time_ns {
            true => Ok((point.start_ns, point.value.clone())),
            false => Err(Why::Initial),
        }
    }
}

/// A stream is forgotten. Should it come back, it began before its last point; a clock that is ahead must not raise that for others.
fn raise(floors: &mut HashMap<TopicPartition, u64>, at: &TopicPartition, last: &Last) {
    let seen_ns = u64::try_from(last.seen_ms)
        .unwrap_or(0)
        .saturating_mul(1_000_000);
    let began_before = last.time_ns.max(last.start_ns).min(seen_ns);
    if let Some(floor) = floors.get_mut(at) {
        *floor = began_before.max(*floor);
    }
}

fn minus(value: &Total, last: &Total) -> Result<Total, Why> {
    let numbers = |value: f64, last: f64| match value < last {
        true => Err(Why::Reset),
        false => Ok(Total::Number(value - last)),
    };
    match (value, last) {
        (Total::Int(value), Total::Int(last)) if value < last => Err(Why::Reset),
        (Total::Int(value), Total::Int(last)) => Ok(Total::Int(value.saturating_sub(*last))),
        (Total::Number(value), Total::Number(last)) => numbers(*value, *last),
        (Total::Int(value), Total::Number(last)) => numbers(*value as f64, *last),
        (Total::Number(value), Total::Int(last)) => numbers(*value, *last as f64),
        (Total::Explicit(value), Total::Explicit(last)) => {
            explicit(value, last).map(Total::Explicit)
        }
        (Total::Exponential(value), Total::Exponential(last)) => {
            exponential(value, last).map(Total::Exponential)
        }
        _ => Err(Why::Buckets),
    }
}

fn count(value: u64, last: u64) -> Result<u64, Why> {
    value.checked_sub(last).ok_or(Why::Reset)
}

fn explicit(value: &Explicit, last: &Explicit) -> Result<Explicit, Why> {
    if value.bounds != last.bounds || value.counts.len() != last.counts.len() {
        return Err(Why::Buckets);
    }
    let counts = value.counts.iter().zip(&last.counts);
    Ok(Explicit {
        count: count(value.count, last.count)?,
        sum: value.sum.zip(last.sum).map(|(value, last)| value - last),
        bounds: value.bounds.clone(),
        counts: counts
            .map(|(value, last)| count(*value, *last))
            .collect::<Result<_, _>>()?,
    })
}

/// A histogram that grows only loses precision: its scale falls, and the range around zero widens.
fn exponential(value: &Exponential, last: &Exponential) -> Result<Exponential, Why> {
    if value.scale > last.scale {
        return Err(Why::Reset);
    }
    if value.zero_threshold != last.zero_threshold {
        return Err(Why::Buckets);
    }
    let shift = i64::from(last.scale) - i64::from(value.scale);
    Ok(Exponential {
        count: count(value.count, last.count)?,
        sum: value.sum - last.sum,
        scale: value.scale,
        zero_count: count(value.zero_count, last.zero_count)?,
        zero_threshold: value.zero_threshold,
        positive: buckets(&value.positive, &last.positive, shift)?,
        negative: buckets(&value.negative, &last.negative, shift)?,
    })
}

/// `last` is at a scale that is higher by `shift`.
fn buckets(value: &DenseBuckets, last: &DenseBuckets, shift: i64) -> Result<DenseBuckets, Why> {
    let Some((first, end)) = range(value, 0) else {
        return match range(last, shift) {
            None => Ok(DenseBuckets::default()),
            Some(_) => Err(Why::Reset),
        };
    };
    let inside = union(Some((first, end)), range(last, shift));
    if inside != Some((first, end)) {
        return Err(Why::Reset);
    }
    let skipped = usize::try_from(first - i64::from(value.offset)).unwrap_or(0);
    let length = usize::try_from(end - first + 1).map_err(|_| Why::Malformed)?;
    let mut counts = value.counts[skipped..skipped + length].to_vec();
    for (position, taken) in last
        .counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
    {
        let index = shifted(last, position, shift) - first;
        let slot = usize::try_from(index)
            .ok()
            .and_then(|index| counts.get_mut(index));
        let slot = slot.ok_or(Why::Reset)?;
        *slot = count(*slot, *taken)?;
    }
    Ok(DenseBuckets {
        offset: i32::try_from(first).map_err(|_| Why::Malformed)?,
        counts,
    })
}

#[cfg(test)]
mod tests;
