//! Conditions on whole traces: `trace.duration > Duration("5s") and root.attributes["http.route"] == "/pay"`.
//!
//! When a trace is decided its spans are gone; what is left are counts, and what was noted while the spans went by. So
//! the parts of a condition that concern the root span are evaluated when the root span is seen, and remembered as bits
//! ([`RootAnswers`]); the rest is evaluated on [`TraceFacts`] when the trace is decided. One comparison may use
//! `root.…` or `trace.…`, not both.

use crate::value::{EvalError, Result};

/// How many comparisons on the root span a condition may have: what fits [`RootAnswers`].
pub const ROOT_TESTS_MAX: usize = 32;

/// What is known of a trace when it is decided; `None` is nil, which is unequal to everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceFacts {
    /// Latest end less earliest start.
    pub duration_ns: u64,
    pub span_count: u64,
    pub error_count: Option<u64>,
    pub service_count: Option<u64>,
    /// Size of its spans in OTLP.
    pub bytes: u64,
    pub has_root: bool,
}

/// What the root span answered to the parts of one condition that concern it: a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RootAnswers {
    pub held: u32,
    pub failed: u32,
}

impl RootAnswers {
    pub(crate) fn get(&self, test: usize) -> Result<bool> {
        if self.failed & 1 << test != 0 {
            return Err(EvalError::new(
                "a part of the condition failed on the root span",
            ));
        }
        Ok(self.held & 1 << test != 0)
    }
}
