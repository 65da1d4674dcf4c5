//! What steps on resources and scopes came to: the same for all items of one, so it is computed once.

use std::ops::Range;

use ottl::{Draft, HeadChanges};
use schemas::otlp::Item;

use super::effect::Effect;
use crate::pods::Lookups;

/// A place for what one part of a step makes of a resource or a scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    number: usize,
    /// It reads and changes scopes as well as resources.
    of_scope: bool,
}

/// Gives each part of a step that is about resources or scopes its place.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    count: usize,
}

impl Slots {
    pub(crate) fn next(&mut self, of_scope: bool) -> Slot {
        let number = self.count;
        self.count += 1;
        Slot { number, of_scope }
    }
}

/// What was computed for the resource and the scope that items stand in.
#[derive(Debug, Default)]
pub(in crate::steps) struct Heads {
    known: Vec<Option<Known>>,
    /// The addresses of the messages.
    resource: usize,
    scope: usize,
    /// What steps look up that know of pods.
    pub(super) lookups: Lookups,
}

#[derive(Debug)]
struct Known {
    of_scope: bool,
    before: (HeadChanges, HeadChanges),
    after: (HeadChanges, HeadChanges),
    effect: Effect,
    /// Of what depends on when an item ended, in milliseconds: for which of them it holds.
    valid: Range<u64>,
}

/// Of what doesn't depend on the item.
const ALWAYS: Range<u64> = 0..u64::MAX;

impl Heads {
    pub(in crate::steps) fn new(lookups: Lookups) -> Self {
        Self {
            lookups,
            ..Self::default()
        }
    }

    pub(in crate::steps) fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// The items that follow stand in another record.
    pub(in crate::steps) fn begin_record(&mut self) {
        self.known.clear();
        (self.resource, self.scope) = (0, 0);
    }

    /// Goes on to an item.
    pub(in crate::steps) fn enter(&mut self, item: &Item<'_>) {
        let resource = item.resource.message().as_ptr() as usize;
        let scope = item.scope.message().as_ptr() as usize;
        if resource != self.resource {
            self.known.clear();
        } else if scope != self.scope {
            for known in &mut self.known {
                if known.as_ref().is_some_and(|known| known.of_scope) {
                    *known = None;
                }
            }
        }
        (self.resource, self.scope) = (resource, scope);
    }

    /// Does something to resource or scope, or repeats what it came to for the item before. Errors are told once.
    pub(super) fn once(
        &mut self,
        slot: Slot,
        draft: &mut Draft<'_>,
        work: impl FnOnce(&mut Draft<'_>) -> Effect,
    ) -> Effect {
        if let Some(effect) = self.repeated(slot, draft, 0) {
            return effect;
        }
        let before = draft.heads();
        let effect = work(draft);
        self.keep(slot, before, draft, effect.clone(), ALWAYS);
        effect
    }

    /// Does what was done for an earlier item, if that holds for one that ended then.
    pub(super) fn repeated(
        &mut self,
        slot: Slot,
        draft: &mut Draft<'_>,
        at_ms: u64,
    ) -> Option<Effect> {
        let before = draft.heads();
        let known = self.known.get(slot.number)?.as_ref()?;
        let is_same = known.before.0.is_copy_of(&before.0)
            && (!slot.of_scope || known.before.1.is_copy_of(&before.1));
        if !is_same || !known.valid.contains(&at_ms) {
            return None;
        }
        let (resource, scope) = known.after.clone();
        let scope = if slot.of_scope { scope } else { before.1 };
        draft.set_heads(resource, scope);
        Some(Effect {
            errors: 0,
            results: Default::default(),
            ..known.effect.clone()
        })
    }

    /// Notes what was done to the heads that were so before.
    pub(super) fn keep(
        &mut self,
        slot: Slot,
        before: (HeadChanges, HeadChanges),
        draft: &Draft<'_>,
        effect: Effect,
        valid: Range<u64>,
    ) {
        if self.known.len() <= slot.number {
            self.known.resize_with(slot.number + 1, || None);
        }
        self.known[slot.number] = Some(Known {
            of_scope: slot.of_scope,
            before,
            after: draft.heads(),
            effect,
            valid,
        });
    }
}
