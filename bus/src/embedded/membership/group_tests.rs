//! The state machine of a group: driven by hand, and by chance against a plain model.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(10);

struct World {
    group: Group,
    members: MemberId,
    now: Instant,
}

impl World {
    fn new() -> Self {
        Self {
            group: Group::default(),
            members: 0,
            now: Instant::now(),
        }
    }

    fn join(&mut self, topics: &[(&str, u32)]) -> MemberId {
        let topics = topics
            .iter()
            .map(|(name, count)| ((*name).into(), *count))
            .collect();
        self.members += 1;
        self.group.join(self.members, topics, TIMEOUT, self.now);
        self.members
    }

    fn step(&mut self, member: MemberId) -> Step {
        self.group.step(member, self.now)
    }

    /// The partition numbers of topic `t` that a member gets in one step.
    fn granted(&mut self, member: MemberId) -> Vec<u32> {
        let step = self.step(member);
        step.granted.iter().map(|at| at.partition).collect()
    }
}

fn at(partition: u32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

/// Ranges of `partitions` over `members`, as counts.
#[track_caller]
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
    assert_eq!(waiting.look_again, Some(world.now + TIMEOUT));
    let step = world.step(first);
    assert_eq!(step.revoked, [at(2), at(3)]);
    world.group.release(first, &step.revoked);
    assert_eq!(world.granted(second), [2, 3]);
    assert_eq!(world.step(first), Step::default());
}

/// Whom it was to go to leaves while the owner gives it up: the owner has let it go, so it is granted to it anew.
#[test]
fn what_was_given_up_for_somebody_who_left_is_read_again() {
    let mut world = World::new();
    let first = world.join(&[("t", 2)]);
    world.step(first);
    let second = world.join(&[("t", 2)]);
    let step = world.step(first);
    assert_eq!(step.revoked, [at(1)]);
    world.group.leave(second, world.now);
    world.group.release(first, &step.revoked);
    assert!(world.group.take_changed());
    assert_eq!(world.granted(first), [1]);
}

/// Whom it was to go to leaves before the owner has heard of it: nothing moves.
#[test]
fn what_was_not_asked_for_yet_stays() {
    let mut world = World::new();
    let first = world.join(&[("t", 2)]);
    world.step(first);
    let second = world.join(&[("t", 2)]);
    world.group.leave(second, world.now);
    world.now += TIMEOUT * 2;
    assert_eq!(world.step(first), Step::default());
}

/// Past the deadline the owner is fenced: the other gets the partition, commits of the owner fail, and it is told.
#[test]
fn fences_the_late() {
    let mut world = World::new();
    let first = world.join(&[("t", 2)]);
    world.step(first);
    let second = world.join(&[("t", 2)]);
    world.now += TIMEOUT - Duration::from_secs(1);
    assert_eq!(world.step(second).granted, []);
    world.now += Duration::from_secs(2);
    assert_eq!(world.granted(second), [1]);
    assert!(world.group.begin_commit(first, &[&at(1)]).is_err());
    // Fenced altogether: also what it could have kept is granted anew, behind the news of the loss.
    let step = world.step(first);
    assert_eq!(step.lost, [at(1), at(0)]);
    assert_eq!(world.granted(first), [0]);
    assert!(world.group.begin_commit(first, &[&at(0)]).is_ok());
}

/// A partition whose last commit is still being written isn't granted to anybody.
#[test]
fn waits_for_commits_in_flight() {
    let mut world = World::new();
    let first = world.join(&[("t", 1)]);
    world.step(first);
    world.group.begin_commit(first, &[&at(0)]).unwrap();
    world.group.leave(first, world.now);
    let second = world.join(&[("t", 1)]);
    assert_eq!(world.granted(second), Vec::<u32>::new());
    world.group.end_commit(&[&at(0)]);
    assert_eq!(world.granted(second), [0]);
}

/// Leaving hands everything over; a member that left commits nothing.
#[test]
fn leaving() {
    let mut world = World::new();
    let first = world.join(&[("t", 2), ("u", 2)]);
    world.step(first);
    let second = world.join(&[("t", 2)]);
    world.group.leave(first, world.now);
    assert_eq!(world.granted(second), [0, 1]);
    assert!(world.group.begin_commit(first, &[]).is_err());
    assert!(!world.group.is_over());
    world.group.leave(second, world.now);
    assert!(world.group.is_over());
}

