//! The waits between attempts: 20 ms, then twice as long each time, up to a second.
//!
//! Ours, and not `backon`'s: who waits decides by the next wait and by what all connections have seen whether there is another attempt.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

pub struct Backoff {
    next: Duration,
}

impl Backoff {
    pub fn new() -> Self {
        Self { next: FIRST }
    }

    /// How long the next wait takes.
    pub fn next_wait(&self) -> Duration {
        self.next
    }

    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST);
    }
}
