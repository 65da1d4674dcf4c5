//! A bus with names of its own for one test, and short ways to do the usual things.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use bus::{
    Assigned, Bus, Committer, Delivery, Epoch, Fetched, GroupOptions, Member, Position, Rebalance,
    Record, Timestamps, Topic, TopicPartition, TopicSpec,
};
use tests::Deadline;

/// Nothing in the suite takes longer, unless it never happens.
pub const DEADLINE: Duration = Duration::from_secs(60);
pub const PLENTY: usize = 64 << 20;

pub struct Fixture {
    pub bus: Arc<dyn Bus>,
    name: String,
    _deadline: Deadline,
}

impl Fixture {
    pub fn new(bus: Arc<dyn Bus>, test: &str) -> Self {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let name = format!("{test}-{}-{run}", std::process::id());
        Self {
            bus,
            name,
            _deadline: Deadline::of_this_test(),
        }
    }

    pub fn group(&self) -> String {
        format!("{}-group", self.name)
    }

    pub fn topic_name(&self, label: &str) -> Topic {
        format!("{}-{label}", self.name).into()
    }

    pub fn topic(&self, label: &str, partitions: u32) -> Topic {
        let name = self.topic_name(label);
        let spec = TopicSpec {
            name: name.clone(),
            partitions,
            timestamps: Timestamps::LogAppend,
            compacted: false,
            retention: None,
        };
        self.bus.ensure_topics(&[spec]).unwrap();
        name
    }

    /// Publishes values and waits for every acknowledgement; returns the offsets in order of publishing.
    pub fn publish(&self, at: &TopicPartition, values: &[&str]) -> Vec<u64> {
        let publisher = self.bus.publisher().unwrap();
        let (acks, acked) = mpsc::channel();
        for (index, value) in values.iter().enumerate() {
            let acks = acks.clone();
            let ack = Box::new(move |result| acks.send((index, result)).unwrap());
            publisher.publish(at.clone(), record(value), ack).unwrap();
        }
        let mut offsets: Vec<(usize, u64)> = values
            .iter()
            .map(|_| acked.recv_timeout(DEADLINE).unwrap())
            .map(|(index, result)| (index, result.unwrap()))
            .collect();
        offsets.sort_unstable();
        offsets.into_iter().map(|(_, offset)| offset).collect()
    }

    /// What is visible on a partition now, from `from` on, once there are at least `count` records.
    pub fn read(&self, at: &TopicPartition, from: u64, count: usize) -> Vec<Fetched> {
        let mut reader = self.bus.reader().unwrap();
        reader.assign(&[(at.clone(), from)]).unwrap();
        let mut records = Vec::new();
        let deadline = Instant::now() + DEADLINE;
        while records.len() < count {
            assert!(
                Instant::now() < deadline,
                "{} of {count} records on {at}",
                records.len()
            );
            records.extend(reader.poll(Duration::from_millis(500), PLENTY).unwrap());
        }
        records
    }

    pub fn member(&self, topics: &[&Topic]) -> TestMember {
        static INSTANCES: AtomicU32 = AtomicU32::new(0);
        let options = GroupOptions {
            group: self.group(),
            topics: topics.iter().copied().cloned().collect(),
            delivery: Delivery::ExactlyOnce,
            instance: format!(
                "{}-{}",
                self.name,
                INSTANCES.fetch_add(1, Ordering::Relaxed)
            ),
            revoke_timeout: DEADLINE,
        };
        let told = Arc::new(Told::default());
        let (member, committer) = self.bus.join(options, told.clone()).unwrap();
        TestMember {
            member,
            committer: Arc::new(Mutex::new(committer)),
            told,
            records: Vec::new(),
            caught_up: Vec::new(),
        }
    }
}

pub fn record(value: &str) -> Record {
    Record {
        headers: Vec::new(),
        value: value.to_owned().into(),
    }
}

pub fn at(topic: &Topic, partition: u32) -> TopicPartition {
    TopicPartition {
        topic: topic.clone(),
        partition,
    }
}

pub fn position(at: &TopicPartition, offset: u64, metadata: &str) -> Position {
    Position {
        at: at.clone(),
        offset,
        metadata: metadata.to_owned(),
    }
}