#[derive(Clone, Debug)]
enum Op {
    /// With topics by number, see [`TOPICS`].
    Join(Vec<usize>),
    /// Ends a member, wherever it stands: in the middle of a step, with a commit being written.
    Leave(usize),
    /// A member asks what to do. What was revoked it gives up only when it comes to [`Op::Release`].
    Step(usize),
    /// It is done with giving up.
    Release(usize),
    /// It fails to take up what it was granted, and lets it go.
    Drop(usize),
    /// Of everything that it holds.
    BeginCommit(usize),
    EndCommit(usize),
    Wait(u64),
}

const TOPICS: [(&str, u32); 3] = [("t", 5), ("u", 5), ("v", 2)];

fn op() -> impl Strategy<Value = Op> {
    let who = 0..6_usize;
    prop_oneof![
        3 => prop::collection::vec(0..TOPICS.len(), 1..3).prop_map(Op::Join),
        2 => who.clone().prop_map(Op::Leave),
        8 => who.clone().prop_map(Op::Step),
        4 => who.clone().prop_map(Op::Release),
        1 => who.clone().prop_map(Op::Drop),
        3 => who.clone().prop_map(Op::BeginCommit),
        3 => who.prop_map(Op::EndCommit),
        2 => (1..12_u64).prop_map(Op::Wait),
    ]
}

/// A member as it sees itself.
#[derive(Default)]
struct Reader {
    id: MemberId,
    topics: BTreeSet<usize>,
    /// Reads these: granted, and neither given up nor told lost.
    reads: BTreeSet<TopicPartition>,
    /// Is giving these up; it asks for nothing else meanwhile.
    giving_up: Vec<TopicPartition>,
    awake: bool,
    look_again: Option<Instant>,
}

/// The plain model: who may commit what, by the rules that a member is told.
#[derive(Default)]
struct Model {
    group: Group,
    readers: Vec<Reader>,
    members: MemberId,
    now: Option<Instant>,
    /// Who was granted a partition last, until it gave it up, left, or was refused a commit.
    owners: BTreeMap<TopicPartition, MemberId>,
    /// Commits being written, with what they hold.
    commits: Vec<(MemberId, Vec<TopicPartition>)>,
}

impl Model {
    fn now(&mut self) -> Instant {
        *self.now.get_or_insert_with(Instant::now)
    }

    fn apply(&mut self, op: &Op) {
        let chosen = |readers: &[Reader], who: usize| {
            let count = readers.len();
            (count > 0).then(|| who % count)
        };
        match op {
            Op::Join(topics) => self.join(topics),
            Op::Wait(seconds) => self.now = Some(self.now() + Duration::from_secs(*seconds)),
            Op::EndCommit(which) if !self.commits.is_empty() => {
                let (_, held) = self.commits.remove(which % self.commits.len());
                self.group.end_commit(&held.iter().collect::<Vec<_>>());
            }
            Op::EndCommit(_) => {}
            Op::Leave(who)
            | Op::Step(who)
            | Op::Release(who)
            | Op::Drop(who)
            | Op::BeginCommit(who) => {
                if let Some(at) = chosen(&self.readers, *who) {
                    match op {
                        Op::Leave(_) => self.leave(at),
                        Op::Step(_) => self.step(at),
                        Op::Drop(_) => self.drop_some(at),
                        Op::BeginCommit(_) => self.begin_commit(at),
                        _ => self.release(at),
                    }
                }
            }
        }
        if self.group.take_changed() {
            self.readers
                .iter_mut()
                .for_each(|reader| reader.awake = true);
        }
    }

    fn join(&mut self, topics: &[usize]) {
        if self.readers.len() == 6 {
            return;
        }
        let now = self.now();
        self.members += 1;
        let topics: BTreeSet<usize> = topics.iter().copied().collect();
        let named = topics
            .iter()
            .map(|at| (TOPICS[*at].0.into(), TOPICS[*at].1));
        self.group.join(self.members, named.collect(), TIMEOUT, now);
        self.readers.push(Reader {
            id: self.members,
            topics,
            ..Reader::default()
        });
    }

    fn leave(&mut self, at: usize) {
        let now = self.now();
        let reader = self.readers.remove(at);
        self.owners.retain(|_, owner| *owner != reader.id);
        self.group.leave(reader.id, now);
    }

