//! Groups of texts in OTTL, by the signal that they are for.

use schemas::Signal;

use super::effect::Effect;

/// The groups of a step.
#[derive(Debug)]
pub(crate) struct Groups<G> {
    by_signal: [Vec<G>; Signal::ALL.len()],
}

impl<G> Default for Groups<G> {
    fn default() -> Self {
        Self {
            by_signal: Default::default(),
        }
    }
}

impl<G> Groups<G> {
    pub(crate) fn add(&mut self, signal: Signal, group: G) {
        self.by_signal[signal as usize].push(group);
    }

    pub(super) fn of(&self, signal: Signal) -> &[G] {
        &self.by_signal[signal as usize]
    }

    /// One group after the other, until nothing more can be done to the item.
    pub(super) fn each(&self, signal: Signal, mut apply: impl FnMut(&G) -> Effect) -> Effect {
        let mut effect = Effect::default();
        for group in self.of(signal) {
            effect.then(apply(group));
            if effect.is_final() {
                break;
            }
        }
        effect
    }
}
