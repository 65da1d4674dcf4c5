//! A bus that refuses some commits, by their number, as if the partitions had gone elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bus::{
    Bus, CommitError, Committer, Epoch, GroupOptions, Member, Publisher, Reader, Rebalance, Result,
    Timestamps, TopicSpec,
};

pub struct Refusing {
    pub bus: Arc<dyn Bus>,
    /// The numbers of the commits that are refused.
    pub refused: &'static [usize],
    /// How many there were.
    pub commits: Arc<AtomicUsize>,
}

struct RefusingCommitter {
    committer: Box<dyn Committer>,
    refused: &'static [usize],
    commits: Arc<AtomicUsize>,
}

impl Committer for RefusingCommitter {
    fn commit(&mut self, epoch: &Epoch) -> std::result::Result<(), CommitError> {
        let number = self.commits.fetch_add(1, Ordering::SeqCst);
        if self.refused.contains(&number) {
            return Err(CommitError::Fenced("for the test".into()));
        }
        self.committer.commit(epoch)
    }
}

impl Bus for Refusing {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        self.bus.ensure_topics(topics)
    }
    fn partition_count(&self, topic: &str) -> Result<u32> {
        self.bus.partition_count(topic)
    }
    fn timestamps(&self, topic: &str) -> Result<Timestamps> {
        self.bus.timestamps(topic)
    }
    fn record_bytes_max(&self) -> usize {
        self.bus.record_bytes_max()
    }
    fn publisher(&self) -> Result<Arc<dyn Publisher>> {
        self.bus.publisher()
    }
    fn reader(&self) -> Result<Box<dyn Reader>> {
        self.bus.reader()
    }
    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        let (member, committer) = self.bus.join(options, rebalance)?;
        let committer = RefusingCommitter {
            committer,
            refused: self.refused,
            commits: self.commits.clone(),
        };
        Ok((member, Box::new(committer)))
    }
    fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        self.bus.lag(group, topic)
    }
}
