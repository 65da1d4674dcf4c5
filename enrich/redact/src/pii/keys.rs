//! Keys of attributes: which are not looked at, which may not stay, and what the others are about.

use super::context::Topics;
use super::detector::{Id, Ids};
use super::engine::Engine;

/// Keys as they are written in a configuration: whole, or with `*` at the end for anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyPatterns(Vec<Box<[u8]>>);

impl KeyPatterns {
    pub(crate) fn new<'a>(keys: impl IntoIterator<Item = &'a String>) -> Self {
        let keys = keys.into_iter().map(|key| key.as_bytes().into());
        Self(keys.collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn hold(&self, key: &[u8]) -> bool {
        self.0
            .iter()
            .any(|pattern| match pattern.strip_suffix(b"*") {
                Some(beginning) => key.starts_with(beginning),
                None => **pattern == *key,
            })
    }
}

/// What is known of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct KeyNote {
    wanted: Ids,
    topics: Topics,
    /// The value may not stay, whatever it is.
    blank: bool,
    /// `allow_keys` is for the key: what is below it may stay as well.
    allowed: bool,
}

impl KeyNote {
    /// Of text without a key.
    pub(crate) fn plain(wanted: Ids) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// What holds for a key within the value of another one.
    pub(crate) fn under(self, outer: &Self) -> Self {
        Self {
            wanted: self.wanted.and(outer.wanted),
            topics: self.topics | outer.topics,
            blank: self.blank && !outer.allowed,
            allowed: self.allowed || outer.allowed,
        }
    }

    /// The detectors that are asked about the value.
    pub(crate) fn wanted(&self) -> Ids {
        self.wanted
    }

    pub(crate) fn topics(&self) -> Topics {
        self.topics
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.blank
    }

    /// Whether a number under this key is looked at: alone it says nothing.
    pub(crate) fn concerns_numbers(&self) -> bool {
        !self.topics.is_empty() && !self.wanted.is_empty()
    }
}

/// Without these nobody would know whose telemetry it is: they stay, whatever `allow_keys` says.
const ALWAYS_ALLOWED: [&[u8]; 3] = [
    b"service.name",
    b"service.namespace",
    b"service.instance.id",
];

#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRules {
    pub(crate) skip: KeyPatterns,
    pub(crate) allow: KeyPatterns,
    /// Keys in which one detector isn't asked.
    pub(crate) exclude: Vec<(Id, KeyPatterns)>,
}

impl KeyRules {
    pub(crate) fn note(&self, key: &[u8], engine: &Engine) -> KeyNote {
        let allows = !self.allow.is_empty();
        if self.skip.hold(key) {
            return KeyNote {
                allowed: allows,
                ..KeyNote::default()
            };
        }
        let allowed = allows && (self.allow.hold(key) || ALWAYS_ALLOWED.contains(&key));
        let mut excluded = Ids::default();
        for (id, keys) in &self.exclude {
            if keys.hold(key) {
                excluded.add(*id);
            }
        }
        KeyNote {
            wanted: engine.wanted().without(excluded),
            topics: engine.vocabulary().of_key(key),
            blank: allows && !allowed,
            allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_the_rest() {
        let keys = ["k8s.*".to_owned(), "thread.id".to_owned()];
        let keys = KeyPatterns::new(&keys);
        for (key, held) in [
            ("k8s.pod.ip", true),
            ("k8s.", true),
            ("k8s", false),
            ("thread.id", true),
            ("thread.id2", false),
        ] {
            assert_eq!(keys.hold(key.as_bytes()), held, "{key}");
        }
    }
}
