//! All groups of a bus by name, and the waking of their members. Who owns what is [`Group`]'s to say.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::embedded::in_memory::signal::Signal;
pub(in crate::embedded) use crate::embedded::membership::group::MemberId;
use crate::embedded::membership::group::{Group, Step};
use crate::{Topic, TopicPartition};

#[derive(Default)]
pub(in crate::embedded) struct Groups {
    by_name: HashMap<Arc<str>, Known>,
    members: MemberId,
}

#[derive(Default)]
struct Known {
    group: Group,
    signals: BTreeMap<MemberId, Arc<Signal>>,
}

impl Groups {
    pub(in crate::embedded) fn join(
        &mut self,
        name: &Arc<str>,
        topics: Vec<(Topic, u32)>,
        revoke_timeout: Duration,
        signal: Arc<Signal>,
        now: Instant,
    ) -> MemberId {
        self.members += 1;
        let id = self.members;
        let known = self.by_name.entry(name.clone()).or_default();
        known.signals.insert(id, signal);
        known.group.join(id, topics, revoke_timeout, now);
        known.wake();
        id
    }

    pub(in crate::embedded) fn leave(&mut self, name: &Arc<str>, member: MemberId, now: Instant) {
        self.on(name, |known| {
            known.signals.remove(&member);
            known.group.leave(member, now);
        });
    }

    pub(in crate::embedded) fn step(
        &mut self,
        name: &Arc<str>,
        member: MemberId,
        now: Instant,
    ) -> Step {
        self.on(name, |known| known.group.step(member, now))
            .unwrap_or_default()
    }

    pub(in crate::embedded) fn release(
        &mut self,
        name: &Arc<str>,
        member: MemberId,
        partitions: &[TopicPartition],
    ) {
        self.on(name, |known| known.group.release(member, partitions));
    }

    /// # Errors
    /// Why the member may not commit these positions, see [`Group::begin_commit`].
    pub(in crate::embedded) fn begin_commit(
        &mut self,
        name: &Arc<str>,
        member: MemberId,
        partitions: &[&TopicPartition],
    ) -> Result<(), String> {
        self.on(name, |known| known.group.begin_commit(member, partitions))
            .unwrap_or_else(|| Err("the member left".to_owned()))
            .map_err(|why| format!("group {name}: {why}"))
    }

    pub(in crate::embedded) fn end_commit(
        &mut self,
        name: &Arc<str>,
        partitions: &[&TopicPartition],
    ) {
        self.on(name, |known| known.group.end_commit(partitions));
    }

    fn on<T>(&mut self, name: &Arc<str>, event: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let known = self.by_name.get_mut(name)?;
        let answer = event(known);
        known.wake();
        if known.group.is_over() {
            self.by_name.remove(name);
        }
        Some(answer)
    }
}

impl Known {
    fn wake(&mut self) {
        if self.group.take_changed() {
            self.signals.values().for_each(|signal| signal.notify());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A group that nobody is in any more is forgotten, once the last commit of its last member has ended.
    #[test]
    fn an_empty_group_is_forgotten() {
        let (name, at): (Arc<str>, _) = ("g".into(), TopicPartition::new("t", 0));
        let (now, timeout) = (Instant::now(), Duration::from_secs(10));
        let mut groups = Groups::default();
        let topics = vec![(at.topic.clone(), 1)];
        let member = groups.join(&name, topics, timeout, Arc::default(), now);
        groups.step(&name, member, now);
        groups.begin_commit(&name, member, &[&at]).unwrap();
        groups.leave(&name, member, now);
        assert!(!groups.by_name.is_empty());
        groups.end_commit(&name, &[&at]);
        assert!(groups.by_name.is_empty());
        assert!(groups.begin_commit(&name, member, &[]).is_err());
    }
}
