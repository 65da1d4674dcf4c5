//! What kinds of steps count beside what became of items: each its own few results.

use std::sync::Arc;

/// The most results that a kind of step counts.
pub(crate) const RESULTS_MAX: usize = 3;

/// The counter of a step's own results.
#[derive(Clone, Debug)]
pub(crate) struct OwnResults<'a> {
    pub(crate) metric: &'static str,
    /// The label `table`, of steps that have one.
    pub(crate) table: Option<&'a Arc<str>>,
    /// The label `result` of each.
    pub(crate) names: &'static [&'static str],
}
