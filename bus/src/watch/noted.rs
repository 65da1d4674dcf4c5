//! What the stages of a process do with the bus, as far as the watch has to know: which topics they use, and who reads and writes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, Weak};

use super::group::Group;
use super::publishing::Publishing;
use crate::Topic;
use crate::mutex::lock;

/// Shared by the buses that stages are given and the watch over them.
#[derive(Default)]
pub(super) struct Noted {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whose ends are asked for.
    topics: BTreeSet<Topic>,
    /// They end with their members.
    groups: Vec<Weak<Group>>,
    publishing: Vec<Weak<Publishing>>,
}

impl Noted {
    /// A stage uses this topic.
    pub(super) fn topic(&self, topic: &str) {
        let mut state = lock(&self.state);
        if !state.topics.contains(topic) {
            state.topics.insert(topic.into());
        }
    }

    /// A stage has joined a group.
    pub(super) fn joined(&self, group: &Arc<Group>) {
        let mut state = lock(&self.state);
        state.topics.extend(group.topics.iter().cloned());
        state.groups.retain(|group| group.strong_count() > 0);
        state.groups.push(Arc::downgrade(group));
    }

    /// A stage is about to publish.
    pub(super) fn publishes(&self, publishing: &Arc<Publishing>) {
        let mut state = lock(&self.state);
        (state.publishing).retain(|publishing| publishing.strong_count() > 0);
        state.publishing.push(Arc::downgrade(publishing));
    }

    pub(super) fn topics(&self) -> BTreeSet<Topic> {
        lock(&self.state).topics.clone()
    }

    pub(super) fn groups(&self) -> Vec<Arc<Group>> {
        let state = lock(&self.state);
        state.groups.iter().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn publishing(&self) -> Vec<Arc<Publishing>> {
        let state = lock(&self.state);
        state.publishing.iter().filter_map(Weak::upgrade).collect()
    }
}
