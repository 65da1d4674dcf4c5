//! `k8s_attributes`: attributes of the pod that sent a resource.
//!
//! Looked up once for all items of a resource, as long as the answer holds for when they ended: if the address that a resource names went from one pod to
//! another meanwhile, each item gets the pod that had it then.

mod association;
mod end;
mod extract;
mod facts;
mod filter;

use std::ops::Range;
use std::time::Duration;

use k8s::{Found, Index};
use ottl::{Draft, EvalError, Part, Value};
use schemas::Signal;

use super::effect::Effect;
use super::heads::{Heads, Slot};
use crate::pods::Outcome;
use association::Asked;
use facts::{Hints, Sender};

pub(crate) use association::{Association, Source};
pub(crate) use extract::{Extracted, FieldSource, Tag, TagKey};
pub(crate) use facts::METADATA;
pub(crate) use filter::{Operator, PodFilter};

/// The step.
#[derive(Debug)]
pub(crate) struct K8sAttributes {
    rules: K8sRules,
    slot: Slot,
}

/// What it is to do.
#[derive(Debug)]
pub(crate) struct K8sRules {
    /// Tried one after the other, until one finds a pod.
    pub(crate) associations: Vec<Association>,
    pub(crate) filter: PodFilter,
    pub(crate) extracted: Extracted,
    pub(crate) wait_for_metadata: Duration,
    pub(crate) wait_for_pod: Duration,
}

/// Attributes, and when items must have ended for them to be right.
type Attributes = (Vec<(String, Value<'static>)>, Range<u64>);

impl K8sAttributes {
    pub(crate) fn new(rules: K8sRules, slot: Slot) -> Self {
        Self { rules, slot }
    }

    pub(super) fn wait_for_metadata(&self) -> Duration {
        self.rules.wait_for_metadata
    }

    pub(super) fn apply(&self, signal: Signal, draft: &mut Draft<'_>, heads: &mut Heads) -> Effect {
        let at_ms = end::of(signal, draft.item());
        if let Some(effect) = heads.repeated(self.slot, draft, at_ms.unwrap_or_default()) {
            return effect;
        }
        let before = draft.heads();
        match self.look_up(at_ms, draft, heads) {
            Ok((changed, valid)) => {
                let effect = Effect {
                    changed,
                    ..Effect::default()
                };
                // An item without a time stands for itself: it gets whoever has the address now.
                let valid = if at_ms.is_some() { valid } else { 0..1 };
                heads.keep(self.slot, before, draft, effect.clone(), valid);
                effect
            }
            Err(error) => error.into(),
        }
    }

    fn look_up(
        &self,
        at_ms: Option<u64>,
        draft: &mut Draft<'_>,
        heads: &mut Heads,
    ) -> Result<(bool, Range<u64>), EvalError> {
        let asked = Asked::all(&self.rules.associations, draft)?;
        let hints = Hints::of(draft)?;
        let wait = self.rules.wait_for_pod;
        let (attributes, valid) = (heads.lookups).find(&asked, at_ms, wait, |index| {
            self.rules.find(index, &asked, &hints, at_ms)
        });
        let mut changed = false;
        for (key, value) in attributes {
            if !draft.has_attribute(Part::Resource, &key)? {
                draft.set_attribute(Part::Resource, key, value)?;
                changed = true;
            }
        }
        Ok((changed, valid))
    }
}

impl K8sRules {
    fn find(
        &self,
        index: &Index,
        asked: &[Asked],
        hints: &Hints,
        at_ms: Option<u64>,
    ) -> (Outcome, Attributes) {
        let (mut outcome, mut valid) = (Outcome::Unknown, 0..u64::MAX);
        for asked in asked {
            match index.find(&asked.query(index), at_ms) {
                Found::Pod {
                    cluster,
                    pod,
                    valid: holds,
                } => {
                    narrow(&mut valid, &holds);
                    if self.filter.takes(pod) {
                        let sender = Sender {
                            index,
                            cluster,
                            pod,
                            hints,
                        };
                        return (Outcome::Hit, (self.extracted.of(&sender), valid));
                    }
                }
                Found::Unknown { valid: holds } => narrow(&mut valid, &holds),
                Found::Ambiguous => {
                    outcome = Outcome::Ambiguous;
                    let at_ms = at_ms.unwrap_or_default();
                    narrow(&mut valid, &(at_ms..at_ms.saturating_add(1)));
                }
            }
        }
        (outcome, (Vec::new(), valid))
    }
}

fn narrow(valid: &mut Range<u64>, to: &Range<u64>) {
    *valid = valid.start.max(to.start)..valid.end.min(to.end);
}
