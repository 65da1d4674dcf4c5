//! Looking pods up, and waiting for those that aren't known yet.
//!
//! An item waits until `wait_for_pod` after it ended, and no longer: by then the watcher has heard of its pod or never will. So what waited on the bus for
//! longer doesn't wait here, and a stream of unknown pods delays items by that much once, and not each of them. A sender whose clock runs ahead can't
//! stop others: over time no more than a tenth is waited.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use k8s::Index;

use super::Pods;
use crate::names;

/// A pod that was waited for in vain isn't waited for again before this.
const FORGET_AFTER: Duration = Duration::from_secs(30);
/// Of those that were waited for in vain.
const UNKNOWN_MAX: usize = 10_000;
/// What may be waited comes back at this rate.
const SHARE: u32 = 10;

/// What came of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Hit,
    Ambiguous,
    Unknown,
    /// Found, after a while.
    Waited,
}

impl Outcome {
    pub(crate) const ALL: [Self; 4] = [Self::Hit, Self::Unknown, Self::Ambiguous, Self::Waited];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Ambiguous => "ambiguous",
            Self::Unknown => "unknown",
            Self::Waited => "waited",
        }
    }

    /// Look-ups have no part in what is committed, so they are counted as they happen.
    pub(crate) fn count(self, times: u64) {
        metrics::counter!(names::K8S_LOOKUPS, "result" => self.name()).increment(times);
    }
}

/// Of one thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookups {
    pods: Pods,
    /// Hashes of what was waited for in vain, and until when it isn't again.
    unknown: HashMap<u64, Instant>,
    /// How much was waited and hasn't come back yet, as of then.
    waited: Option<(Duration, Instant)>,
}

impl Lookups {
    pub(crate) fn new(pods: Pods) -> Self {
        Self {
            pods,
            ..Self::default()
        }
    }

    /// Looks something up; `find` says whether it was found. What isn't found is waited for where that may help: `key` is what was asked for, `at_ms` when
    /// the item ended.
    pub(crate) fn find<T>(
        &mut self,
        key: &impl Hash,
        at_ms: Option<u64>,
        wait: Duration,
        mut find: impl FnMut(&Index) -> (Outcome, T),
    ) -> T {
        let mut generation = self.pods.generation();
        let (mut outcome, mut found) = find(&self.pods.index());
        if outcome == Outcome::Unknown
            && let Some((hash, until)) = self.until(key, at_ms, wait)
        {
            let began = Instant::now();
            while outcome == Outcome::Unknown && self.pods.wait(generation, until) {
                generation = self.pods.generation();
                (outcome, found) = find(&self.pods.index());
            }
            self.spend(began.elapsed());
            match outcome {
                Outcome::Unknown => drop(self.unknown.insert(hash, Instant::now() + FORGET_AFTER)),
                Outcome::Hit => outcome = Outcome::Waited,
                _ => {}
            }
        }
        outcome.count(1);
        found
    }

    /// Until when it is to be waited for, if at all.
    fn until(
        &mut self,
        key: &impl Hash,
        at_ms: Option<u64>,
        wait: Duration,
    ) -> Option<(u64, Instant)> {
        // Nobody fills it: this is a test in a configuration.
        if wait.is_zero() || !self.pods.is_followed() {
            return None;
        }
        let now = Instant::now();
        let age = at_ms.map_or(Duration::ZERO, |at_ms| {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH);
            let now_ms = wall.unwrap_or_default().as_millis() as u64;
            Duration::from_millis(now_ms.saturating_sub(at_ms))
        });
        let left = wait
            .checked_sub(age)?
            .min(wait.saturating_sub(self.owed(now)));
        if left.is_zero() {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        if self.unknown.get(&hash).is_some_and(|until| *until > now) {
            return None;
        }
        if self.unknown.len() >= UNKNOWN_MAX {
            self.unknown.clear();
        }
        Some((hash, now + left))
    }

    fn owed(&self, now: Instant) -> Duration {
        self.waited.map_or(Duration::ZERO, |(owed, since)| {
            owed.saturating_sub(now.saturating_duration_since(since) / SHARE)
        })
    }

    fn spend(&mut self, waited: Duration) {
        let now = Instant::now();
        self.waited = Some((self.owed(now) + waited, now));
    }
}

#[cfg(test)]
mod tests {
    use k8s::{Entry, Found, Pod, Query};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(50);

    fn ask(lookups: &mut Lookups, uid: &str, at_ms: Option<u64>, wait: Duration) -> bool {
        lookups.find(&uid, at_ms, wait, |index| {
            let query = Query {
                uid: Some(uid),
                ..Query::default()
            };
            match index.find(&query, at_ms) {
                Found::Pod { .. } => (Outcome::Hit, true),
                _ => (Outcome::Unknown, false),
            }
        })
    }

    fn entry(uid: &str) -> Entry {
        Entry::Pod {
            cluster: "c".into(),
            seen_ms: 1,
            pod: Pod {
                uid: uid.into(),
                ..Pod::default()
            },
        }
    }

    #[test]
    fn a_pod_that_is_about_to_be_known_is_waited_for() {
        let pods = Pods::default();
        pods.change(|state| state.is_followed = true);
        let other = pods.clone();
        let telling = std::thread::spawn(move || {
            other.apply(vec![entry("other")]);
            other.apply(vec![entry("new")]);
        });
        assert!(ask(&mut Lookups::new(pods), "new", None, LONG));
        telling.join().expect("it ends");
    }

    #[test]
    fn each_is_waited_for_once_and_not_without_end() {
        let pods = Pods::default();
        let mut lookups = Lookups::new(pods.clone());
        assert!(!ask(&mut lookups, "a", None, LONG), "nobody fills it");
        pods.change(|state| state.is_followed = true);
        assert!(!ask(&mut lookups, "a", Some(1), LONG), "it ended long ago");
        assert!(!ask(&mut lookups, "a", None, SHORT));
        assert!(
            !ask(&mut lookups, "a", None, LONG),
            "it was waited for in vain"
        );
        let now = Instant::now();
        lookups.waited = Some((LONG, now));
        assert!(!ask(&mut lookups, "b", None, SHORT), "too much was waited");
        assert!(lookups.owed(now + LONG * SHARE).is_zero());
    }
}
