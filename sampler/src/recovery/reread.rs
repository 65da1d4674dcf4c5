//! The emit cursor's second read: what has left the record cache comes from the bus once more, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Reader, Topic, TopicPartition};

use crate::partition::Partition;
use crate::record::RawRecord;

/// A second read waits at most this long for the bus before the epoch goes on without it.
const WAIT: Duration = Duration::from_millis(100);

/// What is read again for, and by whom it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The emit cursor, for what left the record cache.
    Emit,
    /// Dropped traces that late errors bring back.
    Rescue,
}

impl Purpose {
    fn missing(self, partition: &mut Partition) -> Option<Range<u64>> {
        if partition.rebuilding() {
            return None;
        }
        match self {
            Self::Emit => partition.missing(),
            Self::Rescue => partition.missing_for_rescue(),
        }
    }

    fn supply(self, partition: &mut Partition, records: Vec<RawRecord>, read_to: u64) {
        match self {
            Self::Emit => partition.supply(records, read_to),
            Self::Rescue => partition.supply_rescue(records, read_to),
        }
    }
}

/// One worker's reader, opened when it is first needed.
pub struct Reread {
    purpose: Purpose,
    bus: Arc<dyn Bus>,
    raw: Topic,
    reader: Option<Box<dyn Reader>>,
    /// The partitions being read, each with the next offset that the reader will return.
    reading: BTreeMap<u32, u64>,
}

impl Reread {
    pub fn new(purpose: Purpose, bus: Arc<dyn Bus>, raw: Topic) -> Self {
        Self {
            purpose,
            bus,
            raw,
            reader: None,
            reading: BTreeMap::new(),
        }
    }

    pub fn wanted(&self, owned: &mut BTreeMap<u32, Partition>) -> bool {
        owned
            .values_mut()
            .any(|partition| self.purpose.missing(partition).is_some())
    }

    pub fn forget(&mut self, partition: u32) {
        self.reading.remove(&partition);
    }

    /// Reads up to about `bytes_max`, if anything is wanted, and hands each partition its records. Returns the bytes read; 0 when the bus
    /// gave none.
    pub fn supply(&mut self, owned: &mut BTreeMap<u32, Partition>, bytes_max: usize) -> usize {
        if bytes_max == 0 || !self.wanted(owned) {
            return 0;
        }
        match self.try_supply(owned, bytes_max) {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::warn!(%error, topic = %self.raw, "cannot read records again; trying once more in the next epoch");
                self.reader = None;
                self.reading.clear();
                0
            }
        }
    }

    fn try_supply(
        &mut self,
        owned: &mut BTreeMap<u32, Partition>,
        bytes_max: usize,
    ) -> bus::Result<usize> {
        let wanted: BTreeMap<u32, std::ops::Range<u64>> = owned
            .iter_mut()
            .filter_map(|(number, partition)| {
                let missing = self.purpose.missing(partition)?;
                Some((*number, missing))
            })
            .collect();
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(self.bus.reader()?),
        };
        let at = |partition: u32| TopicPartition::new(self.raw.clone(), partition);
        let in_place = wanted
            .iter()
            .all(|(partition, missing)| self.reading.get(partition) == Some(&missing.start))
            && self.reading.len() == wanted.len();
        if !in_place {
            let from: Vec<(TopicPartition, u64)> = wanted
                .iter()
                .map(|(partition, missing)| (at(*partition), missing.start))
                .collect();
            reader.assign(&from)?;
            self.reading = wanted
                .iter()
                .map(|(partition, missing)| (*partition, missing.start))
                .collect();
        }
        let fetched = reader.poll(WAIT, bytes_max)?;
        let bytes = fetched.iter().map(|record| record.value.len()).sum();
        let mut records: BTreeMap<u32, Vec<RawRecord>> = BTreeMap::new();
        for record in fetched {
            // Nothing in it is anybody's span; the emit cursor wants to see it all the same.
            if self.purpose == Purpose::Rescue && record.check_version().is_err() {
                continue;
            }
            records
                .entry(record.partition)
                .or_default()
                .push(RawRecord::from(record));
        }
        let moved: BTreeSet<u32> = self.reading.keys().copied().collect();
        for partition in moved {
            let position = reader.position(&at(partition))?;
            if let Some(owned) = owned.get_mut(&partition) {
                let records = records.remove(&partition).unwrap_or_default();
                self.purpose.supply(owned, records, position);
            }
            self.reading.insert(partition, position);
        }
        Ok(bytes)
    }
}
