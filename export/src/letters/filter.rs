//! Which letters somebody is after.

use super::letter::{Letter, LetterId};

/// Which letters.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// These and no others; empty: all.
    pub ids: Vec<LetterId>,
    pub backend: Option<String>,
    pub stage: Option<String>,
    /// A part of the reason, in any case.
    pub reason: Option<String>,
    /// Given up at this time or later.
    pub from_ms: Option<u64>,
    /// Given up before this time.
    pub before_ms: Option<u64>,
}

impl Filter {
    pub fn takes(&self, letter: &Letter) -> bool {
        let contains = |reason: &String| {
            let whole = letter.reason.to_lowercase();
            whole.contains(&reason.to_lowercase())
        };
        (self.ids.is_empty() || self.ids.contains(&letter.id))
            && (self.backend.as_deref()).is_none_or(|backend| letter.backend() == Some(backend))
            && (self.stage.as_deref()).is_none_or(|stage| letter.stage == stage)
            && self.reason.as_ref().is_none_or(contains)
            && self.from_ms.is_none_or(|from| letter.time_ms >= from)
            && self.before_ms.is_none_or(|before| letter.time_ms < before)
    }

    /// Everything would match.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
            && self.backend.is_none()
            && self.stage.is_none()
            && self.reason.is_none()
            && self.from_ms.is_none()
            && self.before_ms.is_none()
    }
}
