//! Consumer groups inside the process: who owns which partition, and how it changes hands.
//!
//! A state machine without clock, I/O or threads. Members are sorted by age, and each topic is dealt out to them in
//! ranges, so topics with equal partition counts give the same numbers to the same member. A partition that is to
//! move stays with its owner until that has given it up, or until the deadline has passed: then the owner is fenced.
//! It is granted anew only when no commit of the old owner is being written.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::signal::Signal;
use crate::{Topic, TopicPartition};

pub(super) type MemberId = u64;

#[derive(Default)]
pub(super) struct Groups {
    by_name: HashMap<Arc<str>, Group>,
    members: u64,
}

#[derive(Default)]
struct Group {
    /// Ordered by id, which is by age.
    members: BTreeMap<MemberId, Membership>,
    partitions: BTreeMap<TopicPartition, Ownership>,
}

struct Membership {
    topics: Vec<(Topic, u32)>,
    revoke_timeout: Duration,
    signal: Arc<Signal>,
    /// Taken away without asking, and not told yet.
    lost: Vec<TopicPartition>,
}

#[derive(Default)]
struct Ownership {
    owner: Option<MemberId>,
    target: Option<MemberId>,
    revoke_by: Option<Instant>,
    /// Commits that passed the check and are being written.
    in_flight: u32,
}

/// What a member has to do next. At most one of the lists is filled: they are to be done in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    pub lost: Vec<TopicPartition>,
    pub revoked: Vec<TopicPartition>,
    pub granted: Vec<TopicPartition>,
    /// When to look again even if nobody wakes us: the deadline of somebody who holds what is ours.
    pub look_again: Option<Instant>,
}

impl Groups {
    pub(super) fn join(
        &mut self,
        name: &Arc<str>,
        topics: Vec<(Topic, u32)>,
        revoke_timeout: Duration,
        signal: Arc<Signal>,
        now: Instant,
    ) -> MemberId {
        self.members += 1;
        let group = self.by_name.entry(name.clone()).or_default();
        let membership = Membership {
            topics,
            revoke_timeout,
            signal,
            lost: Vec::new(),
        };
        group.members.insert(self.members, membership);
        group.deal(now);
        self.members
    }

    pub(super) fn leave(&mut self, name: &Arc<str>, member: MemberId, now: Instant) {
        let Some(group) = self.by_name.get_mut(name) else {
            return;
        };
        if group.members.remove(&member).is_none() {
            return;
        }
        for ownership in group.partitions.values_mut() {
            if ownership.owner == Some(member) {
                ownership.owner = None;
            }
        }
        group.deal(now);
        // A group without members keeps nothing here, but for commits that are being written.
        if group.members.is_empty()
            && group
                .partitions
                .values()
                .all(|ownership| ownership.in_flight == 0)
        {
            self.by_name.remove(name);
        }
    }

    pub(super) fn step(&mut self, name: &Arc<str>, member: MemberId, now: Instant) -> Step {
        let Some(group) = self.by_name.get_mut(name) else {
            return Step::default();
        };
        group.fence_late(now);
        group.step(member)
    }

    /// The member has given these up.
    pub(super) fn release(
        &mut self,
        name: &Arc<str>,
        member: MemberId,
        partitions: &[TopicPartition],
    ) {
        let Some(group) = self.by_name.get_mut(name) else {
            return;
        };
        for at in partitions {
            if let Some(ownership) = group.partitions.get_mut(at)
                && ownership.owner == Some(member)
                && ownership.target != Some(member)
            {
                ownership.owner = None;
                ownership.revoke_by = None;
            }
        }
        group.notify_all();
    }

    /// Checks that a member owns what it wants to commit, and holds it until [`Groups::end_commit`].
    ///
    /// # Errors
    /// What it doesn't own. The member then loses everything, and gets anew what it is still entitled to.
    pub(super) fn begin_commit(
        &mut self,
        name: &Arc<str>,
        member: MemberId,
        partitions: &[&TopicPartition],
    ) -> Result<(), String> {
        let Some(group) = self.by_name.get_mut(name) else {
            return Err(format!("the member left group {name}"));
        };
        let Some(membership) = group.members.get(&member) else {
            return Err(format!("the member left group {name}"));
        };
        let owned = |at: &TopicPartition| {
            group
                .partitions
                .get(at)
                .is_some_and(|ownership| ownership.owner == Some(member))
        };
        let foreign: Vec<_> = partitions
            .iter()
            .filter(|at| !owned(at))
            .map(|at| at.to_string())
            .collect();
        if foreign.is_empty() && membership.lost.is_empty() {
            for at in partitions {
                if let Some(ownership) = group.partitions.get_mut(at) {
                    ownership.in_flight += 1;
                }
            }
            return Ok(());
        }
        group.fence(member);
        Err(if foreign.is_empty() {
            format!("the member of group {name} lost partitions meanwhile")
        } else {
            format!("group {name}: {}", foreign.join(", "))
        })
    }

