//! The terminal. Lines are written in one go and flushed; nobody reads them twice, so nothing is kept for that.

use std::io::{ErrorKind, Write};
use std::sync::Mutex;

use schemas::Signal;

use super::lines;
use crate::backends::kind::Sink;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::transport::body::Payload;

pub struct Terminal {
    out: Mutex<Box<dyn Write + Send>>,
}

impl Terminal {
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self {
            out: Mutex::new(out),
        }
    }
}

impl Sink for Terminal {
    type Request = Payload;

    fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Payload, String> {
        lines::encode(signal, batch)
    }

    fn bytes(request: &Payload) -> u64 {
        request.bytes()
    }

    async fn send(&self, _: Signal, payload: &Payload) -> Result<Accepted, Failure> {
        let mut out = self
            .out
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut write = || {
            payload
                .chunks()
                .try_for_each(|chunk| out.write_all(chunk))?;
            out.flush()
        };
        match write() {
            Ok(()) => Ok(Accepted::default()),
            // The reader of a pipe went away (`| head`): it has seen what it wanted.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Accepted {
                refused: 0,
                message: "standard output was closed; lines are no longer shown".to_owned(),
            }),
            Err(error) => Err(Failure::retry(format!(
                "can't write to standard output: {error}"
            ))),
        }
    }
}