pub fn epoch(records: &[(&TopicPartition, &str)], positions: &[Position]) -> Epoch {
    Epoch {
        records: records
            .iter()
            .map(|(at, value)| ((*at).clone(), record(value)))
            .collect(),
        positions: positions.to_vec(),
    }
}

pub fn values(records: &[Fetched]) -> Vec<&str> {
    records
        .iter()
        .map(|record| std::str::from_utf8(&record.value).unwrap())
        .collect()
}

/// What a member was told, in order, and what it owns by that.
#[derive(Default)]
pub struct Told {
    state: Mutex<ToldState>,
}

type OnRevoked = Box<dyn FnMut(&[TopicPartition]) + Send>;

#[derive(Default)]
struct ToldState {
    owned: Vec<TopicPartition>,
    assigned: Vec<Assigned>,
    revoked: Vec<TopicPartition>,
    truncated: Vec<(TopicPartition, u64, u64)>,
    on_revoked: Option<OnRevoked>,
}

impl Told {
    pub fn owned(&self) -> Vec<TopicPartition> {
        let mut owned = self.state.lock().unwrap().owned.clone();
        owned.sort();
        owned
    }
    pub fn assigned(&self) -> Vec<Assigned> {
        self.state.lock().unwrap().assigned.clone()
    }
    pub fn revoked(&self) -> Vec<TopicPartition> {
        self.state.lock().unwrap().revoked.clone()
    }
    pub fn truncated(&self) -> Vec<(TopicPartition, u64, u64)> {
        self.state.lock().unwrap().truncated.clone()
    }
    /// Called inside `revoked`.
    pub fn on_revoked(&self, call: impl FnMut(&[TopicPartition]) + Send + 'static) {
        self.state.lock().unwrap().on_revoked = Some(Box::new(call));
    }
}

impl Rebalance for Told {
    fn assigned(&self, partitions: Vec<Assigned>) {
        let mut state = self.state.lock().unwrap();
        for assigned in partitions {
            assert!(
                !state.owned.contains(&assigned.at),
                "{} assigned twice",
                assigned.at
            );
            state.owned.push(assigned.at.clone());
            state.assigned.push(assigned);
        }
    }

    fn revoked(&self, partitions: Vec<TopicPartition>) {
        let call = self.state.lock().unwrap().on_revoked.take();
        if let Some(mut call) = call {
            call(&partitions);
            self.state.lock().unwrap().on_revoked = Some(call);
        }
        let mut state = self.state.lock().unwrap();
        state.owned.retain(|at| !partitions.contains(at));
        state.revoked.extend(partitions);
    }

    fn lost(&self, partitions: Vec<TopicPartition>) {
        let mut state = self.state.lock().unwrap();
        state.owned.retain(|at| !partitions.contains(at));
    }

    fn truncated(&self, at: TopicPartition, from: u64, to: u64) {
        self.state.lock().unwrap().truncated.push((at, from, to));
    }
}

/// A member with everything that it got.
pub struct TestMember {
    pub member: Box<dyn Member>,
    pub committer: Arc<Mutex<Box<dyn Committer>>>,
    pub told: Arc<Told>,
    pub records: Vec<Fetched>,
    /// Of the last poll.
    pub caught_up: Vec<TopicPartition>,
}

impl TestMember {
    pub fn poll(&mut self) {
        self.poll_at_most(PLENTY);
    }

    pub fn poll_at_most(&mut self, max_bytes: usize) {
        let polled = self
            .member
            .poll(Duration::from_millis(50), max_bytes)
            .unwrap();
        let owned = self.told.owned();
        for record in &polled.records {
            let from = at(&record.topic, record.partition);
            assert!(
                owned.contains(&from),
                "a record of {from}, which isn't owned"
            );
        }
        self.records.extend(polled.records);
        self.caught_up = polled.caught_up;
    }

    /// Polls until it holds.
    pub fn poll_until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
            self.poll();
        }
    }

    pub fn poll_until_owns(&mut self, count: usize) {
        self.poll_until("owns", |member| member.told.owned().len() == count);
    }

    pub fn poll_until_read(&mut self, count: usize) {
        self.poll_until("reads", |member| member.records.len() >= count);
    }

    pub fn commit(&self, epoch: &Epoch) -> Result<(), bus::CommitError> {
        self.committer.lock().unwrap().commit(epoch)
    }

    pub fn values(&self) -> Vec<&str> {
        values(&self.records)
    }
}
