//! From one configuration to the next, for traces that are open meanwhile.
//!
//! Bits and marks mean something within their set alone, and a tenant may get policies of its own, or lose them.

use hashbrown::HashMap;

use super::policies::Policies;
use super::rule_set::{RuleSet, SetId};
use crate::policy::on_spans::bits::BitMap;

/// What becomes of what was gathered under the sets of one configuration, under those of another.
#[derive(Debug)]
pub(crate) struct Transition<'a> {
    before: &'a Policies,
    after: &'a Policies,
    /// One map serves all tenants for whom the same sets hold.
    maps: HashMap<(SetId, SetId), BitMap>,
}

/// The same for the traces of one tenant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) before: &'a RuleSet,
    pub(crate) after: &'a RuleSet,
    pub(crate) bits: &'a BitMap,
}

impl<'a> Transition<'a> {
    pub(crate) fn new(before: &'a Policies, after: &'a Policies) -> Self {
        Self {
            before,
            after,
            maps: HashMap::new(),
        }
    }

    pub(crate) fn after(&self) -> &'a Policies {
        self.after
    }

    /// For tenants for whom the one set held and the other does.
    pub(crate) fn between(&mut self, before: SetId, after: SetId) -> Change<'_> {
        let (from, to) = (self.before.set(before), self.after.set(after));
        let map = self.maps.entry((before, after));
        Change {
            before: from,
            after: to,
            bits: map.or_insert_with(|| BitMap::between(&from.meanings, &to.meanings)),
        }
    }
}
