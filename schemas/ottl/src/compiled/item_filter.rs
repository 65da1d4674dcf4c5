//! Conditions by signal that take items out of requests, or events and data points out of items.

use schemas::Signal;

use super::conditions::{Conditions, ErrorMode};
use crate::draft::Draft;
use crate::problem::Problems;
use crate::telemetry::Context;

/// Conditions by signal: what one of them holds for goes. A condition that fails doesn't hold.
#[derive(Debug, Default)]
pub struct ItemFilter {
    by_signal: [Vec<(Context, Conditions)>; Signal::ALL.len()],
}

/// What the conditions say of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Stays,
    /// Some of its events or data points are gone.
    Changed,
    Goes,
}

impl ItemFilter {
    /// Adds a condition.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn add(
        &mut self,
        signal: Signal,
        context: Context,
        text: &str,
    ) -> Result<(), Vec<(usize, Problems)>> {
        let conditions = Conditions::compile(context, &[text], ErrorMode::Ignore)?;
        let all = &mut self.by_signal[signal as usize];
        all.push((context, conditions));
        // An item that goes is not asked for its parts.
        all.sort_by_key(|(context, _)| is_within(*context));
        Ok(())
    }

    /// Whether any condition is about the signal.
    pub fn concerns(&self, signal: Signal) -> bool {
        !self.by_signal[signal as usize].is_empty()
    }

    /// What becomes of the item that the draft was given, and how many conditions failed. What goes of an item is taken out of the draft.
    pub fn ask(&self, signal: Signal, draft: &mut Draft<'_>) -> (Fate, u64) {
        let mut errors = 0;
        for (context, conditions) in &self.by_signal[signal as usize] {
            if is_within(*context) {
                ask_parts(conditions, draft, &mut errors);
                if *context == Context::DataPoint && draft.has_lost_all_points() {
                    return (Fate::Goes, errors);
                }
            } else if holds(conditions, draft, &mut errors) {
                return (Fate::Goes, errors);
            }
        }
        match draft.is_item_changed() {
            true => (Fate::Changed, errors),
            false => (Fate::Stays, errors),
        }
    }
}

fn is_within(context: Context) -> bool {
    matches!(context, Context::SpanEvent | Context::DataPoint)
}

/// Takes out the events or data points for which a condition holds.
fn ask_parts(conditions: &Conditions, draft: &mut Draft<'_>, errors: &mut u64) {
    for index in 0..draft.inner_count() {
        match draft.begin_inner(index) {
            Ok(true) => {
                let goes = holds(conditions, draft, errors);
                draft.end_inner(!goes);
            }
            Ok(false) => {}
            Err(_) => return,
        }
    }
}

fn holds(conditions: &Conditions, draft: &Draft<'_>, errors: &mut u64) -> bool {
    let outcome = conditions.eval(draft.subject());
    *errors += outcome.failed as u64;
    outcome.holds == Ok(true)
}
