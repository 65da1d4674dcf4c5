//! What a person hears while traffic is sent: progress, and at once when nothing is taken.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use load::Event;

const PROGRESS_EVERY: Duration = Duration::from_secs(2);

pub struct Progress {
    endpoint: String,
    retry_for: Duration,
    last: Mutex<Last>,
}

struct Last {
    accepted: u64,
    shown_at: Instant,
}

impl Progress {
    pub fn new(endpoint: String, retry_for: Duration) -> Self {
        Self {
            endpoint,
            retry_for,
            last: Mutex::new(Last {
                accepted: 0,
                shown_at: Instant::now(),
            }),
        }
    }

    pub fn show(&self, event: Event) {
        let endpoint = &self.endpoint;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Accepted(accepted) => {
                last.accepted = accepted;
                if last.shown_at.elapsed() > PROGRESS_EVERY {
                    last.shown_at = Instant::now();
                    errln!("{accepted} items accepted");
                }
            }
            Event::Away(reason) => {
                let seconds = self.retry_for.as_secs();
                errln!(
                    "{endpoint} takes nothing: {reason}; trying again for {seconds} s ({} items accepted so far)",
                    last.accepted
                );
            }
            Event::Back => errln!("{endpoint} takes requests again"),
            Event::Refused(items, reason) => {
                errln!("{endpoint} refused a request of {items} items: {reason}");
            }
        }
    }
}
