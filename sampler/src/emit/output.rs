//! What comes out of a partition in one epoch.

use bytes::Bytes;
use schemas::decisions::DecisionBatch;

/// A record, or part of one, that could not be processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Of the raw record.
    pub offset: u64,
    pub tenant: Option<Bytes>,
    pub reason: String,
    /// The raw record's value, or a request with the spans that were refused.
    pub value: Bytes,
}

/// What happened since the last take, on top of gauges. consumed = kept + dropped + dead_lettered + lost + the change of pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub consumed_spans: u64,
    pub consumed_bytes: u64,
    pub consumed_records: u64,
    pub kept_spans: u64,
    pub kept_bytes: u64,
    pub dropped_spans: u64,
    /// Spans that arrived after their trace's verdict; they are among kept or dropped as well.
    pub late_spans: u64,
    /// Spans in dead letters (a bad record counts none: its spans cannot be counted).
    pub dead_lettered_spans: u64,
    pub bad_records: u64,
    /// Spans that retention deleted after they were consumed and before they were emitted.
    pub lost_spans: u64,
    /// New verdicts by policy, in order of `Policies`: (kept, dropped).
    pub verdicts: Vec<(u64, u64)>,
    /// Decided traces for which the policy's rule held, by policy in order of `Policies`; shadow policies too.
    pub matches: Vec<u64>,
    /// Evaluations of conditions that failed, by policy.
    pub condition_failures: Vec<u64>,
    /// New verdicts that no policy gave (all dropped).
    pub unmatched: u64,
    /// Traces dropped for their size.
    pub oversized: u64,
    /// Traces kept since a kept trace links to them.
    pub linked: u64,
    /// Spans that were counted as dropped and were brought back by a late error.
    pub rescued_spans: u64,
    /// Traces that a late error could not bring back whole: retention was faster, or they are too large.
    pub unrescued_traces: u64,
}

/// What one epoch makes visible.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Empty: write none.
    pub decisions: DecisionBatch,
    /// Records for the sampled topic: tenant and value.
    pub sampled: Vec<(Option<Bytes>, Bytes)>,
    pub dead: Vec<DeadLetter>,
    /// L and the metadata to commit with it. Meaningless while rebuilding.
    pub position: (u64, String),
    /// The position differs from the last one taken, or there is output: worth committing.
    pub moved: bool,
    pub counts: Counts,
}
