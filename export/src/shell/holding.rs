//! Partitions that wait until a quota has room: they are paused, and read again from the record that was over it.

use std::collections::HashMap;

use bus::TopicPartition;
use metrics::{Gauge, gauge};

use crate::names;

pub struct Holding {
    held: HashMap<TopicPartition, Held>,
    shown: Gauge,
}

#[derive(Clone, Copy)]
struct Held {
    /// Of the first record that waits.
    offset: u64,
    /// Milliseconds since 1970.
    until_ms: u64,
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.shown.set(0.0);
    }
}

impl Holding {
    pub fn new(backend: &str) -> Self {
        let holding = Self {
            held: HashMap::new(),
            shown: gauge!(names::QUOTA_HELD, "backend" => backend.to_owned()),
        };
        holding.show();
        holding
    }

    /// What is read of it now is read again later.
    pub fn holds(&self, at: &TopicPartition) -> bool {
        !self.held.is_empty() && self.held.contains_key(at)
    }

    /// From this record on, a partition waits until this time.
    pub fn hold(&mut self, at: TopicPartition, offset: u64, until_ms: u64) {
        self.held.insert(at, Held { offset, until_ms });
        self.show();
    }

    pub fn give_up(&mut self, at: &TopicPartition) {
        self.held.remove(at);
        self.show();
    }

    /// Those whose time has come, or all, and where they are read from.
    pub fn release(&mut self, now_ms: u64, all: bool) -> Vec<(TopicPartition, u64)> {
        if self.held.is_empty() {
            return Vec::new();
        }
        let due = |held: &Held| all || held.until_ms <= now_ms;
        let due = self.held.iter().filter(|(_, held)| due(held));
        let due: Vec<_> = due.map(|(at, held)| (at.clone(), held.offset)).collect();
        for (at, _) in &due {
            self.held.remove(at);
        }
        self.show();
        due
    }

    fn show(&self) {
        self.shown.set(self.held.len() as f64);
    }
}
