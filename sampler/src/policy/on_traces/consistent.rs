//! Chance by OpenTelemetry's consistent probability sampling: a trace is kept if its randomness R is not below the rejection threshold T.
//! Source: <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>.
//!
//! R comes from the trace (`rv` in its `tracestate`, else the last seven bytes of its id), so all samplers that use it choose alike: what a lower
//! percentage keeps, a higher one keeps too.

use crate::policy::on_traces::chance::Chance;
use crate::policy::on_traces::outcome::Outcome;
use crate::policy::on_traces::trace_facts::TraceFacts;
use schemas::otlp::sampling::trace_id_randomness;

/// 2^56: the threshold at which nothing is kept.
const NOTHING: u64 = 1 << 56;

/// The threshold that rejects with this probability.
pub(in crate::policy) fn threshold(rejected: f64) -> u64 {
    (rejected.clamp(0.0, 1.0) * NOTHING as f64).round() as u64
}

/// Keeps a share of what there was before anybody sampled.
pub(in crate::policy) fn of_all(trace: &TraceFacts<'_>, threshold: u64) -> Outcome {
    if threshold == 0 || threshold == NOTHING {
        return Outcome::sure(threshold == 0);
    }
    let chance = Chance {
        threshold,
        salt_state: None,
    };
    let randomness = trace
        .upstream
        .unwrap_or_else(|| trace_id_randomness(trace.id));
    match randomness >= threshold {
        true => Outcome::holds(chance),
        false => Outcome::missed(chance),
    }
}

/// Keeps a share of what comes, after what upstream has rejected already. `upstream`: the column of its threshold.
pub(in crate::policy) fn of_the_rest(
    trace: &TraceFacts<'_>,
    rejected: f64,
    upstream: usize,
) -> Outcome {
    let before = trace.marks[upstream].saturating_sub(1);
    let left = (NOTHING - before) as f64;
    of_all(
        trace,
        before + (rejected.clamp(0.0, 1.0) * left).round() as u64,
    )
}
