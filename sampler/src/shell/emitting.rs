//! The emit cursors of one worker's partitions in one epoch: within one budget for all of them, and reading again from the bus what has left
//! the caches.
//!
//! Every partition gets the same part of the budget at first, then those that could use more of what is left. A partition that the budget
//! didn't reach is the first in the next epoch. Reading again waits until everything in the caches that may go out is out; where that fills
//! every budget, it comes first in every second epoch. What was read again and is not out yet is bounded by the same number of bytes, however
//! many partitions there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Bus, Topic};

use crate::epoch::part::Part;
use crate::partition::Partition;
use crate::recovery::reread::{Purpose, Reread};

type Owned = BTreeMap<u32, Partition>;

/// The emit cursors of one worker's partitions, within one budget.
pub struct Emitting {
    /// Output of one epoch, and what is read again in it. The last record may pass it.
    bytes_max: usize,
    /// The partition that begins.
    first: u32,
    /// The last epoch ended before anything was read again.
    reading_waits: bool,
    for_rescues: Reread,
    for_cursors: Reread,
}

impl Emitting {
    pub fn new(bytes_max: usize, bus: &Arc<dyn Bus>, raw: &Topic) -> Self {
        let reader = |purpose| Reread::new(purpose, bus.clone(), raw.clone());
        Self {
            bytes_max,
            first: 0,
            reading_waits: false,
            for_rescues: reader(Purpose::Rescue),
            for_cursors: reader(Purpose::Emit),
        }
    }

    pub fn forget(&mut self, partition: u32) {
        self.for_rescues.forget(partition);
        self.for_cursors.forget(partition);
    }

    /// One epoch's.
    pub fn emit(&mut self, owned: &mut Owned, part: &mut Part) {
        let mut unread = self.bytes_max;
        if self.reading_waits {
            let read = self.read(owned, unread.div_ceil(2));
            part.reread_bytes += read as u64;
            unread = unread.saturating_sub(read);
        }
        let came_first = std::mem::take(&mut self.reading_waits);
        let mut left = self.pass(owned, self.bytes_max);
        while left > 0 && unread > 0 {
            let read = self.read(owned, left.min(unread));
            if read == 0 {
                break;
            }
            part.reread_bytes += read as u64;
            unread = unread.saturating_sub(read);
            left = self.pass(owned, left);
        }
        let wanted = self.for_rescues.wanted(owned) || self.for_cursors.wanted(owned);
        self.reading_waits = wanted && left == 0 && !came_first;
        part.backlog = wanted || left == 0;
    }

    /// Reads again; the bytes that came.
    fn read(&mut self, owned: &mut Owned, room: usize) -> usize {
        // Half of it at most, so that neither waits for the other.
        let for_rescues = self.for_rescues.supply(owned, room.div_ceil(2));
        let beyond: usize = owned.values().map(Partition::bytes_beyond_cache).sum();
        let room = (room.saturating_sub(for_rescues)).min(self.bytes_max.saturating_sub(beyond));
        for_rescues + self.for_cursors.supply(owned, room)
    }

    /// Moves the cursors within a budget; what is left of it.
    fn pass(&mut self, owned: &mut Owned, budget: usize) -> usize {
        let mut left = budget;
        let numbers: Vec<u32> = (owned.range(self.first..))
            .chain(owned.range(..self.first))
            .map(|(number, _)| *number)
            .collect();
        for even in [true, false] {
            for (at, number) in numbers.iter().enumerate() {
                if left == 0 {
                    self.first = *number;
                    return 0;
                }
                let part = match even {
                    true => left.div_ceil(numbers.len() - at),
                    false => left,
                };
                if let Some(partition) = owned.get_mut(number) {
                    left = left.saturating_sub(partition.emit(part));
                }
            }
        }
        left
    }
}
