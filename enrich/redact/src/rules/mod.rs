//! The rules of redaction, compiled: what to do by key, what to replace by pattern, what to set.

mod hash;
mod mask;
mod redaction;
mod set;

pub use hash::Hasher;
pub(crate) use mask::reason;
pub use redaction::{At, Fixed, Mask, Problem, Redaction};

use std::sync::Arc;

use hashbrown::HashMap;

use crate::pii::Pii;
use crate::place::Context;
use mask::Masks;
use redaction::Problems;
use set::SetAttributes;

/// What is done to an attribute because of its key; a set of bits, since several rules may name one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct KeyAction(pub(crate) u8);

impl KeyAction {
    pub(crate) const DELETE: u8 = 1;
    pub(crate) const HASH: u8 = 2;
    /// Replaced by what is set on the context.
    pub(crate) const SET_RESOURCE: u8 = 4;
    pub(crate) const SET_ITEM: u8 = 8;

    /// The bit of what is set on the attributes of this place; 0 where nothing is.
    pub(crate) fn set_on(context: Option<Context>) -> u8 {
        match context {
            Some(Context::Resource) => Self::SET_RESOURCE,
            Some(Context::Item) => Self::SET_ITEM,
            None => 0,
        }
    }

    pub(crate) fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// A compiled [`Redaction`].
#[derive(Clone, Debug, Default)]
pub struct Rules {
    keys: HashMap<Box<[u8]>, KeyAction>,
    hasher: Option<Hasher>,
    masks: Masks,
    set_resource: SetAttributes,
    set_item: SetAttributes,
    pii: Option<Arc<Pii>>,
    /// Unknown fields that could hold text are taken out.
    drop_unknown: bool,
    /// `delete`, `hash`, `unknown_field`, `mask/<name>`…: the labels of the counters, by index.
    counters: Vec<String>,
}

impl Rules {
    pub(crate) const DELETED: usize = 0;
    pub(crate) const HASHED: usize = 1;
    pub(crate) const UNKNOWN: usize = 2;
    pub(crate) const BLANKED: usize = 3;
    pub(crate) const MASKED: usize = 4;

    /// Compiles what is asked for.
    ///
    /// # Errors
    /// Everything that is wrong with it: patterns that don't compile, keys that two rules name, a missing secret.
    pub fn compile(redaction: &Redaction) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let mut rules = Self {
            hasher: Hasher::new(&redaction.hash_key.0),
            masks: Masks::compile(&redaction.masks, &mut problems),
            set_resource: SetAttributes::new(&redaction.set_resource),
            set_item: SetAttributes::new(&redaction.set_item),
            ..Self::default()
        };
        let Redaction { delete, hash, .. } = redaction;
        rules.name(delete, KeyAction::DELETE, 0, At::Delete, &mut problems);
        let other = KeyAction::DELETE;
        rules.name(hash, KeyAction::HASH, other, At::Hash, &mut problems);
        let other = KeyAction::DELETE | KeyAction::HASH;
        for (set, action, at) in [
            (
                &redaction.set_resource,
                KeyAction::SET_RESOURCE,
                At::SetResource,
            ),
            (&redaction.set_item, KeyAction::SET_ITEM, At::SetItem),
        ] {
            rules.name(set.keys(), action, other, at, &mut problems);
        }
        if !hash.is_empty() && rules.hasher.is_none() {
            problems.push(At::HashKey, "is empty, though attributes are hashed");
        }
        rules.pii = redaction
            .pii
            .as_ref()
            .and_then(|asked| match Pii::compile(asked) {
                Ok(pii) => Some(Arc::new(pii)),
                Err(found) => {
                    for problem in found {
                        problems.push(At::Pii(problem.at), problem.message);
                    }
                    None
                }
            });
        let redacts = redaction.pii.is_some()
            || !delete.is_empty()
            || !hash.is_empty()
            || !rules.masks.is_empty();
        rules.drop_unknown = redacts && !redaction.keep_unknown_fields;
        let counters = ["delete", "hash", "unknown_field", "allow_keys"].map(str::to_owned);
        let masks = rules.masks.names().map(|name| format!("mask/{name}"));
        rules.counters = counters.into_iter().chain(masks).collect();
        problems.into_result(rules)
    }

    fn name<'a>(
        &mut self,
        keys: impl IntoIterator<Item = &'a String>,
        action: u8,
        contradicts: u8,
        at: At,
        problems: &mut Problems,
    ) {
        for key in keys {
            if key.is_empty() {
                problems.push(at, "names an empty key");
            }
            let entry = self.keys.entry(key.as_bytes().into()).or_default();
            if entry.has(contradicts) {
                let message =
                    format!("names {key:?}, which another rule deletes or hashes; remove one");
                problems.push(at, message);
            }
            entry.0 |= action;
        }
    }

    /// Nothing to do: records pass as they are.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.masks.is_empty() && self.pii.is_none()
    }

    /// The labels of [`crate::Rewriter::counts`], by index.
    pub fn counters(&self) -> &[String] {
        &self.counters
    }

    /// Hashes values; `None` where no rule does.
    pub(crate) fn hasher(&self) -> Option<&Hasher> {
        self.hasher.as_ref()
    }

    /// What finds personal data and secrets; `None`: nothing is looked for.
    pub fn pii(&self) -> Option<&Arc<Pii>> {
        self.pii.as_ref()
    }

    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Whether unknown fields that could hold text are taken out.
    pub(crate) fn drops_unknown(&self) -> bool {
        self.drop_unknown
    }

    pub(crate) fn action(&self, key: &[u8]) -> KeyAction {
        self.keys.get(key).copied().unwrap_or_default()
    }

    pub(crate) fn set(&self, context: Context) -> &SetAttributes {
        match context {
            Context::Resource => &self.set_resource,
            Context::Item => &self.set_item,
        }
    }
}
