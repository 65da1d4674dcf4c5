//! What is done with what was found.
//!
//! Every detector finds by itself, so that places can overlap: an e-mail address within a URL. Nothing of what was found may stay: what overlaps
//! becomes one place, written by the rule of its first detector, or as `****` where a later one reaches beyond it.

mod canonical;
mod plan;
mod token;
mod write;

pub(crate) use canonical::canonical;
pub(crate) use plan::{Keyed, Plan};
pub(crate) use token::Tokens;
pub(crate) use write::HASH_DIGITS;

use super::asked::Action;
use super::detector::{Id, Ids};
use super::search::Found;

/// What has to go as a whole because of what was found, the stronger the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leave {
    Attribute,
    Item,
    Quarantine,
}

/// The plans of all detectors that are on.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    /// By the number of the detector.
    plans: Vec<Option<Plan>>,
    keyed: Option<Keyed>,
    /// Those that act.
    acting: Ids,
}

impl Plans {
    pub(crate) fn new(plans: Vec<Option<Plan>>, keyed: Option<Keyed>) -> Self {
        let mut acting = Ids::default();
        for (number, plan) in plans.iter().enumerate() {
            if plan.is_some_and(|plan| !plan.reports) {
                acting.add(Id(number as u8));
            }
        }
        Self {
            plans,
            keyed,
            acting,
        }
    }

    pub(crate) fn plan(&self, id: Id) -> Option<Plan> {
        self.plans.get(usize::from(id.0)).copied().flatten()
    }

    /// What has to go because of the findings.
    pub(crate) fn leave(&self, found: &[Found]) -> Option<Leave> {
        let leaves = |found: &Found| {
            let plan = self.plan(found.id).filter(|plan| !plan.reports)?;
            match plan.action {
                Action::Quarantine => Some(Leave::Quarantine),
                Action::DropItem => Some(Leave::Item),
                Action::DropAttribute => Some(Leave::Attribute),
                _ => None,
            }
        };
        found.iter().filter_map(leaves).max()
    }

    /// Whether anything that was found is more than counted.
    pub(crate) fn acts_on(&self, found: &[Found]) -> bool {
        found.iter().any(|found| self.acting.has(found.id))
    }

    /// The text without what was found, which it sorts. `None`: nothing that is found is acted on.
    pub(crate) fn rewrite(&self, text: &[u8], found: &mut Vec<Found>) -> Option<Vec<u8>> {
        found.retain(|found| self.acting.has(found.id));
        if found.is_empty() {
            return None;
        }
        found.sort_unstable_by_key(|found| (found.start, usize::MAX - found.end, found.id));
        let mut out = Vec::with_capacity(text.len() + 16);
        let (mut copied, mut rest) = (0, found.as_slice());
        while let Some((first, mut others)) = rest.split_first() {
            let mut place = *first;
            let mut reaches_on = false;
            while let Some(next) = others.first().filter(|next| next.start < place.end) {
                reaches_on |= next.end > place.end;
                place.end = place.end.max(next.end);
                others = &others[1..];
            }
            rest = others;
            out.extend_from_slice(&text[copied..place.start]);
            let value = &text[place.start..place.end];
            match self.plan(place.id).filter(|_| !reaches_on) {
                Some(plan) => write::write(place.id, plan, self.keyed.as_ref(), value, &mut out),
                None => out.extend_from_slice(write::STARS),
            }
            copied = place.end;
        }
        out.extend_from_slice(&text[copied..]);
        Some(out)
    }
}
