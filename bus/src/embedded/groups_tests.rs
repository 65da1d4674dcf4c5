//! The state machine of groups, driven by hand.
#![allow(clippy::unwrap_used)]

use super::*;

struct World {
    groups: Groups,
    name: Arc<str>,
    now: Instant,
}

impl World {
    fn new() -> Self {
        Self {
            groups: Groups::default(),
            name: "g".into(),
            now: Instant::now(),
        }
    }

    fn join(&mut self, topics: &[(&str, u32)]) -> MemberId {
        let topics = topics
            .iter()
            .map(|(name, count)| ((*name).into(), *count))
            .collect();
        self.groups.join(
            &self.name,
            topics,
            Duration::from_secs(10),
            Arc::default(),
            self.now,
        )
    }

    fn step(&mut self, member: MemberId) -> Step {
        self.groups.step(&self.name, member, self.now)
    }

    /// The partition numbers of topic `t` that a member gets in one step.
    fn granted(&mut self, member: MemberId) -> Vec<u32> {
        self.step(member)
            .granted
            .iter()
            .map(|at| at.partition)
            .collect()
    }
}

fn at(partition: u32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

/// Ranges of `partitions` over `members`, as counts.
fn check_ranges(partitions: u32, members: u32, counts: &[usize]) {
    let owners: Vec<u32> = (0..partitions)
        .map(|p| range_owner(p, partitions, members))
        .collect();
    assert!(owners.is_sorted(), "{owners:?}");
    let found: Vec<usize> = (0..members)
        .map(|m| owners.iter().filter(|owner| **owner == m).count())
        .collect();
    assert_eq!(found, counts);
}

/// Contiguous, and as even as can be.
#[test]
fn ranges() {
    check_ranges(6, 1, &[6]);
    check_ranges(6, 4, &[2, 2, 1, 1]);
    check_ranges(2, 4, &[1, 1, 0, 0]);
    check_ranges(1024, 3, &[342, 341, 341]);
}

/// What moves is first revoked, then released, then granted.
#[test]
fn moves_after_release() {
    let mut world = World::new();
    let first = world.join(&[("t", 4)]);
    assert_eq!(world.granted(first), [0, 1, 2, 3]);
    let second = world.join(&[("t", 4)]);
    let waiting = world.step(second);
    assert_eq!(waiting.granted, []);
    assert_eq!(
        waiting.look_again,
        Some(world.now + Duration::from_secs(10))
    );
    let step = world.step(first);
    assert_eq!(step.revoked, [at(2), at(3)]);
    world
        .groups
        .release(&world.name.clone(), first, &step.revoked);
    assert_eq!(world.granted(second), [2, 3]);
    assert_eq!(world.step(first), Step::default());
}

/// Past the deadline the owner is fenced: the other gets the partition, commits of the owner fail, and it is told.
#[test]
fn fences_the_late() {
    let mut world = World::new();
    let first = world.join(&[("t", 2)]);
    world.step(first);
    let second = world.join(&[("t", 2)]);
    world.now += Duration::from_secs(9);
    assert_eq!(world.step(second).granted, []);
    world.now += Duration::from_secs(2);
    assert_eq!(world.granted(second), [1]);
    let name = world.name.clone();
    assert!(world.groups.begin_commit(&name, first, &[&at(1)]).is_err());
    // Fenced altogether: also what it could have kept is granted anew, behind the news of the loss.
    let step = world.step(first);
    assert_eq!(step.lost, [at(1), at(0)]);
    assert_eq!(world.granted(first), [0]);
    assert!(world.groups.begin_commit(&name, first, &[&at(0)]).is_ok());
}

/// A partition whose last commit is still being written isn't granted to anybody.
#[test]
fn waits_for_commits_in_flight() {
    let mut world = World::new();
    let first = world.join(&[("t", 1)]);
    world.step(first);
    let name = world.name.clone();
    world.groups.begin_commit(&name, first, &[&at(0)]).unwrap();
    world.groups.leave(&name, first, world.now);
    let second = world.join(&[("t", 1)]);
    assert_eq!(world.granted(second), Vec::<u32>::new());
    world.groups.end_commit(&name, &[&at(0)]);
    assert_eq!(world.granted(second), [0]);
}

/// Leaving hands everything over; a member that left commits nothing.
#[test]
fn leaving() {
    let mut world = World::new();
    let first = world.join(&[("t", 2), ("u", 2)]);
    world.step(first);
    let second = world.join(&[("t", 2)]);
    let name = world.name.clone();
    world.groups.leave(&name, first, world.now);
    assert_eq!(world.granted(second), [0, 1]);
    assert!(world.groups.begin_commit(&name, first, &[]).is_err());
    world.groups.leave(&name, second, world.now);
    assert!(world.groups.by_name.is_empty());
}
