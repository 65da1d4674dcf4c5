//! Delivers a letter after all, through the sink of the backend that refused it, and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bus::{Bus, Fetched};
use bytes::Bytes;
use schemas::Signal;

use super::letter::Letter;
use crate::backends::kind::Opening;
use crate::backends::open::OpenBackend;
use crate::config::Backend;
use crate::delivery::backoff::Backoff;
use crate::outcome::Accepted;
use crate::outcome::FailureKind;
use crate::records::batch::Batch;
use crate::records::entry::Entry;
use crate::records::output::Output;
use crate::records::parts::Parts;
use crate::routing::Sift;
use crate::transport::auth::Sources;

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
    bus: Arc<dyn Bus>,
    sink: OpenBackend,
    sift: Sift,
    io: tokio::runtime::Runtime,
}

impl Sender {
    /// # Errors
    /// The backend's sink can't be set up.
    pub fn new(backend: &Backend, bus: &Arc<dyn Bus>) -> anyhow::Result<Self> {
        let name = &backend.name;
        Ok(Self {
            backend: backend.clone(),
            bus: bus.clone(),
            sift: backend.sift.of_letters(),
            sink: backend
                .kind
                .open(&Opening {
                    backend: name,
                    group: &format!("dead-letters-{name}"),
                    bus,
                    sources: &Sources::default(),
                })
                .with_context(|| format!("backend `{name}`"))?,
            io: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("can't start a runtime")?,
        })
    }

    /// Sends one letter with this value; returns when it is accepted or refused.
    pub fn send(&self, signal: Signal, letter: &Letter, value: Bytes) -> Sent {
        let mut entry = Entry::new(Fetched {
            value,
            ..letter.original.clone()
        });
        // As it would have been offered, but for the routes: it was for this backend.
        let units = letter.units.as_deref();
        let letters = units.and_then(Parts::parse).unwrap_or_default();
        if entry.defect.is_none() {
            match self.sift.sift(signal, entry).entry {
                // Else that part would count as delivered.
                Some(Entry {
                    failed: Some(failed),
                    ..
                }) => return Sent::Refused(failed.reason),
                Some(sifted) => entry = sifted,
                None => {
                    return Sent::Refused(
                        "`filter` or `sample` of the backend leaves nothing of it".to_owned(),
                    );
                }
            }
        }
        entry.parts = letters.then(&entry.parts);
        if let Some(defect) = entry.defect {
            return Sent::Refused(defect);
        }
        let prepared = match self.sink.prepare(signal, &Batch::from_iter([entry])) {
            Ok(prepared) => prepared,
            Err(reason) => return Sent::Refused(reason),
        };
        let mut backoff = Backoff::new(self.backend.retry);
        let mut attempt = 1;
        loop {
            let failure = match self.io.block_on(prepared.send()) {
                Ok(accepted) => match self.write(prepared.output()) {
                    Ok(()) => return delivered(accepted),
                    Err(error) => return Sent::Unavailable(error.to_string()),
                },
                Err(failure) => failure,
            };
            let retry_after = match failure.kind {
                FailureKind::Split
                | FailureKind::Refused
                | FailureKind::Denied { certain: false } => {
                    return Sent::Refused(failure.reason);
                }
                FailureKind::Denied { certain: true } => return Sent::Unavailable(failure.reason),
                FailureKind::Retry { after } => after,
                FailureKind::Fault if attempt == ATTEMPTS => return Sent::Refused(failure.reason),
                FailureKind::Fault => None,
            };
            if attempt == ATTEMPTS {
                return Sent::Unavailable(failure.reason);
            }
            attempt += 1;
            let pause = backoff.next(retry_after, f64::from(fastrand::f32()));
            self.io.block_on(tokio::time::sleep(pause.min(PAUSE_MAX)));
        }
    }
}

impl Sender {
    /// Where the bus itself is the backend. There is no position to be committed with.
    fn write(&self, output: Vec<Output>) -> bus::Result<()> {
        if output.is_empty() {
            return Ok(());
        }
        let publisher = self.bus.publisher()?;
        let (tell, acks) = std::sync::mpsc::channel();
        for (to, record) in output.into_iter().flatten() {
            let tell = tell.clone();
            publisher.publish(to, record, Box::new(move |ack| drop(tell.send(ack))))?;
        }
        drop(tell);
        acks.into_iter().try_for_each(|ack| ack.map(|_| ()))
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
