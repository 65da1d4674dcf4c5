//! What is worth a line, but not a flood of them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(10);

/// Lets one through in ten seconds and counts the others.
#[derive(Debug, Default)]
pub struct Quiet {
    last: Mutex<Option<(Instant, u64)>>,
}

impl Quiet {
    /// For a `static`.
    pub const fn new() -> Self {
        Self {
            last: Mutex::new(None),
        }
    }

    /// How many were held back before this one; `None` if this one is held back too.
    pub fn admit(&self) -> Option<u64> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last.as_mut() {
            Some((at, held_back)) if at.elapsed() < EVERY => {
                *held_back += 1;
                None
            }
            other => {
                let held_back = other.map_or(0, |(_, held_back)| *held_back);
                *last = Some((Instant::now(), 0));
                Some(held_back)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_passes() {
        let quiet = Quiet::new();
        assert_eq!(quiet.admit(), Some(0));
        assert!((0..1000).all(|_| quiet.admit().is_none()));
    }
}
