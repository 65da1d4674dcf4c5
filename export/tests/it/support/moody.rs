//! A bus whose readers can't be had for a while, as when its leader moves. Everything else is the real bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bus::{
    Bus, Committer, Error, GroupOptions, Member, Publisher, Reader, Rebalance, Result, Timestamps,
    TopicSpec,
};

pub struct Moody {
    pub bus: Arc<dyn Bus>,
    /// So many times it can't be asked.
    pub refusals: AtomicU32,
}

impl Bus for Moody {
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
        let less = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        match self.refusals.fetch_update(order, order, less) {
            Ok(_) => Err(Error::Unavailable("its leader moves".to_owned())),
            Err(_) => self.bus.reader(),
        }
    }

    fn join(
        &self,
        options: GroupOptions,
        rebalance: Arc<dyn Rebalance>,
    ) -> Result<(Box<dyn Member>, Box<dyn Committer>)> {
        self.bus.join(options, rebalance)
    }

    fn lag(&self, group: &str, topic: &str) -> Result<u64> {
        self.bus.lag(group, topic)
    }
}
