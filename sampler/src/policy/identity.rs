//! What tells policies, conditions and statistics apart: all that they depend on, written down. Equal ones share what was gathered, also over a
//! reload and between processes; so nothing may be equal to another by accident.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

/// What something depends on, as text: equal texts mean the same.
pub(crate) fn meaning(what: &impl Serialize) -> String {
    serde_json::to_string(what).unwrap_or_else(|error| unlike_any_other(&error))
}

/// A hash of [`meaning`].
pub(crate) fn identity(what: &impl Serialize) -> u64 {
    xxh3_64(meaning(what).as_bytes())
}

/// What can't be written down shares with nothing: that costs what was gathered before a reload. Sharing with something else would give
/// wrong verdicts.
fn unlike_any_other(error: &serde_json::Error) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    tracing::warn!(%error, "a policy can't be compared with others; it begins anew with each reload and counts in this process alone");
    let (count, random) = (COUNT.fetch_add(1, Ordering::Relaxed), RandomState::new());
    format!("{:016x}-{count}", random.hash_one(count))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn equal_things_have_one_identity() {
        assert_eq!(identity(&("rate", 5)), identity(&("rate", 5)));
        assert_ne!(identity(&("rate", 5)), identity(&("rate", 6)));
    }

    #[test]
    fn what_cannot_be_written_down_is_like_nothing_else() {
        // JSON has no keys that are lists.
        let odd = |name: &'static str| BTreeMap::from([(vec![1, 2], name)]);
        let identities = [
            identity(&odd("a")),
            identity(&odd("b")),
            identity(&odd("a")),
            identity(&()),
        ];
        let distinct: std::collections::BTreeSet<_> = identities.into_iter().collect();
        assert_eq!(distinct.len(), identities.len());
        assert!(!distinct.contains(&xxh3_64(b"")));
    }
}
