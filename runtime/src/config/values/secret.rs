//! Values that nobody else may see.

use std::cell::Cell;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Text that is neither shown nor written back.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(pub String);

impl Secret {
    fn shown(&self) -> &'static str {
        if self.0.is_empty() { "" } else { "****" }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match MARKED.get() && !self.0.is_empty() {
            false => serializer.serialize_str(self.shown()),
            true => {
                let mut hasher = DefaultHasher::new();
                self.0.hash(&mut hasher);
                serializer.serialize_str(&format!("****{:016x}", hasher.finish()))
            }
        }
    }
}

thread_local! {
    static MARKED: Cell<bool> = const { Cell::new(false) };
}

/// Within `work`, on this thread, secrets that differ are written differently: to find out whether something has changed. What is written then is for
/// comparisons alone, and must be shown to nobody, since short secrets can be guessed from it.
pub fn with_marked_secrets<T>(work: impl FnOnce() -> T) -> T {
    struct Unmark(bool);
    impl Drop for Unmark {
        fn drop(&mut self) {
            MARKED.set(self.0);
        }
    }
    let _unmark = Unmark(MARKED.replace(true));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_apart_only_where_that_is_asked_for() {
        let written =
            |text: &str| serde_json::to_string(&Secret(text.to_owned())).unwrap_or_default();
        assert_eq!(written("a"), "\"****\"");
        let marked =
            with_marked_secrets(|| [written("a"), written("b"), written("a"), written("")]);
        assert!(
            marked[0] == marked[2] && marked[0] != marked[1],
            "{marked:?}"
        );
        assert_eq!(marked[3], "\"\"");
        assert_eq!(written("b"), "\"****\"");
    }
}
