//! What a trace is judged by.

use crate::policy::on_spans::bits::Bits;

/// What is known of a trace when it is decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TraceFacts<'a> {
    pub(crate) id: &'a [u8; 16],
    pub(crate) spans: u64,
    /// Of the spans' messages.
    pub(crate) bytes: u64,
    pub(crate) bits: Bits,
    /// Latest end less earliest start.
    pub(crate) duration_ns: u64,
    /// Spans with the status error.
    pub(crate) errors: u64,
    /// 0 when no policy asks.
    pub(crate) services: u64,
    /// `false` when no policy asks.
    pub(crate) has_root: bool,
    /// R, when somebody sampled the trace before us: chance asks it then, so that both choices agree.
    pub(crate) upstream: Option<u64>,
    /// By column of [`super::Marks`].
    pub(crate) marks: &'a [u64],
}

impl TraceFacts<'_> {
    pub(crate) fn duration_us(&self) -> u64 {
        self.duration_ns / 1000
    }
}
