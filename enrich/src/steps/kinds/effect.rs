//! What a step did to an item.

use ottl::EvalError;

use super::results::RESULTS_MAX;

/// What a step did to one item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effect {
    /// Whether any change was made, even one that gives what was there before.
    pub(in crate::steps) changed: bool,
    /// The item is to go.
    pub(in crate::steps) dropped: bool,
    /// Statements and conditions that failed, and were passed over.
    pub(in crate::steps) errors: usize,
    /// What the kind of step counts besides, see [`super::OwnResults`].
    pub(in crate::steps) results: [u32; RESULTS_MAX],
    /// The item can't go on: which of the step's texts failed, counted from 0, and how.
    pub(in crate::steps) failed: Option<(usize, EvalError)>,
}

impl Effect {
    /// Something else was done after this.
    pub(in crate::steps) fn then(&mut self, next: Self) {
        self.changed |= next.changed;
        self.dropped |= next.dropped;
        self.errors += next.errors;
        for (sum, count) in self.results.iter_mut().zip(next.results) {
            *sum += count;
        }
        if self.failed.is_none() {
            self.failed = next.failed;
        }
    }

    /// Whether nothing more can be done to the item.
    pub(in crate::steps) fn is_final(&self) -> bool {
        self.dropped || self.failed.is_some()
    }
}

impl From<EvalError> for Effect {
    /// Of telemetry that can't be read, whatever a step's error mode says.
    fn from(error: EvalError) -> Self {
        Self {
            failed: Some((0, error)),
            ..Self::default()
        }
    }
}

/// Numbers of items by what a step did to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StepCounts {
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) dropped: u64,
    pub(crate) failed: u64,
    /// Statements and conditions that failed, and were passed over.
    pub(crate) errors: u64,
    /// What the kind of step counts besides.
    pub(crate) results: [u64; RESULTS_MAX],
    /// In nanoseconds; of one record in many.
    pub(crate) cpu_ns: u64,
}

impl StepCounts {
    /// Counts an item.
    pub(in crate::steps) fn count(&mut self, effect: &Effect) {
        let outcome = match effect {
            Effect {
                failed: Some(_), ..
            } => &mut self.failed,
            Effect { dropped: true, .. } => &mut self.dropped,
            Effect { changed: true, .. } => &mut self.changed,
            _ => &mut self.unchanged,
        };
        *outcome += 1;
        self.errors += effect.errors as u64;
        for (sum, count) in self.results.iter_mut().zip(effect.results) {
            *sum += u64::from(count);
        }
    }
}

impl std::ops::AddAssign for StepCounts {
    fn add_assign(&mut self, other: Self) {
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.errors += other.errors;
        for (sum, count) in self.results.iter_mut().zip(other.results) {
            *sum += count;
        }
        self.cpu_ns += other.cpu_ns;
    }
}
