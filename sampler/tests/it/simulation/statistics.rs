//! The plain model of policies that look at more than one trace: every verdict so far in a list.

use std::collections::BTreeSet;

use crate::simulation::bus::Span;
use crate::simulation::traffic::{
    FLOOR, NOVELTY, OUTLIER_PERCENT, OUTLIER_SAMPLES, STATISTICS_MS, trace_id,
};

/// What became of a trace that was decided when it was due.
struct Decided {
    interval: u64,
    shape: BTreeSet<(u8, bool)>,
    resource: u8,
    duration_us: u64,
    kept: bool,
}

#[derive(Default)]
pub struct Statistics {
    decided: Vec<Decided>,
}

impl Statistics {
    /// The first of these policies that keeps a trace; `kept`: another one does.
    pub fn judge(
        &mut self,
        trace: u8,
        spans: &[Span],
        at_ms: u64,
        duration_us: u64,
        kept: bool,
    ) -> Option<&'static str> {
        let new = Decided {
            interval: at_ms / STATISTICS_MS,
            shape: spans
                .iter()
                .map(|span| (span.resource, span.error))
                .collect(),
            resource: entry(spans).resource,
            duration_us,
            kept: false,
        };
        let among = |is: &dyn Fn(&&Decided) -> bool| {
            let now = self
                .decided
                .iter()
                .filter(|past| past.interval == new.interval);
            now.filter(is).count() as u32
        };
        let policy = if randomness(trace) >= threshold(new.resource) {
            Some("per_operation")
        } else if self
            .usual_us(&new)
            .is_some_and(|usual_us| duration_us > usual_us)
        {
            Some("latency_outlier")
        } else if among(&|past| past.shape == new.shape) < NOVELTY {
            Some("novelty")
        } else if among(&|past| past.kept && past.resource == new.resource) < FLOOR {
            Some("floor")
        } else {
            None
        };
        let kept = kept || policy.is_some();
        self.decided.push(Decided { kept, ..new });
        policy
    }

    fn usual_us(&self, new: &Decided) -> Option<u64> {
        let of = |interval: u64| {
            let past = self.decided.iter();
            let past =
                past.filter(|past| past.interval == interval && past.resource == new.resource);
            let mut durations: Vec<_> = past.map(|past| past.duration_us).collect();
            durations.sort_unstable();
            let rank = (durations.len() * OUTLIER_PERCENT).div_ceil(100);
            (durations.len() >= OUTLIER_SAMPLES).then(|| bucket_end(durations[rank.max(1) - 1]))
        };
        new.interval
            .checked_sub(1)
            .and_then(of)
            .or_else(|| of(new.interval))
    }
}

/// The root, or the span that starts first.
fn entry(spans: &[Span]) -> &Span {
    let root = spans.iter().find(|span| span.root);
    root.or_else(|| spans.iter().min_by_key(|span| span.start_ms))
        .unwrap()
}

/// Sixteen buckets to a power of two.
fn bucket_end(value: u64) -> u64 {
    let width = (value.checked_ilog2().unwrap_or(0)).saturating_sub(4);
    (((value >> width) + 1) << width) - 1
}

fn randomness(trace: u8) -> u64 {
    let id = trace_id(trace);
    id[9..]
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Of 30 % for one service, 5 % for the others.
fn threshold(resource: u8) -> u64 {
    let rejected = if resource == 1 { 0.7 } else { 0.95 };
    (rejected * 2_f64.powi(56)).round() as u64
}
