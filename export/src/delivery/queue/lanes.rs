//! All lanes of a backend: where a record goes, what is due, and which partitions are to be read.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bus::TopicPartition;
use tokio::runtime::Handle;

use crate::delivery::queue::lane::Lane;
use crate::records::entry::Entry;

pub struct Lanes {
    lanes: Vec<Lane>,
    /// Of all that waits or is in flight.
    bytes_max: Option<usize>,
    /// Where batches are delivered.
    io: Handle,
}

/// Partitions whose reading is to change.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Flow {
    pub pause: Vec<TopicPartition>,
    pub resume: Vec<TopicPartition>,
}

impl Lanes {
    /// `bytes_max` bounds all that waits or is in flight, see [`BatchLimits::waiting_bytes`](crate::records::limits::BatchLimits::waiting_bytes).
    pub fn new(lanes: Vec<Lane>, bytes_max: Option<usize>, io: Handle) -> Self {
        Self {
            lanes,
            bytes_max,
            io,
        }
    }

    pub fn push(&mut self, entry: Entry, now: Instant) {
        let (topic, partition) = (&entry.record.topic, entry.record.partition);
        let mut lanes = self.lanes.iter_mut();
        if let Some(lane) = lanes.find(|lane| lane.takes(topic, partition)) {
            lane.push(entry, now);
        }
    }

    /// The next batch of a partition may have been sent already: it is made again, up to the record at this offset.
    pub fn remake(&mut self, at: &TopicPartition, last: u64) {
        let mut lanes = self.lanes.iter_mut();
        if let Some(lane) = lanes.find(|lane| lane.takes(&at.topic, at.partition)) {
            lane.remake(at.partition, last);
        }
    }

    /// A record was read that isn't for this backend.
    pub fn skip(&mut self, at: &TopicPartition, offset: u64) {
        let mut lanes = self.lanes.iter_mut();
        if let Some(lane) = lanes.find(|lane| lane.takes(&at.topic, at.partition)) {
            lane.skip(at.partition, offset);
        }
    }

    /// Drops what waits of partitions that this process no longer owns.
    pub fn give_up(&mut self, gone: &[TopicPartition]) {
        self.lanes.iter_mut().for_each(|lane| lane.give_up(gone));
    }

    /// Sends on what is due, as far as there is room in flight; true if anything went.
    pub fn send_due(&mut self, now: Instant) -> bool {
        let mut sent = false;
        for lane in &mut self.lanes {
            sent |= lane.send_due(now, false, &self.io);
        }
        while self.make_room(now) {
            sent = true;
        }
        sent
    }

    /// Over the bound, the largest batch for which there is room in flight is sent before it is due. Where more is in flight than waits, that will end, and
    /// small batches needn't be sent for it.
    fn make_room(&mut self, now: Instant) -> bool {
        let held = sum(&self.lanes, Lane::bytes_held);
        let waits = held - sum(&self.lanes, Lane::bytes_in_flight).min(held);
        if !is_over(&self.lanes, self.bytes_max) || waits < held / 2 {
            return false;
        }
        let largest = self.lanes.iter_mut().max_by_key(|lane| lane.largest());
        let Some(lane) = largest.filter(|lane| lane.largest() > 0) else {
            return false;
        };
        lane.close_largest();
        lane.send_due(now, false, &self.io)
    }

    /// Sends on whatever waits, due or not, unless the backend takes nothing now.
    pub fn send_all(&mut self, now: Instant) {
        for lane in self.lanes.iter_mut().filter(|lane| !lane.is_failing()) {
            lane.send_due(now, true, &self.io);
        }
    }

    /// How long until a batch is due; zero when one is, and waits for room in flight. `None`: nothing waits.
    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        self.lanes.iter().filter_map(|lane| lane.due_in(now)).min()
    }

    /// Pauses lanes that are full and resumes those that no longer are: which of the owned partitions that is about.
    pub fn flow(&mut self, owned: &HashSet<TopicPartition>) -> Flow {
        let mut flow = Flow::default();
        let is_over = is_over(&self.lanes, self.bytes_max);
        for lane in &mut self.lanes {
            let is_full = is_over || lane.is_full();
            if lane.is_paused() == is_full {
                continue;
            }
            lane.set_paused(is_full);
            let own = |at: &&TopicPartition| lane.takes(&at.topic, at.partition);
            let own = owned.iter().filter(own).cloned();
            match is_full {
                true => flow.pause.extend(own),
                false => flow.resume.extend(own),
            }
        }
        flow
    }

    /// Which of these partitions belong to paused lanes.
    pub fn paused_of(&self, partitions: &[TopicPartition]) -> Vec<TopicPartition> {
        let is_paused = |at: &&TopicPartition| {
            let mut lanes = self.lanes.iter();
            lanes.any(|lane| lane.is_paused() && lane.takes(&at.topic, at.partition))
        };
        partitions.iter().filter(is_paused).cloned().collect()
    }

    /// Nothing more is read.
    pub fn pause_all(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.set_paused(true));
    }

    /// Nothing is in flight, and nothing waits that the backend would take now.
    pub fn is_done(&self) -> bool {
        let now = Instant::now();
        let waits = |lane: &Lane| !lane.is_failing() && lane.due_in(now).is_some();
        let mut lanes = self.lanes.iter();
        !lanes.any(|lane| lane.is_in_flight() || waits(lane))
    }

    /// The backend takes nothing of one of the signals now.
    pub fn is_any_failing(&self) -> bool {
        self.lanes.iter().any(Lane::is_failing)
    }

    /// Why the backend takes nothing of a signal just now.
    pub fn trouble(&self) -> Option<String> {
        self.lanes.iter().find_map(Lane::trouble)
    }
}

/// Nothing more is read until some of it is gone.
fn is_over(lanes: &[Lane], bytes_max: Option<usize>) -> bool {
    bytes_max.is_some_and(|max| sum(lanes, Lane::bytes_held) >= max)
}

fn sum(lanes: &[Lane], bytes: impl Fn(&Lane) -> usize) -> usize {
    lanes.iter().map(bytes).sum()
}
