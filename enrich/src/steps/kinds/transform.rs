//! `transform`: statements in OTTL, group after group.

use ottl::{Conditions, Context, Draft, Statements};
use schemas::Signal;

use super::effect::Effect;
use super::groups::Groups;
use super::heads::{Heads, Slot};
use super::inner;

/// Groups of statements.
pub(crate) type Transform = Groups<Group>;

/// Statements that are executed together.
#[derive(Debug)]
pub(crate) struct Group {
    context: Context,
    /// One of them must hold. `None`: there are none.
    conditions: Option<Conditions>,
    statements: Statements,
    /// Of a group about resources or scopes.
    slot: Option<Slot>,
    /// The number of its first statement within the step.
    first: usize,
}

impl Group {
    pub(crate) fn new(
        context: Context,
        conditions: Option<Conditions>,
        statements: Statements,
        slot: Option<Slot>,
        first: usize,
    ) -> Self {
        Self {
            context,
            conditions,
            statements,
            slot,
            first,
        }
    }

    fn apply(&self, draft: &mut Draft<'_>, heads: &mut Heads) -> Effect {
        match (self.slot, self.context) {
            (Some(slot), _) => heads.once(slot, draft, |draft| self.execute(draft)),
            (None, Context::SpanEvent | Context::DataPoint) => {
                inner::each(draft, |draft| self.execute(draft))
            }
            (None, _) => self.execute(draft),
        }
    }

    fn execute(&self, draft: &mut Draft<'_>) -> Effect {
        let mut effect = Effect::default();
        if let Some(conditions) = &self.conditions {
            let outcome = conditions.eval(draft.subject());
            effect.errors += outcome.failed;
            match outcome.holds {
                Ok(true) => {}
                Ok(false) => return effect,
                Err(error) => {
                    effect.failed = Some((self.first, error));
                    return effect;
                }
            }
        }
        let executed = self.statements.execute(draft);
        // Nothing of it may reach another group: one on resources is executed for the first of their items alone.
        draft.clear_cache();
        effect.changed = executed.applied;
        effect.errors += executed.failed;
        effect.failed = (executed.error).map(|(number, error)| (self.first + number, error));
        effect
    }
}

impl Transform {
    pub(super) fn apply(&self, signal: Signal, draft: &mut Draft<'_>, heads: &mut Heads) -> Effect {
        self.each(signal, |group| group.apply(draft, heads))
    }
}
