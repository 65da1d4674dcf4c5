//! How many batches of a lane may be in flight.
//!
//! A batch that can't go on before others have shown whether the backend takes anything *steps aside*: one more may then be in flight,
//! or with one request at a time those others would never come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[derive(Debug)]
pub struct Slots {
    size: usize,
    taken: AtomicUsize,
    aside: AtomicUsize,
}

/// Room for one batch; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    is_aside: AtomicBool,
}

impl Slots {
    pub fn new(size: usize) -> Arc<Self> {
        Arc::new(Self {
            size,
            taken: AtomicUsize::new(0),
            aside: AtomicUsize::new(0),
        })
    }

    /// Room for one more. Called by one thread.
    pub fn take(self: &Arc<Self>) -> Option<Slot> {
        if !self.has_room() {
            return None;
        }
        self.taken.fetch_add(1, Ordering::SeqCst);
        Some(Slot {
            slots: self.clone(),
            is_aside: AtomicBool::new(false),
        })
    }

    pub fn has_room(&self) -> bool {
        self.taken.load(Ordering::SeqCst) < self.size + self.extra()
    }

    /// How many more may be in flight, since some stepped aside.
    pub fn extra(&self) -> usize {
        self.aside.load(Ordering::SeqCst).min(1)
    }

    pub fn is_any_taken(&self) -> bool {
        self.taken.load(Ordering::SeqCst) > 0
    }
}

impl Slot {
    pub fn step_aside(&self, aside: bool) {
        match (self.is_aside.swap(aside, Ordering::SeqCst), aside) {
            (false, true) => self.slots.aside.fetch_add(1, Ordering::SeqCst),
            (true, false) => self.slots.aside.fetch_sub(1, Ordering::SeqCst),
            _ => 0,
        };
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.step_aside(false);
        self.slots.taken.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_steps_aside_makes_room_for_one_more() {
        let slots = Slots::new(2);
        let (a, b) = (slots.take().unwrap(), slots.take().unwrap());
        assert!(slots.take().is_none());
        a.step_aside(true);
        b.step_aside(true);
        let c = slots.take().unwrap();
        assert!(slots.take().is_none(), "one, not one for each");
        a.step_aside(false);
        drop((a, b));
        assert!(slots.take().is_some());
        drop(c);
        assert!(!slots.is_any_taken());
    }
}