    pub(super) fn end_commit(&mut self, name: &Arc<str>, partitions: &[&TopicPartition]) {
        let Some(group) = self.by_name.get_mut(name) else {
            return;
        };
        let mut waited_for = false;
        for at in partitions {
            if let Some(ownership) = group.partitions.get_mut(at) {
                ownership.in_flight = ownership.in_flight.saturating_sub(1);
                waited_for |= ownership.owner.is_none();
            }
        }
        if waited_for {
            group.notify_all();
        }
    }
}

impl Group {
    /// Deals the partitions out anew; those that have to move get a deadline.
    fn deal(&mut self, now: Instant) {
        for ownership in self.partitions.values_mut() {
            ownership.target = None;
        }
        let mut topics: BTreeMap<Topic, (u32, Vec<MemberId>)> = BTreeMap::new();
        for (id, member) in &self.members {
            for (topic, partitions) in &member.topics {
                topics
                    .entry(topic.clone())
                    .or_insert((*partitions, vec![]))
                    .1
                    .push(*id);
            }
        }
        for (topic, (partitions, members)) in topics {
            for partition in 0..partitions {
                let target =
                    members[range_owner(partition, partitions, members.len() as u32) as usize];
                let at = TopicPartition {
                    topic: topic.clone(),
                    partition,
                };
                self.partitions.entry(at).or_default().target = Some(target);
            }
        }
        for ownership in self.partitions.values_mut() {
            ownership.revoke_by = match ownership.owner {
                Some(owner) if ownership.target != Some(owner) => {
                    let timeout = self
                        .members
                        .get(&owner)
                        .map_or(Duration::ZERO, |member| member.revoke_timeout);
                    Some(ownership.revoke_by.unwrap_or(now + timeout))
                }
                _ => None,
            };
        }
        self.partitions.retain(|_, ownership| {
            ownership.owner.is_some() || ownership.target.is_some() || ownership.in_flight > 0
        });
        self.notify_all();
    }

    fn fence_late(&mut self, now: Instant) {
        let mut fenced = false;
        for (at, ownership) in &mut self.partitions {
            if ownership.revoke_by.is_some_and(|deadline| deadline <= now) {
                if let Some(member) = ownership
                    .owner
                    .and_then(|owner| self.members.get_mut(&owner))
                {
                    member.lost.push(at.clone());
                }
                ownership.owner = None;
                ownership.revoke_by = None;
                fenced = true;
            }
        }
        if fenced {
            self.notify_all();
        }
    }

    /// Takes everything from a member at once.
    fn fence(&mut self, id: MemberId) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        for (at, ownership) in &mut self.partitions {
            if ownership.owner == Some(id) {
                ownership.owner = None;
                ownership.revoke_by = None;
                member.lost.push(at.clone());
            }
        }
        self.notify_all();
    }

    fn step(&mut self, id: MemberId) -> Step {
        let mut step = Step::default();
        let Some(member) = self.members.get_mut(&id) else {
            return step;
        };
        step.lost = std::mem::take(&mut member.lost);
        if !step.lost.is_empty() {
            return step;
        }
        let mine = |ownership: &Ownership| ownership.owner == Some(id);
        step.revoked = self
            .partitions
            .iter()
            .filter(|(_, ownership)| mine(ownership) && ownership.target != Some(id))
            .map(|(at, _)| at.clone())
            .collect();
        if !step.revoked.is_empty() {
            return step;
        }
        for (at, ownership) in &mut self.partitions {
            if ownership.target != Some(id) || mine(ownership) {
                continue;
            }
            if ownership.owner.is_none() && ownership.in_flight == 0 {
                ownership.owner = Some(id);
                step.granted.push(at.clone());
            } else if let Some(deadline) = ownership.revoke_by {
                step.look_again = Some(
                    step.look_again
                        .map_or(deadline, |earlier| earlier.min(deadline)),
                );
            }
        }
        step
    }

    fn notify_all(&self) {
        for member in self.members.values() {
            member.signal.notify();
        }
    }
}

/// Which of `members` gets a partition: contiguous ranges, the first ones one larger where it doesn't divide.
fn range_owner(partition: u32, partitions: u32, members: u32) -> u32 {
    let (each, larger) = (partitions / members, partitions % members);
    if partition < larger * (each + 1) {
        partition / (each + 1)
    } else {
        larger + (partition - larger * (each + 1)) / each
    }
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
