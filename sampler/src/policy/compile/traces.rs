//! Policies about the trace as a whole: duration, chance, counts and budgets.

use super::Compiler;
use crate::budget::{Limit, Refill};
use crate::policy::identity::identity;
use crate::policy::on_spans::leaves::LatencyLeaf;
use crate::policy::on_traces::probability::Share;
use crate::policy::on_traces::rule::Rule;
use crate::policy::written::raw::{
    RawBytesLimiting, RawLatency, RawProbabilistic, RawRateLimiting, RawSpanCount,
};

impl Compiler<'_> {
    pub(super) fn latency(&mut self, latency: &RawLatency, path: &str) -> Rule {
        let (threshold, upper) = (latency.threshold_ms, latency.upper_threshold_ms);
        if threshold == 0 && upper == 0 {
            self.problem(
                path,
                "threshold_ms",
                "missing: without a threshold every trace matches; to keep everything, use always_sample",
            );
        } else if upper != 0 && upper <= threshold {
            let message =
                format!("{upper} is not above threshold_ms ({threshold}): nothing would match");
            self.problem(path, "upper_threshold_ms", message);
        }
        let (bit, new) = self.bit(("latency", latency));
        if new {
            let leaf = LatencyLeaf::new(threshold, upper, bit);
            self.leaves().latency.push(leaf);
        }
        Rule::Bit(bit)
    }

    pub(super) fn probabilistic(&mut self, section: &RawProbabilistic, path: &str) -> Rule {
        let percentage = section.sampling_percentage;
        if !(0.0..=100.0).contains(&percentage) {
            let message = format!("{percentage} is not a percentage: from 0 to 100");
            self.problem(path, "sampling_percentage", message);
        }
        Rule::Share(Share::new(&section.hash_salt, percentage))
    }

    pub(super) fn rate_limiting(&mut self, rate: &RawRateLimiting, path: &str) -> Rule {
        let (per_second, burst) = (rate.spans_per_second, rate.burst_capacity);
        Rule::SpansBudget(self.budget(per_second, burst, "spans_per_second", path))
    }

    pub(super) fn bytes_limiting(&mut self, rate: &RawBytesLimiting, path: &str) -> Rule {
        let (per_second, burst) = (rate.bytes_per_second, rate.burst_capacity);
        Rule::BytesBudget(self.budget(per_second, burst, "bytes_per_second", path))
    }

    fn budget(&mut self, per_second: u64, burst: u64, field: &str, path: &str) -> usize {
        if per_second == 0 {
            self.problem(
                path,
                field,
                "missing or 0: with no budget nothing would be kept",
            );
        }
        let burst = match burst {
            0 => per_second.saturating_mul(2),
            burst => burst,
        };
        self.limit(Limit {
            per_second: per_second as f64,
            burst: burst as f64,
            refill: Refill::Steady,
            owner: self.owner(),
        })
    }

    /// Whose limits those of this list are.
    pub(super) fn owner(&self) -> u64 {
        self.tenant
            .map_or(Limit::EVERYBODY, |tenant| identity(&("tenant", tenant)))
    }

    /// The index of a new budget.
    pub(super) fn limit(&mut self, limit: Limit) -> usize {
        self.policies.limits.push(limit);
        self.policies.limits.len() - 1
    }

    pub(super) fn span_count(&mut self, count: &RawSpanCount, path: &str) -> Rule {
        if count.max_spans != 0 && count.max_spans < count.min_spans {
            let message = format!(
                "{} is below min_spans ({}): nothing would match",
                count.max_spans, count.min_spans
            );
            self.problem(path, "max_spans", message);
        }
        Rule::SpanCount {
            min: count.min_spans.into(),
            max: match count.max_spans {
                0 => u64::MAX,
                max => max.into(),
            },
        }
    }
}
