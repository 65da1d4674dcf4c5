//! Whether the bus works for the stages of this process, and how far behind they are: said by readiness and metrics within ten seconds.
//!
//! Each stage is given a bus that notes what passes ([`Watch::bus`]): reads, commits, acknowledgements, partitions that come and go. Beside it
//! [`Watch::look`] asks the bus every few seconds, so that an outage is seen where nothing happens. Nobody else has to say anything.
//!
//! Deliberately absent: a thread (the caller has one), thresholds to configure, and anything that a stage could wait for.

mod ends;
mod group;
mod progress;
mod publishing;
mod render;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use runtime::names;

use crate::{Bus, Error, Topic};
use group::Group;
pub use progress::{Cursors, SecondCursor};
use publishing::Publishing;

/// Between two looks. With what a look may take, and with what may hang before it is called so, an outage is seen within ten seconds.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What one question may take.
const ANSWER: Duration = Duration::from_secs(3);
/// A commit, or an acknowledgement, that takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 6000 });
/// What was seen longer ago isn't told any more.
const FRESH_FOR: Duration = Duration::from_secs(15);
/// Retention is seldom changed.
const RETENTION_EVERY: Duration = Duration::from_secs(600);
/// The `kind` labels of the errors' counter.
const KINDS: [&str; 6] = [
    "unavailable",
    "denied",
    "fatal",
    "fenced",
    "queue_full",
    "too_large",
];

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(kind: &'static str) {
    metrics::counter!(names::BUS_ERRORS, "kind" => kind).increment(1);
}

/// Watches over one bus.
pub struct Watch {
    bus: Arc<dyn Bus>,
    born: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whose ends are asked for.
    topics: BTreeSet<Topic>,
    /// They end with their members.
    groups: Vec<Weak<Group>>,
    publishing: Vec<Weak<Publishing>>,
    /// Of topics that were asked for it, with when that was.
    retention: BTreeMap<Topic, (Instant, Option<Duration>)>,
    /// What the last look came to; `None` before the first.
    looked: Option<Looked>,
}

struct Looked {
    at: Instant,
    trouble: Option<String>,
}

impl Watch {
    pub fn new(bus: Arc<dyn Bus>) -> Arc<Self> {
        for kind in KINDS {
            metrics::counter!(names::BUS_ERRORS, "kind" => kind).absolute(0);
        }
        Arc::new(Self {
            bus,
            born: Instant::now(),
            state: Mutex::default(),
        })
    }

    /// The bus for one stage.
    pub fn bus(self: &Arc<Self>, stage: &'static str, cursors: Cursors) -> Arc<dyn Bus> {
        self.watched(stage, cursors, None)
    }

    /// The bus for a stage with several groups; what follows `group_prefix` in their names is the part of the stage: `export/tempo`.
    pub fn bus_of_parts(
        self: &Arc<Self>,
        stage: &'static str,
        group_prefix: String,
    ) -> Arc<dyn Bus> {
        self.watched(stage, Cursors::default(), Some(group_prefix))
    }

    fn watched(
        self: &Arc<Self>,
        stage: &'static str,
        cursors: Cursors,
        group_prefix: Option<String>,
    ) -> Arc<dyn Bus> {
        Arc::new(watched::Watched {
            watch: self.clone(),
            stage,
            cursors,
            group_prefix,
        })
    }

    /// Asks the bus how it is and where its topics end. Blocks for some seconds while it can't be reached.
    pub fn look(&self) {
        let topics = lock(&self.state).topics.clone();
        let mut trouble = self.bus.check().err();
        // A right that is missing says nothing of what else is asked for.
        let goes_on = |error: &Error| matches!(error, Error::Denied(_));
        if trouble.as_ref().is_none_or(goes_on) {
            for topic in &topics {
                match self.bus.ranges(topic, ANSWER) {
                    Ok(ranges) => {
                        let now = self.born.elapsed();
                        for group in self.groups() {
                            group.look(now, topic, &ranges);
                        }
                    }
                    Err(error) => {
                        let ends = !goes_on(&error);
                        trouble.get_or_insert(error);
                        if ends {
                            break;
                        }
                    }
                }
            }
        }
        match &trouble {
            Some(error) => count(error.kind()),
            None => self.look_at_retention(&topics),
        }
        lock(&self.state).looked = Some(Looked {
            at: Instant::now(),
            trouble: trouble.map(|error| error.to_string()),
        });
    }

    /// One topic's, so that a look isn't long. The bus works also where this can't be had.
    fn look_at_retention(&self, topics: &BTreeSet<Topic>) {
        let known = |topic: &&Topic| {
            let state = lock(&self.state);
            let asked = state.retention.get(*topic);
            asked.is_some_and(|(at, _)| at.elapsed() < RETENTION_EVERY)
        };
        let Some(topic) = topics.iter().find(|topic| !known(topic)) else {
            return;
        };
        let retention = self.bus.retention(topic).unwrap_or_else(|error| {
            tracing::debug!(%error, topic = &**topic, "how long a topic's records are kept isn't known");
            None
        });
        let mut state = lock(&self.state);
        (state.retention).insert(topic.clone(), (Instant::now(), retention));
    }

    fn retention(&self, topic: &str) -> Option<Duration> {
        lock(&self.state).retention.get(topic)?.1
    }

    /// Why the bus doesn't work for this process, as of now.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn verdict(&self) -> Result<(), String> {
        let looked = lock(&self.state).looked.as_ref().and_then(|looked| {
            looked.trouble.clone().or_else(|| {
                let age = looked.at.elapsed();
                (age > FRESH_FOR).then(|| format!("no answer from the bus for {} s", age.as_secs()))
            })
        });
        let groups = || self.groups().iter().find_map(|group| group.trouble());
        let publishing = || (self.publishing().iter()).find_map(|one| one.trouble());
        match looked.or_else(groups).or_else(publishing) {
            Some(trouble) => Err(trouble),
            None => Ok(()),
        }
    }

    fn ask_for(&self, topic: &str) {
        let mut state = lock(&self.state);
        if !state.topics.contains(topic) {
            state.topics.insert(topic.into());
        }
    }

    fn joined(&self, group: &Arc<Group>) {
        let mut state = lock(&self.state);
        state.topics.extend(group.topics.iter().cloned());
        state.groups.retain(|group| group.strong_count() > 0);
        state.groups.push(Arc::downgrade(group));
    }

    fn publishes(&self, publishing: Arc<Publishing>) {
        let mut state = lock(&self.state);
        (state.publishing).retain(|publishing| publishing.strong_count() > 0);
        state.publishing.push(Arc::downgrade(&publishing));
    }

    fn groups(&self) -> Vec<Arc<Group>> {
        let state = lock(&self.state);
        state.groups.iter().filter_map(Weak::upgrade).collect()
    }

    fn publishing(&self) -> Vec<Arc<Publishing>> {
        let state = lock(&self.state);
        state.publishing.iter().filter_map(Weak::upgrade).collect()
    }
}

#[cfg(test)]
mod tests;
