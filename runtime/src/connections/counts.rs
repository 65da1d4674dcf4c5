//! Where connections are counted: those that are open, and why the others were closed.

use metrics::{Counter, Gauge};

use super::activity::Closed;

/// Where connections are counted.
#[derive(Clone)]
pub struct Counts {
    pub open: Gauge,
    /// In the order of [`Closed::ALL`].
    pub closed: [Counter; Closed::ALL.len()],
}

impl Counts {
    /// Nowhere.
    pub fn none() -> Self {
        Self {
            open: Gauge::noop(),
            closed: Closed::ALL.map(|_| Counter::noop()),
        }
    }
}

/// Keeps the gauge of open connections.
pub(super) struct Open(Gauge);

impl Open {
    pub fn new(counts: &Counts) -> Self {
        counts.open.increment(1);
        Self(counts.open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
