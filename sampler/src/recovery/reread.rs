//! The emit cursor's second read: what has left the record cache comes from the bus once more, in order.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Scan, Topic, TopicPartition};

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
    scan: Option<Scan>,
}

impl Reread {
    pub fn new(purpose: Purpose, bus: Arc<dyn Bus>, raw: Topic) -> Self {
        Self {
            purpose,
            bus,
            raw,
            scan: None,
        }
    }

    pub fn wanted(&self, owned: &mut BTreeMap<u32, Partition>) -> bool {
        owned
            .values_mut()
            .any(|partition| self.purpose.missing(partition).is_some())
    }

    pub fn forget(&mut self, partition: u32) {
        if let Some(scan) = &mut self.scan {
            scan.forget(&TopicPartition::new(self.raw.clone(), partition));
        }
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
                self.scan = None;
                0
            }
        }
    }

    fn try_supply(
        &mut self,
        owned: &mut BTreeMap<u32, Partition>,
        bytes_max: usize,
    ) -> bus::Result<usize> {
        let at = |partition: u32| TopicPartition::new(self.raw.clone(), partition);
        let wanted = owned.iter_mut().filter_map(|(number, partition)| {
            let missing = self.purpose.missing(partition)?;
            // Its end moves on with the cursors: what is read beyond it today is wanted tomorrow.
            Some((at(*number), missing.start..u64::MAX))
        });
        let wanted: BTreeMap<TopicPartition, Range<u64>> = wanted.collect();
        let numbers: Vec<u32> = wanted.keys().map(|at| at.partition).collect();
        let scan = match &mut self.scan {
            Some(scan) => scan,
            none => none.insert(Scan::new(self.bus.reader()?)),
        };
        scan.replace(wanted);
        let fetched = scan.step(WAIT, bytes_max)?;
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
        for partition in numbers {
            if let Some(owned) = owned.get_mut(&partition)
                && let Some(left) = scan.left(&at(partition))
            {
                let records = records.remove(&partition).unwrap_or_default();
                self.purpose.supply(owned, records, left.start);
            }
        }
        Ok(bytes)
    }
}