    fn step(&mut self, at: usize) {
        let now = self.now();
        let reader = &mut self.readers[at];
        if !reader.giving_up.is_empty() {
            return;
        }
        let step = self.group.step(reader.id, now);
        reader.look_again = step.look_again;
        // As a member does: it asks until there is nothing more.
        reader.awake = [&step.lost, &step.revoked, &step.granted]
            .iter()
            .any(|list| !list.is_empty());
        for lost in &step.lost {
            assert!(reader.reads.remove(lost), "{lost} was lost, but not read");
        }
        for revoked in &step.revoked {
            assert!(reader.reads.contains(revoked), "{revoked} isn't read");
        }
        reader.giving_up = step.revoked;
        for granted in step.granted {
            assert!(reader.reads.insert(granted.clone()), "{granted} twice");
            let written = |(_, held): &(_, Vec<_>)| held.contains(&granted);
            assert!(
                !self.commits.iter().any(written),
                "{granted} is being committed"
            );
            let former = self.owners.insert(granted.clone(), reader.id);
            let reader = reader.id;
            // Whoever had it is late, or was refused: it can't commit any more.
            if let Some(former) = former.filter(|former| *former != reader) {
                let refused = self.group.begin_commit(former, &[&granted]);
                assert!(
                    refused.is_err(),
                    "{granted} has two owners: {former}, {reader}"
                );
                self.owners.retain(|_, owner| *owner != former);
            }
        }
    }

    fn release(&mut self, at: usize) {
        let reader = &mut self.readers[at];
        let gone = std::mem::take(&mut reader.giving_up);
        let id = reader.id;
        reader.reads.retain(|read| !gone.contains(read));
        self.owners
            .retain(|at, owner| *owner != id || !gone.contains(at));
        self.group.release(id, &gone);
    }

    fn drop_some(&mut self, at: usize) {
        let reader = &mut self.readers[at];
        if reader.giving_up.is_empty() {
            reader.giving_up = reader.reads.iter().take(2).cloned().collect();
            self.release(at);
        }
    }

    fn begin_commit(&mut self, at: usize) {
        let reader = &self.readers[at];
        let held: Vec<_> = reader.reads.iter().cloned().collect();
        let may = held
            .iter()
            .all(|at| self.owners.get(at) == Some(&reader.id));
        let begun = (self.group).begin_commit(reader.id, &held.iter().collect::<Vec<_>>());
        if begun.is_ok() {
            assert!(may, "{} committed what isn't its own", reader.id);
            self.commits.push((reader.id, held));
        } else {
            let id = reader.id;
            self.owners.retain(|_, owner| *owner != id);
        }
    }

    /// Everybody does what there is to do, but only when woken, or at the time it was told.
    fn settle(&mut self) {
        while !self.commits.is_empty() {
            self.apply(&Op::EndCommit(0));
        }
        for _ in 0..1000 {
            let now = self.now();
            let mut idle = true;
            for at in 0..self.readers.len() {
                let reader = &self.readers[at];
                let due = reader.awake || reader.look_again.is_some_and(|again| again <= now);
                if !reader.giving_up.is_empty() {
                    self.apply(&Op::Release(at));
                } else if due {
                    self.apply(&Op::Step(at));
                } else {
                    continue;
                }
                idle = false;
            }
            let next = self.readers.iter().filter_map(|reader| reader.look_again);
            match (idle, next.min()) {
                (false, _) => {}
                (true, Some(again)) => self.now = Some(again),
                (true, None) => return,
            }
        }
        panic!("it never settles");
    }

    /// Every partition of every topic of a live member is read by exactly one of those that want it, in ranges by age.
    fn check_settled(&self) {
        for (number, (topic, partitions)) in TOPICS.iter().enumerate() {
            let members: Vec<_> = (self.readers.iter())
                .filter(|reader| reader.topics.contains(&number))
                .collect();
            for partition in 0..*partitions {
                let at = TopicPartition::new(*topic, partition);
                let reading = self
                    .readers
                    .iter()
                    .filter(|reader| reader.reads.contains(&at));
                let reading: Vec<_> = reading.map(|reader| reader.id).collect();
                let expected = (!members.is_empty()).then(|| {
                    let range = range_owner(partition, *partitions, members.len() as u32);
                    members[range as usize].id
                });
                assert_eq!(reading, Vec::from_iter(expected), "{at}");
            }
        }
        assert_eq!(self.group.is_over(), self.readers.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order: never two owners, and once things settle everything is owned and read.
    #[test]
    fn owned_once_and_read(ops in prop::collection::vec(op(), 1..80)) {
        let mut model = Model::default();
        for op in &ops {
            model.apply(op);
        }
        model.settle();
        model.check_settled();
    }
}
