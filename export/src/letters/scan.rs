//! Reads the topic of the dead letters, or the quarantine, from end to end, in bounded steps, and writes marks.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bus::{Bus, Fetched, Publisher, Scan, Topic, TopicPartition};
use bytes::Bytes;
use schemas::{Topics, headers};
use tokio::sync::oneshot;

use super::filter::Filter;
use super::letter::{Letter, LetterId};
use super::marks::{Fate, mark, marked};
use crate::records::cut::Units;
use crate::records::parts::Parts;

/// The end of the log may be held back by an open transaction, for 10 s at most.
const PATIENCE: Duration = Duration::from_secs(20);
/// Letters named by one mark.
const MARK_MAX: usize = 1000;

/// The dead letters as they are now: what comes later is not looked at.
pub struct Letters {
    bus: Arc<dyn Bus>,
    topics: Topics,
    /// Where the letters are: that of the dead letters, or the quarantine.
    topic: Topic,
    publisher: Option<Arc<dyn Publisher>>,
    /// Each partition's offsets.
    ranges: Vec<(TopicPartition, std::ops::Range<u64>)>,
    settled: HashSet<LetterId>,
}

impl Letters {
    /// Looks at all of them once, for the marks; `from_ms`: nothing older is asked for later.
    ///
    /// What they are read from.
    pub fn bus(&self) -> &Arc<dyn Bus> {
        &self.bus
    }

    /// # Errors
    /// The bus can't be read.
    pub fn open(bus: Arc<dyn Bus>, topics: &Topics, from_ms: Option<u64>) -> anyhow::Result<Self> {
        Self::open_topic(bus, topics, topics.dead_letters(), from_ms)
    }

    /// The same of what enrich keeps aside, which has the form of dead letters.
    ///
    /// # Errors
    /// The bus can't be read.
    pub fn open_quarantine(
        bus: Arc<dyn Bus>,
        topics: &Topics,
        from_ms: Option<u64>,
    ) -> anyhow::Result<Self> {
        Self::open_topic(bus, topics, topics.quarantine(), from_ms)
    }

    fn open_topic(
        bus: Arc<dyn Bus>,
        topics: &Topics,
        topic: Topic,
        from_ms: Option<u64>,
    ) -> anyhow::Result<Self> {
        let mut reader = bus.reader().context("can't read the bus")?;
        let mut ranges = Vec::new();
        for partition in 0..bus.partition_count(&topic)? {
            let at = TopicPartition::new(topic.clone(), partition);
            let mut range = reader.range(&at)?;
            if let Some(from_ms) = from_ms {
                range.start = reader
                    .offset_at(&at, from_ms)?
                    .clamp(range.start, range.end);
            }
            ranges.push((at, range));
        }
        let mut letters = Self {
            bus,
            topics: topics.clone(),
            topic,
            publisher: None,
            ranges,
            settled: HashSet::new(),
        };
        let mut settled = HashSet::new();
        letters.all()?.to_end(PATIENCE, |record| {
            let partition = record.partition;
            let ids = marked(&record).into_iter();
            settled.extend(ids.map(|offset| LetterId { partition, offset }));
            ControlFlow::Continue(())
        })?;
        letters.settled = settled;
        Ok(letters)
    }

    /// Hands on each open letter that the filter takes, oldest first in each partition, until `each` returns false.
    ///
    /// # Errors
    /// The bus can't be read, or what `each` says.
    pub fn each(
        &mut self,
        filter: &Filter,
        mut each: impl FnMut(&mut Self, Letter) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let mut unread = self.all()?;
        let mut outcome = Ok(());
        let look = |record: Fetched| {
            let Some(letter) = Letter::of(record) else {
                return ControlFlow::Continue(());
            };
            if self.settled.contains(&letter.id) || !filter.takes(&letter) {
                return ControlFlow::Continue(());
            }
            match each(self, letter) {
                Ok(true) => ControlFlow::Continue(()),
                Ok(false) => ControlFlow::Break(()),
                Err(error) => {
                    outcome = Err(error);
                    ControlFlow::Break(())
                }
            }
        };
        unread.to_end(PATIENCE, look)?;
        outcome
    }

    /// Everything in the ranges, one partition after the other.
    fn all(&self) -> anyhow::Result<Scan> {
        let mut scan = Scan::new(self.bus.reader()?).with_partitions_max(1);
        for (at, range) in &self.ranges {
            scan.add(at.clone(), range.clone());
        }
        Ok(scan)
    }

    /// The value of a letter, from where it came when the letter had no room for it; `None` when that is gone.
    ///
    /// # Errors
    /// The bus can't be read.
    pub fn value_of(&mut self, letter: &Letter) -> anyhow::Result<Option<Bytes>> {
        let original = &letter.original;
        if !original.value.is_empty() || original.topic.is_empty() {
            return Ok(Some(original.value.clone()));
        }
        let at = TopicPartition::new(original.topic.clone(), original.partition);
        let mut scan = Scan::new(self.bus.reader()?);
        let range = scan.reader().range(&at)?;
        if !range.contains(&original.offset) {
            return Ok(None);
        }
        scan.add(at, original.offset..original.offset + 1);
        let mut found = None;
        scan.to_end(PATIENCE, |record| {
            found = Some(record);
            ControlFlow::Break(())
        })?;
        let (Some(found), Some(signal)) = (found, letter.signal(&self.topics)) else {
            return Ok(None);
        };
        let Some(units) = &letter.units else {
            return Ok(Some(found.value));
        };
        let parts = Parts::parse(units)
            .with_context(|| format!("header {} is `{units}`", headers::DEAD_UNITS))?;
        let units = Units::of(signal, &found.value)?;
        Ok(Some(units.cut(&found.value, parts.ranges())))
    }

    /// Strikes letters off; returns when the bus has acknowledged it.
    ///
    /// # Errors
    /// The bus didn't take the mark: the letters are still open.
    pub fn settle(&mut self, ids: &[LetterId], fate: Fate) -> anyhow::Result<()> {
        let publisher = match &self.publisher {
            Some(publisher) => publisher.clone(),
            None => self.bus.publisher().context("can't write to the bus")?,
        };
        self.publisher = Some(publisher.clone());
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        for same in ids.chunk_by(|a, b| a.partition == b.partition) {
            for some in same.chunks(MARK_MAX) {
                let offsets: Vec<_> = some.iter().map(|id| id.offset).collect();
                let at = TopicPartition::new(self.topic.clone(), some[0].partition);
                let (acknowledge, acknowledged) = oneshot::channel();
                let ack = Box::new(move |outcome| drop(acknowledge.send(outcome)));
                publisher.publish(at, mark(&offsets, fate), ack)?;
                publisher.flush(PATIENCE)?;
                acknowledged
                    .blocking_recv()
                    .context("the bus gave no answer")??;
            }
        }
        self.settled.extend(ids);
        Ok(())
    }
}
