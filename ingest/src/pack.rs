//! One pack: the items of many requests that go to one partition in one record. Pure: time comes in, records go out.

use std::time::Instant;

use bytes::Bytes;
use schemas::pack::Packer;

use crate::split::Routed;

/// An accumulating record with the requests that wait for it; `W` stands for a waiting request.
pub struct Pack<W> {
    packer: Packer,
    waiters: Vec<W>,
    /// When it must be closed; `None` while it is empty.
    due: Option<Instant>,
}

/// How large records get, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct RecordLimits {
    /// What a record should have at most; heads that are new to it may bring it a little above.
    pub wanted: usize,
    /// What the bus takes; never exceeded.
    pub hard: usize,
}

/// A record for the bus, with the requests that wait for it.
pub struct Closed<W> {
    pub value: Bytes,
    pub items: u64,
    pub waiters: Vec<W>,
}

impl<W> Default for Pack<W> {
    fn default() -> Self {
        Self {
            packer: Packer::new(),
            waiters: Vec::new(),
            due: None,
        }
    }
}

impl<W: Clone> Pack<W> {
    /// Adds items of one request; records that are full go to `closed`. Returns whether the pack has now become due at `due`.
    pub fn add<'a>(
        &mut self,
        items: impl Iterator<Item = &'a Routed<'a>>,
        waiter: &W,
        due: Instant,
        limits: RecordLimits,
        closed: &mut Vec<Closed<W>>,
    ) -> bool {
        self.packer.begin_source();
        let mut waits = false;
        let mut opened = false;
        for routed in items {
            let bytes = self.packer.bytes();
            let full = bytes + routed.item.body.len() > limits.wanted
                || bytes + routed.alone_bytes > limits.hard;
            if full && !self.packer.is_empty() {
                closed.extend(self.close());
                (waits, opened) = (false, false);
            }
            if self.due.is_none() {
                self.due = Some(due);
                opened = true;
            }
            if !waits {
                self.waiters.push(waiter.clone());
                waits = true;
            }
            self.packer.push(&routed.item);
        }
        opened
    }

    /// Takes the record if there is one.
    pub fn close(&mut self) -> Option<Closed<W>> {
        self.due.take()?;
        Some(Closed {
            items: self.packer.items() as u64,
            value: self.packer.finish(),
            waiters: std::mem::take(&mut self.waiters),
        })
    }

    /// Takes the record if it is due.
    pub fn close_due(&mut self, now: Instant) -> Option<Closed<W>> {
        self.due
            .filter(|&due| due <= now)
            .and_then(|_| self.close())
    }
}
