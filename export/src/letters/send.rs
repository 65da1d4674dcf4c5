//! Delivers a letter after all, through the sink of the backend that refused it, and nowhere else.

use std::time::Duration;

use anyhow::Context;
use bus::Fetched;
use bytes::Bytes;
use schemas::Signal;

use super::Letter;
use crate::config::Backend;
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::retry::{Backoff, Verdict};
use crate::sink::{Accepted, Sink};

/// Attempts before it is said that the backend takes nothing now.
const ATTEMPTS: usize = 5;

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Accepted; with what `partial_success` said, if anything.
    Delivered { message: String },
    /// Refused again.
    Refused(String),
    /// The backend takes nothing now: no use in trying others.
    Unavailable(String),
}

pub struct Sender {
    backend: Backend,
    sink: Sink,
    io: tokio::runtime::Runtime,
}

impl Sender {
    /// # Errors
    /// The backend's sink can't be set up.
    pub fn new(backend: &Backend) -> anyhow::Result<Self> {
        let name = &backend.name;
        Ok(Self {
            backend: backend.clone(),
            sink: Sink::new(&backend.kind).with_context(|| format!("backend `{name}`"))?,
            io: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("can't start a runtime")?,
        })
    }

    /// Sends one letter with this value; returns when it is accepted or refused.
    pub fn send(&self, signal: Signal, letter: &Letter, value: Bytes) -> Sent {
        let entry = Entry::new(Fetched {
            value,
            ..letter.original.clone()
        });
        if let Some(defect) = entry.defect {
            return Sent::Refused(defect);
        }
        let payload = match self.sink.prepare(signal, &Batch::from_iter([entry])) {
            Ok(payload) => payload,
            Err(reason) => return Sent::Refused(reason),
        };
        let mut backoff = Backoff::new(self.backend.retry);
        let mut attempt = 1;
        loop {
            let failure = match self.io.block_on(self.sink.send(signal, &payload)) {
                Ok(accepted) => return delivered(accepted),
                Err(failure) => failure,
            };
            let asked = match failure.verdict {
                Verdict::Split | Verdict::Denied { certain: false } => {
                    return Sent::Refused(failure.reason);
                }
                Verdict::Denied { certain: true } => return Sent::Unavailable(failure.reason),
                Verdict::Retry { after } => after,
                Verdict::Fault if attempt == ATTEMPTS => return Sent::Refused(failure.reason),
                Verdict::Fault => None,
            };
            if attempt == ATTEMPTS {
                return Sent::Unavailable(failure.reason);
            }
            attempt += 1;
            let pause = backoff.next(asked, f64::from(fastrand::f32()));
            self.io.block_on(tokio::time::sleep(pause.min(PAUSE_MAX)));
        }
    }
}

/// Somebody waits at a terminal.
const PAUSE_MAX: Duration = Duration::from_secs(60);

fn delivered(accepted: Accepted) -> Sent {
    let message = match accepted.refused {
        0 => accepted.message,
        some => format!("{some} items were not taken: {}", accepted.message),
    };
    Sent::Delivered { message }
}
