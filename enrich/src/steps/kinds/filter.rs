//! `filter`: conditions in OTTL; what one of them holds for goes.

use ottl::{Conditions, Context, Draft};
use schemas::Signal;

use super::effect::Effect;
use super::groups::Groups;
use super::heads::{Heads, Slot};
use super::inner;

/// Groups of conditions.
pub(crate) type Filter = Groups<Group>;

/// Conditions on one kind of message.
#[derive(Debug)]
pub(crate) struct Group {
    context: Context,
    conditions: Conditions,
    /// Of a group about resources or scopes.
    slot: Option<Slot>,
    /// The number of its first condition within the step.
    first: usize,
}

impl Group {
    pub(crate) fn new(
        context: Context,
        conditions: Conditions,
        slot: Option<Slot>,
        first: usize,
    ) -> Self {
        Self {
            context,
            conditions,
            slot,
            first,
        }
    }

    fn apply(&self, draft: &mut Draft<'_>, heads: &mut Heads) -> Effect {
        match (self.slot, self.context) {
            (Some(slot), _) => heads.once(slot, draft, |draft| self.eval(draft)),
            (None, Context::SpanEvent) => inner::each(draft, |draft| self.eval(draft)),
            (None, Context::DataPoint) => {
                let effect = inner::each(draft, |draft| self.eval(draft));
                // As in the Collector a metric without points goes, and a span without events stays.
                Effect {
                    dropped: effect.failed.is_none() && draft.has_lost_all_points(),
                    ..effect
                }
            }
            (None, _) => self.eval(draft),
        }
    }

    fn eval(&self, draft: &Draft<'_>) -> Effect {
        let outcome = self.conditions.eval(draft.subject());
        let mut effect = Effect {
            errors: outcome.failed,
            ..Effect::default()
        };
        match outcome.holds {
            Ok(holds) => effect.dropped = holds,
            Err(error) => effect.failed = Some((self.first, error)),
        }
        effect
    }
}

impl Filter {
    pub(super) fn apply(&self, signal: Signal, draft: &mut Draft<'_>, heads: &mut Heads) -> Effect {
        self.each(signal, |group| group.apply(draft, heads))
    }

    /// Whether whole items of this signal may go.
    pub(super) fn drops(&self, signal: Signal) -> bool {
        let mut groups = self.of(signal).iter();
        groups.any(|group| group.context != Context::SpanEvent)
    }
}
