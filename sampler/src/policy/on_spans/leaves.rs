//! Conditions on spans, one bit each.

use hashbrown::HashSet;
use schemas::otlp::{SpanView, StatusCode, trace_state};

use crate::policy::on_spans::attributes::{AttributeLeaves, Place};
use crate::policy::on_spans::bits::Bits;

const NANOS_PER_MILLI: i64 = 1_000_000;
/// `trace.FlagsSampled`.
const SAMPLED: u32 = 1;

#[derive(Debug, Default)]
pub(in crate::policy) struct Leaves {
    pub(in crate::policy) status: Vec<StatusLeaf>,
    pub(in crate::policy) latency: Vec<LatencyLeaf>,
    pub(in crate::policy) sampled_flag: Option<u8>,
    pub(in crate::policy) trace_state: Vec<TraceStateLeaf>,
    pub(in crate::policy) attributes: AttributeLeaves,
}

impl Leaves {
    /// Gives back what was reserved for more.
    pub(in crate::policy) fn shrink_to_fit(&mut self) {
        self.status.shrink_to_fit();
        self.latency.shrink_to_fit();
        self.trace_state.shrink_to_fit();
    }
}

/// The span's status is one of these.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::policy) struct StatusLeaf {
    pub(in crate::policy) unset: bool,
    pub(in crate::policy) ok: bool,
    pub(in crate::policy) error: bool,
    pub(in crate::policy) bit: u8,
}

/// From the earliest start to the latest end seen so far.
///
/// As in the Collector, spans are looked at one after the other: a range with an upper end is satisfied when the trace so far lies in it, even
/// if later spans make it longer.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct LatencyLeaf {
    min_nanos: i64,
    /// Exclusive.
    end_nanos: i64,
    pub(in crate::policy) bit: u8,
}

#[derive(Debug)]
pub(in crate::policy) struct TraceStateLeaf {
    pub(in crate::policy) key: Box<[u8]>,
    pub(in crate::policy) values: HashSet<Box<[u8]>>,
    pub(in crate::policy) bit: u8,
}

impl LatencyLeaf {
    /// `threshold ≤ d` without an upper threshold (0), `threshold < d ≤ upper` with one; d in whole milliseconds, cut towards zero.
    pub(in crate::policy) fn new(threshold_ms: u64, upper_threshold_ms: u64, bit: u8) -> Self {
        let nanos = |ms: u64| {
            i64::try_from(ms)
                .unwrap_or(i64::MAX)
                .saturating_mul(NANOS_PER_MILLI)
        };
        let (min_nanos, end_nanos) = match (threshold_ms, upper_threshold_ms) {
            (0, 0) => (1 - NANOS_PER_MILLI, i64::MAX),
            (threshold, 0) => (nanos(threshold), i64::MAX),
            (threshold, upper) => (
                nanos(threshold.saturating_add(1)),
                nanos(upper.saturating_add(1)),
            ),
        };
        Self {
            min_nanos,
            end_nanos,
            bit,
        }
    }
}

impl Leaves {
    #[inline]
    pub(in crate::policy) fn span(&self, span: &SpanView<'_>) -> Bits {
        let mut bits = Bits::default();
        for leaf in &self.status {
            let hit = match span.status {
                StatusCode::Unset => leaf.unset,
                StatusCode::Ok => leaf.ok,
                StatusCode::Error => leaf.error,
                StatusCode::Other(_) => false,
            };
            if hit {
                bits.set(leaf.bit);
            }
        }
        if let Some(bit) = self.sampled_flag
            && span.flags & SAMPLED != 0
        {
            bits.set(bit);
        }
        if !self.trace_state.is_empty() && !span.trace_state.is_empty() {
            self.trace_state(span.trace_state, &mut bits);
        }
        if !self.attributes.is_empty() {
            bits |= self.attributes.satisfied(span.attributes(), Place::Span);
        }
        bits
    }

    #[cold]
    fn trace_state(&self, state: &[u8], bits: &mut Bits) {
        for leaf in &self.trace_state {
            if trace_state::value_of(state, &leaf.key)
                .is_some_and(|value| leaf.values.contains(value))
            {
                bits.set(leaf.bit);
            }
        }
    }

    #[inline]
    pub(in crate::policy) fn latency(&self, min_start: u64, max_end: u64) -> Bits {
        let mut bits = Bits::default();
        if !self.latency.is_empty() {
            let nanos = (max_end as i64).saturating_sub(min_start as i64);
            for leaf in &self.latency {
                if nanos >= leaf.min_nanos && nanos < leaf.end_nanos {
                    bits.set(leaf.bit);
                }
            }
        }
        bits
    }
}
