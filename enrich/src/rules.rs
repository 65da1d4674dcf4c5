//! The rules of redaction, compiled: what to do by key, what to replace by pattern, what to set.
//!
//! This is where the enrichment language will come in: statements will be compiled to more rules of this kind, looked
//! up by the same contexts (see [`crate::shape::Context`]), and write their changes as the same edits.

use hashbrown::HashMap;
use runtime::config::Problems;

use crate::hash::Hasher;
use crate::mask::Masks;
use crate::set::SetAttributes;
use crate::shape::Context;
use crate::{RawConfig, RawUnknownFields};

/// What is done to an attribute because of its key; a set of bits, since several rules may name one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyAction(pub(crate) u8);

impl KeyAction {
    pub(crate) const DELETE: u8 = 1;
    pub(crate) const HASH: u8 = 2;
    /// Replaced by what is set on the context.
    pub(crate) const SET_RESOURCE: u8 = 4;
    pub(crate) const SET_ITEM: u8 = 8;

    pub(crate) fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }
}

/// All rules; made by [`RawConfig::validate`].
#[derive(Clone, Debug, Default)]
pub struct Rules {
    keys: HashMap<Box<[u8]>, KeyAction>,
    pub(crate) hasher: Option<Hasher>,
    pub(crate) masks: Masks,
    set_resource: SetAttributes,
    set_item: SetAttributes,
    /// Unknown fields that could hold text are taken out.
    pub(crate) drop_unknown: bool,
    /// `delete`, `hash`, `unknown_field`, `mask/<name>`…: the labels of the counters, by index.
    counters: Vec<String>,
}

impl Rules {
    pub(crate) const DELETED: usize = 0;
    pub(crate) const HASHED: usize = 1;
    pub(crate) const UNKNOWN: usize = 2;
    pub(crate) const MASKED: usize = 3;

    pub(crate) fn compile(raw: &RawConfig, path: &str, problems: &mut Problems) -> Self {
        let redact = &raw.redact;
        let mut rules = Self {
            hasher: Hasher::new(redact.hash.key.0.as_bytes()),
            masks: Masks::compile(&redact.mask, &format!("{path}.redact.mask"), problems),
            set_resource: SetAttributes::new(&raw.set.resource),
            set_item: SetAttributes::new(&raw.set.item),
            ..Self::default()
        };
        let at = format!("{path}.redact.delete");
        rules.name(&redact.delete, KeyAction::DELETE, 0, &at, problems);
        let at = format!("{path}.redact.hash.keys");
        let other = KeyAction::DELETE;
        rules.name(&redact.hash.keys, KeyAction::HASH, other, &at, problems);
        let other = KeyAction::DELETE | KeyAction::HASH;
        let at = format!("{path}.set.resource");
        let set = raw.set.resource.keys();
        rules.name(set, KeyAction::SET_RESOURCE, other, &at, problems);
        let at = format!("{path}.set.item");
        let set = raw.set.item.keys();
        rules.name(set, KeyAction::SET_ITEM, other, &at, problems);
        if !redact.hash.keys.is_empty() && rules.hasher.is_none() {
            match secret_of_this_process() {
                Ok(secret) => rules.hasher = Hasher::new(&secret),
                Err(error) => problems.push(
                    format!("{path}.redact.hash.key"),
                    format!("is empty, and no random one can be drawn ({error}); set it, e.g. to ${{env:TAILWATER_HASH_KEY}} with at least 16 random bytes"),
                ),
            }
        }
        let redacts =
            !redact.delete.is_empty() || !redact.hash.keys.is_empty() || !rules.masks.is_empty();
        rules.drop_unknown = redacts && redact.unknown_fields == RawUnknownFields::Drop;
        let counters = ["delete", "hash", "unknown_field"].map(str::to_owned);
        let masks = rules.masks.names().map(|name| format!("mask/{name}"));
        rules.counters = counters.into_iter().chain(masks).collect();
        rules
    }

    fn name<'a>(
        &mut self,
        keys: impl IntoIterator<Item = &'a String>,
        action: u8,
        contradicts: u8,
        path: &str,
        problems: &mut Problems,
    ) {
        for key in keys {
            if key.is_empty() {
                problems.push(path, "names an empty key");
            }
            let entry = self.keys.entry(key.as_bytes().into()).or_default();
            if entry.has(contradicts) {
                let message =
                    format!("names {key:?}, which another rule deletes or hashes; remove one");
                problems.push(path, message);
            }
            entry.0 |= action;
        }
    }

    /// Nothing to do: records pass as they are.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.masks.is_empty()
    }

    /// The labels of [`crate::Rewriter::counts`], by index.
    pub fn counters(&self) -> &[String] {
        &self.counters
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

/// The secret when none is configured: drawn once a process, so that no hash can be undone by trying all values. The
/// hashes of two processes, or of two runs, then differ, which `docs/reference/enrich.md` says.
fn secret_of_this_process() -> std::io::Result<[u8; 32]> {
    use std::io::Read;
    static SECRET: std::sync::OnceLock<[u8; 32]> = std::sync::OnceLock::new();
    if let Some(secret) = SECRET.get() {
        return Ok(*secret);
    }
    let mut drawn = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut drawn)?;
    tracing::warn!(
        "enrich.redact.hash.key is empty: hashing with a random secret, so hashes differ between processes and runs"
    );
    Ok(*SECRET.get_or_init(|| drawn))
}
