//! The drain: one per stage, given in the order in which data flows. It knows nothing of signals; `system/signals.rs` asks for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Tells a stage to stop taking input, finish what it holds, commit, and return.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    token: CancellationToken,
    /// For threads that wait.
    asked: Arc<(Mutex<()>, Condvar)>,
}

impl Drain {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn request(&self) {
        self.token.cancel();
        let (mutex, condvar) = &*self.asked;
        drop(mutex.lock().unwrap_or_else(PoisonError::into_inner));
        condvar.notify_all();
    }

    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Completes when draining is requested.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }

    /// Blocks until draining is requested, at most for so long; whether it is.
    pub fn wait(&self, timeout: Duration) -> bool {
        let (mutex, condvar) = &*self.asked;
        let guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = condvar.wait_timeout_while(guard, timeout, |()| !self.is_requested());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.is_requested()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_thread_that_waits_hears_of_it_at_once() {
        let drain = Drain::new();
        assert!(!drain.wait(Duration::from_millis(1)));
        let (other, began) = (drain.clone(), Instant::now());
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        drain.request();
        assert!(waiting.join().expect("it ends"));
        assert!(drain.wait(Duration::from_secs(60)));
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}
