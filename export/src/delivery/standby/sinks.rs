//! A backend's own sink and its standbys': which one gets a request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bus::TopicPartition;
use metrics::{Gauge, gauge};
use schemas::Signal;

use crate::backends::open::{OpenBackend, Prepared};
use crate::config::FailoverTimes;
use crate::delivery::standby::failover::{Failover, Fared};
use crate::names;
use crate::records::batch::Batch;

/// The sinks of one signal of a backend.
pub struct Sinks {
    backend: Arc<str>,
    signal: Signal,
    /// With their names; the first is the backend's own.
    sinks: Vec<(Arc<str>, OpenBackend)>,
    failover: Mutex<Failover>,
    shown_level: Gauge,
}

/// A request that was made ready for one of the sinks.
#[derive(Debug)]
pub struct Ready {
    sink: usize,
    pub prepared: Prepared,
}

impl Sinks {
    pub fn new(signal: Signal, sinks: Vec<(Arc<str>, OpenBackend)>, times: FailoverTimes) -> Self {
        let backend = sinks
            .first()
            .map_or_else(|| "".into(), |(name, _)| name.clone());
        let labels = [
            ("backend", backend.to_string()),
            ("signal", signal.name().to_owned()),
        ];
        let shown_level = gauge!(names::FAILOVER_LEVEL, &labels);
        shown_level.set(0.0);
        Self {
            backend,
            signal,
            failover: Mutex::new(Failover::new(sinks.len(), times)),
            sinks,
            shown_level,
        }
    }

    /// Makes a request ready for the sink whose turn it is; one that is ready for it already stays as it is.
    ///
    /// # Errors
    /// The batch's own: one of its records can't be encoded.
    pub fn ready(&self, batch: &Batch, before: Option<Ready>) -> Result<Ready, String> {
        let sink = self.failover().choose(Instant::now());
        if let Some(before) = before.filter(|before| before.sink == sink) {
            return Ok(before);
        }
        match self.sinks[sink].1.prepare(self.signal, batch) {
            Ok(prepared) => Ok(Ready { sink, prepared }),
            Err(reason) => {
                self.failover().given_up(sink);
                Err(reason)
            }
        }
    }

    /// These partitions are another process's from now on.
    pub fn forget(&self, gone: &[TopicPartition]) {
        self.sinks.iter().for_each(|(_, sink)| sink.forget(gone));
    }

    /// The request is a probe of the first sink while a standby is in use.
    pub fn is_probe(&self, ready: &Ready) -> bool {
        ready.sink == 0 && self.failover().level() > 0
    }

    /// What came of a request. True: another sink is in use now.
    pub fn fared(&self, ready: &Ready, fared: Fared) -> bool {
        let mut failover = self.failover();
        if !failover.fared(ready.sink, fared, Instant::now()) {
            return false;
        }
        let level = failover.level();
        drop(failover);
        self.shown_level.set(level as f64);
        let (backend, signal, to) = (&*self.backend, self.signal.name(), &*self.sinks[level].0);
        match level {
            0 => tracing::info!(
                backend,
                signal,
                "the backend is back; its standby is no longer used"
            ),
            _ => tracing::warn!(
                backend,
                signal,
                to,
                "a standby is used in the backend's place"
            ),
        }
        true
    }

    fn failover(&self) -> MutexGuard<'_, Failover> {
        self.failover.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
