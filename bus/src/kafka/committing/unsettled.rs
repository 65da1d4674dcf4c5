//! Which publishes have no answer yet: what a flush waits for. Answers come in any order, since partitions don't wait for each other.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(in crate::kafka) struct Unsettled {
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Publishes so far; each has the number of those before it.
    count: u64,
    open: BTreeSet<u64>,
}

/// One publish; settled when it is dropped.
#[derive(Debug)]
pub(in crate::kafka) struct Ticket {
    number: u64,
    of: Arc<Unsettled>,
}

impl Unsettled {
    pub fn ticket(self: &Arc<Self>) -> Ticket {
        let mut state = self.state();
        let number = state.count;
        state.count += 1;
        state.open.insert(number);
        Ticket {
            number,
            of: self.clone(),
        }
    }

    /// Waits until every publish so far is settled, whatever is published meanwhile. How many aren't, after `timeout`.
    pub fn wait(&self, timeout: Duration) -> usize {
        let state = self.state();
        let before = state.count;
        let waiting = |state: &mut State| state.open.first().is_some_and(|oldest| *oldest < before);
        let (state, _) = self
            .settled
            .wait_timeout_while(state, timeout, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        state.open.range(..before).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.of.state().open.remove(&self.number);
        self.of.settled.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_published_before_is_waited_for() {
        let unsettled = Arc::new(Unsettled::default());
        let (first, second) = (unsettled.ticket(), unsettled.ticket());
        assert_eq!(unsettled.wait(Duration::ZERO), 2);
        drop(second);
        assert_eq!(unsettled.wait(Duration::ZERO), 1);
        let waiting = {
            let unsettled = unsettled.clone();
            std::thread::spawn(move || unsettled.wait(Duration::from_secs(60)))
        };
        // It holds a lock only while it looks, so later ones come in at any time.
        let later: Vec<_> = (0..10).map(|_| unsettled.ticket()).collect();
        drop((first, later));
        assert_eq!(waiting.join().ok(), Some(0));
        assert_eq!(unsettled.wait(Duration::ZERO), 0);
    }
}
