//! What every partition of a sampler has in common.

use crate::promote::PromotedKeys;

/// The options of a sampler that apply to each of its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// From a trace's first span to its verdict.
    pub decision_wait_ms: u64,
    /// From a trace's root span to its verdict; 0: off.
    pub decision_wait_after_root_ms: u64,
    /// A verdict holds at least this long after the trace's last span.
    pub decision_cache_ttl_ms: u64,
    /// A trace that grows beyond it is dropped at once; 0: no limit.
    pub maximum_trace_size_bytes: u64,
    pub bus: BusProperties,
    /// A record further than this ahead of the partition's clock is held back until the next record confirms its time; see [`BusProperties::stamps`].
    pub future_limit_ms: u64,
    /// Bound of a partition's statistics.
    pub statistics_bytes: usize,
    /// How far back verdicts depend on others: [`crate::policy::Policies::reach_ms`].
    pub statistics_reach_ms: u64,
    /// A late error reopens a trace that was dropped.
    pub rescue_late_errors: bool,
    /// Undecided traces that a kept trace links to are kept.
    pub keep_linked: bool,
    /// What is appended to kept spans besides their threshold.
    pub stamping: Stamping,
    /// Attributes of a trace's entry span that its kept spans get.
    pub promote: PromotedKeys,
    /// Which configuration gave the verdicts; written into position metadata.
    pub generation: u64,
}

/// What is appended to kept spans besides their threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamping {
    /// `tailwater.policy` and `tailwater.probability` on root spans.
    pub annotate: bool,
    /// `SampleRate` on every span that stands for others.
    pub sample_rate: bool,
}

/// Properties of the bus and the raw topic, the same under every configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusProperties {
    /// Of the raw topic: a process has the part of each rate limit that it owns of them.
    pub partitions: u32,
    /// Output records are finished when they reach this length.
    pub record_bytes_max: usize,
    /// What the bus takes. A kept span that is longer by itself goes to the dead letters.
    pub record_bytes_limit: usize,
    /// A record's value may pin more than itself, so that the record cache holds a copy.
    pub copy_cached: bool,
    /// Its own clock stamps raw records, not their producers'.
    pub stamps: bool,
    /// Which decision log is there, as a number; 0 where nothing tells it from another one.
    pub decision_log: u64,
}

impl Options {
    /// How far ahead of the partition's clock a timestamp is believed at once.
    pub(crate) fn jump_limit_ms(&self) -> u64 {
        if self.bus.stamps {
            u64::MAX
        } else {
            self.future_limit_ms
        }
    }
}

impl Default for BusProperties {
    /// One partition of a bus of which nothing is known.
    fn default() -> Self {
        Self {
            partitions: 1,
            record_bytes_max: 256 << 10,
            record_bytes_limit: usize::MAX,
            copy_cached: true,
            stamps: false,
            decision_log: 0,
        }
    }
}
