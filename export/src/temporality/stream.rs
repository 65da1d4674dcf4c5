//! One stream: its total, and how a delta is added to it.

use super::table::Seen;
use super::value::{Total, add_explicit, add_exponential};
use super::why::Why;

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

    /// With a delta more. Where that can't be added, as bounds have changed, it is the first of a new stream.
    pub fn plus(&self, delta: &Delta, now_ms: i64) -> Result<Self, Why> {
        if delta.time_ns <= self.last_ns {
            return Err(Why::Late);
        }
        let total = match (&self.total, &delta.value) {
            (Total::Number(total), Total::Number(value)) => Some(Total::Number(total + value)),
            (Total::Int(total), Total::Int(value)) => {
                Some(Total::Int(total.saturating_add(*value)))
            }
            (Total::Explicit(total), Total::Explicit(value)) => {
                add_explicit(total, value).map(Total::Explicit)
            }
            (Total::Exponential(total), Total::Exponential(value)) => {
                Some(Total::Exponential(add_exponential(total, value)?))
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

impl Seen for Stream {
    fn seen_ms(&self) -> i64 {
        self.seen_ms
    }
}
