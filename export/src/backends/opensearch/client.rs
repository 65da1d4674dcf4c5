//! Sends bulk requests, and says what their answers mean.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use metrics::counter;
use schemas::Signal;

use super::answer::{self, Verdict};
use super::bulk;
use super::config::OpenSearchConfig;
use crate::backends::kind::Sink;
use crate::names;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;
use crate::transport::message::Message;
use crate::transport::post::Poster;
use crate::transport::refusal::refusal;
use crate::transport::status;
use crate::transport::tls::TlsError;

/// So many requests in a row without one new document are no repetition any more.
const NOTHING_NEW: u32 = 16;

pub struct BulkClient {
    poster: Poster,
    config: OpenSearchConfig,
    backend: String,
    /// Requests in a row of which every document was there already.
    nothing_new: AtomicU32,
}

/// A bulk request.
pub struct BulkRequest {
    message: Message,
    documents: usize,
}

impl BulkClient {
    /// `backend` is its name, for metrics.
    ///
    /// # Errors
    /// Certificates or keys that can't be read.
    pub fn new(config: &OpenSearchConfig, backend: &str) -> Result<Self, TlsError> {
        let authorization = config.authorization.as_ref();
        Ok(Self {
            poster: Poster::new(&config.connection, "application/x-ndjson", authorization)?,
            config: config.clone(),
            backend: backend.to_owned(),
            nothing_new: AtomicU32::new(0),
        })
    }

    /// Notes documents that were there already. What to say of it.
    fn note(&self, signal: Signal, there_already: usize, documents: usize) -> String {
        if there_already > 0 {
            let labels = [
                ("backend", self.backend.clone()),
                ("signal", signal.name().to_owned()),
            ];
            counter!(names::DEDUPLICATED, &labels).increment(there_already as u64);
        }
        if there_already < documents {
            self.nothing_new.store(0, Ordering::Relaxed);
            return String::new();
        }
        let times = self.nothing_new.fetch_add(1, Ordering::Relaxed) + 1;
        if !times.is_multiple_of(NOTHING_NEW) {
            return String::new();
        }
        format!(
            "all documents of the last {times} requests were there already: if the bus was emptied, or another one has the same prefix, \
             its records have the ids of those; export to another index, or choose another bus.prefix"
        )
    }
}

impl Sink for BulkClient {
    type Request = BulkRequest;

    /// Its documents, each with the line that says what to do with it; compressed.
    fn prepare(&self, signal: Signal, batch: &Batch) -> Result<BulkRequest, String> {
        let bulk = bulk::encode(signal, batch, &self.config)?;
        Ok(BulkRequest {
            message: self.poster.encoded(bulk.body, batch.tenant())?,
            documents: bulk.documents,
        })
    }

    fn bytes(request: &BulkRequest) -> u64 {
        request.message.payload.bytes()
    }

    async fn send(&self, signal: Signal, request: &BulkRequest) -> Result<Accepted, Failure> {
        if request.documents == 0 {
            // A bulk request without documents is refused.
            return Ok(Accepted::default());
        }
        let uri = &self.config.target_of(signal).uri;
        let answer = self.poster.post(uri, &request.message).await?;
        let now = SystemTime::now();
        if !answer.head.status.is_success() {
            return Err(refusal(&answer, now, |_, body| answer::error_message(body)));
        }
        let Verdict { there_already } = answer::read(
            &answer.body,
            request.documents,
            status::retry_after(&answer.head.headers, now),
        )?;
        Ok(Accepted {
            refused: 0,
            message: self.note(signal, there_already, request.documents),
        })
    }
}
