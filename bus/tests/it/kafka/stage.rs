//! The smallest stage: copies what it reads, an epoch at a time, with no state but what the bus gives back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{
    CommitError, Committer, Delivery, Epoch, GroupOptions, Member, Position, Record, Topic,
    TopicPartition,
};

use crate::fixture::{Fixture, Told};

pub struct Stage {
    member: Box<dyn Member>,
    committer: Box<dyn Committer>,
    told: Arc<Told>,
    output: Topic,
    /// Committed next offsets, by partition.
    done: BTreeMap<u32, u64>,
}

impl Stage {
    pub fn join(
        fixture: &Fixture,
        input: &Topic,
        output: &Topic,
        delivery: Delivery,
        instance: &str,
    ) -> Self {
        let options = GroupOptions {
            group: fixture.group(),
            topics: vec![input.clone()],
            delivery,
            instance: instance.to_owned(),
            revoke_timeout: Duration::from_secs(5),
        };
        let told = Arc::new(Told::default());
        let (member, committer) = fixture.bus.join(options, told.clone()).unwrap();
        Self {
            member,
            committer,
            told,
            output: output.clone(),
            done: BTreeMap::new(),
        }
    }

    /// Copies records of 0 to 7 bytes in small epochs until `offset` is committed on all partitions.
    pub fn copy_until(&mut self, offset: u64) {
        let deadline = Instant::now() + Duration::from_secs(150);
        while self.done.len() < 2 || self.done.values().any(|done| *done < offset) {
            assert!(
                Instant::now() < deadline,
                "stands at {:?}, owns {:?}",
                self.done,
                self.told.owned()
            );
            let polled = self.member.poll(Duration::from_millis(100), 20).unwrap();
            if polled.records.is_empty() {
                continue;
            }
            let mut epoch = Epoch::default();
            let mut next: BTreeMap<TopicPartition, u64> = BTreeMap::new();
            for record in polled.records {
                let to = TopicPartition {
                    topic: self.output.clone(),
                    partition: record.partition,
                };
                epoch.records.push((
                    to,
                    Record {
                        headers: vec![],
                        value: record.value,
                    },
                ));
                let from = TopicPartition {
                    topic: record.topic,
                    partition: record.partition,
                };
                next.insert(from, record.offset + 1);
            }
            let positions = next.into_iter().map(|(at, offset)| Position {
                at,
                offset,
                metadata: format!("v1 {offset}"),
            });
            epoch.positions = positions.collect();
            match self.committer.commit(&epoch) {
                Ok(()) => self
                    .done
                    .extend(epoch.positions.iter().map(|p| (p.at.partition, p.offset))),
                // Partitions come again, with what was committed.
                Err(CommitError::Fenced(why)) => println!("fenced: {why}"),
                Err(CommitError::Fatal(why)) => panic!("{why}"),
            }
        }
    }
}
