//! What policies that look at more than one trace ask the statistics.

use super::throughput::Throughput;

/// A policy, or a part of one, that asks about a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Keyed {
    /// Of all that the statistics depend on: entries of the decision log with another one say nothing about it.
    pub(crate) identity: u64,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The first few traces of a key in an interval.
    Novelty {
        first: u32,
        interval_ms: u64,
    },
    /// Traces of a key of which fewer were kept in the interval.
    Floor {
        least: u32,
        interval_ms: u64,
    },
    /// Traces that last longer than usual for their key.
    Outlier {
        quantile: f64,
        samples_min: u32,
        factor: f64,
        interval_ms: u64,
    },
    Throughput(Measure, Throughput),
}

/// By rule, what the fleet knows it by; empty when no rule asks what others counted.
pub(crate) fn exchanged_identities(rules: &[Keyed]) -> Vec<u64> {
    match rules.iter().any(|rule| rule.kind.is_shared()) {
        true => rules.iter().map(|rule| rule.identity).collect(),
        false => Vec::new(),
    }
}

/// What a throughput is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Traces,
    Spans,
    Bytes,
}

impl Kind {
    /// Other partitions' counts matter to it.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Self::Outlier { .. })
    }

    /// How far back the statistics depend on verdicts.
    pub(crate) fn reach_ms(&self) -> u64 {
        match self {
            Self::Novelty { interval_ms, .. } | Self::Floor { interval_ms, .. } => *interval_ms,
            Self::Outlier { interval_ms, .. } => interval_ms.saturating_mul(2),
            Self::Throughput(_, policy) => policy
                .interval_ms
                .saturating_mul(policy.intervals() as u64 + 1),
        }
    }
}
