//! An open backend, whatever its kind: what `delivery` sees of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bus::TopicPartition;
use schemas::Signal;

use super::kind::Sink;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::records::output::Output;

/// A [`Sink`] of any kind. A clone is the same one.
#[derive(Clone)]
pub struct OpenBackend(Arc<dyn Prepare>);

/// A batch that was encoded for one backend, to be offered as often as it takes.
pub struct Prepared {
    offer: Box<dyn Offer>,
}

trait Prepare: Send + Sync {
    fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Prepared, String>;
    fn forget(&self, gone: &[TopicPartition]);
}

trait Offer: Send + Sync {
    fn bytes(&self) -> u64;
    fn output(&self) -> Vec<Output>;

    fn send(&self) -> Pin<Box<dyn Future<Output = Result<Accepted, Failure>> + Send + '_>>;
}

struct Shared<S>(Arc<S>);

struct Request<S: Sink> {
    sink: Arc<S>,
    signal: Signal,
    request: S::Request,
}

impl OpenBackend {
    pub fn new(sink: impl Sink) -> Self {
        Self(Arc::new(Shared(Arc::new(sink))))
    }

    /// Encodes a batch for this backend, once for all attempts.
    ///
    /// # Errors
    /// The batch's own: one of its records can't be encoded.
    pub fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Prepared, String> {
        self.0.prepare(signal, batch)
    }

    /// These partitions are another process's from now on.
    pub fn forget(&self, gone: &[TopicPartition]) {
        self.0.forget(gone);
    }
}

impl Prepared {
    /// The size on the wire, when it was offered.
    pub fn bytes(&self) -> u64 {
        self.offer.bytes()
    }

    /// When it was accepted: what the bus gets with its positions, for each record in order; empty: nothing.
    pub fn output(&self) -> Vec<Output> {
        self.offer.output()
    }

    /// Offers it once. When this returns `Ok`, the data is the backend's.
    ///
    /// # Errors
    /// The backend didn't take it, and what that means.
    pub async fn send(&self) -> Result<Accepted, Failure> {
        self.offer.send().await
    }
}

impl<S: Sink> Prepare for Shared<S> {
    fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Prepared, String> {
        let request = self.0.prepare(signal, batch)?;
        Ok(Prepared {
            offer: Box::new(Request {
                sink: self.0.clone(),
                signal,
                request,
            }),
        })
    }

    fn forget(&self, gone: &[TopicPartition]) {
        self.0.forget(gone);
    }
}

impl<S: Sink> Offer for Request<S> {
    fn bytes(&self) -> u64 {
        S::bytes(&self.request)
    }

    fn output(&self) -> Vec<Output> {
        self.sink.output(&self.request)
    }

    fn send(&self) -> Pin<Box<dyn Future<Output = Result<Accepted, Failure>> + Send + '_>> {
        Box::pin(self.sink.send(self.signal, &self.request))
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes())
    }
}
