//! The sink: learns what tables there are, makes rows of a batch for them, and inserts those.
//!
//! A batch is encoded when it is sent for the first time, since the columns of the tables have to be known for that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemas::Signal;

use super::answer::Refusal;
use super::client::Client;
use super::config::ClickhouseConfig;
use super::encode::{EncodeError, Encoded, encode};
use super::partly::{Partly, Taken};
use super::schema::ddl;
use super::schema::known::{Known, Tables};
use super::schema::plan::{Plan, describe};
use super::schema::tables::TableId;
use super::token::token;
use crate::backends::kind::Sink;
use crate::outcome::{Accepted, Failure, FailureKind};
use crate::records::batch::{Batch, BatchRange};
use crate::transport::tls::TlsError;

pub struct Clickhouse {
    config: ClickhouseConfig,
    client: Client,
    group: String,
    known: Known,
    partly: Partly,
}

/// A batch, and what became of it so far.
pub struct Request {
    batch: Batch,
    range: Option<BatchRange>,
    /// `None`: it can't be recognized.
    token: Option<String>,
    encoded: Mutex<Option<ForTables>>,
    /// Of the rows, compressed.
    bytes: AtomicU64,
    taken: Mutex<Taken>,
}

/// The rows of a batch, as they are for these tables.
#[derive(Clone)]
struct ForTables {
    tables: Arc<Tables>,
    rows: Arc<[Encoded]>,
}

impl Clickhouse {
    /// `group` tells batches of this backend from those of others with the same tables.
    ///
    /// # Errors
    /// Certificates or keys that can't be read.
    pub fn new(config: &ClickhouseConfig, group: &str) -> Result<Self, TlsError> {
        Ok(Self {
            client: Client::new(config)?,
            config: config.clone(),
            group: group.to_owned(),
            known: Known::default(),
            partly: Partly::default(),
        })
    }

    /// Creates what is missing, if we may, and asks what there is.
    async fn look(&self, signal: Signal) -> Result<Tables, Failure> {
        let looked = self.look_at(TableId::of(signal)).await;
        looked.map_err(|refusal| refusal.failure)
    }

    async fn look_at(&self, tables: &[TableId]) -> Result<Tables, Refusal> {
        let layout = &self.config.layout;
        if self.config.create_schema {
            let version = self.client.query("SELECT version()").await?;
            let version = String::from_utf8_lossy(&version);
            let statements = tables
                .iter()
                .flat_map(|table| ddl::create(layout, *table, version.trim()));
            for statement in ddl::create_database(layout).into_iter().chain(statements) {
                self.client.query(&statement).await?;
            }
        }
        let mut found = Vec::new();
        for table in tables {
            let description = self.client.query(&describe(layout, *table)).await;
            found.push(match description {
                Ok(description) => Plan::new(layout, *table, &description),
                // There is none; others of the signal may do.
                Err(refusal) if refusal.about_tables => Err(refusal.failure.reason),
                Err(refusal) => return Err(refusal),
            });
        }
        Ok(Tables(found))
    }

    /// The rows for these tables, encoded once.
    async fn rows(
        &self,
        signal: Signal,
        request: &Request,
        tables: &Arc<Tables>,
    ) -> Result<Arc<[Encoded]>, Failure> {
        if let Some(encoded) = request.encoded_for(tables) {
            return Ok(encoded);
        }
        let encoded = encode(signal, &request.batch, tables, self.config.compression);
        let failure = |kind, reason| Err(Failure { kind, reason });
        match encoded {
            Ok(rows) => Ok(request.remember(tables, rows)),
            Err(EncodeError::Record(reason)) => failure(FailureKind::Split, reason),
            Err(EncodeError::Compression(reason)) => Err(Failure::retry(reason)),
            Err(EncodeError::Table(reason)) => {
                // Somebody may mend it: the next attempt looks anew.
                self.known.forget(signal, tables).await;
                failure(FailureKind::Denied { certain: true }, reason)
            }
        }
    }

    /// Inserts what wasn't taken yet.
    async fn insert(
        &self,
        signal: Signal,
        request: &Request,
        tables: &Arc<Tables>,
    ) -> Result<(), Refusal> {
        let all = self.rows(signal, request, tables).await?;
        let taken = request.taken();
        for rows in all.iter().filter(|rows| !taken[rows.table]) {
            let Some(Ok(plan)) = tables.0.get(rows.table) else {
                continue;
            };
            let name = TableId::of(signal)[rows.table].name(&self.config.layout);
            let token = request.token.as_ref().map(|token| match signal {
                // A batch of metrics has rows for several tables, which a view may bring together.
                Signal::Metrics => format!("{token}/{name}"),
                Signal::Traces | Signal::Logs => token.clone(),
            });
            let payload = rows.payload.clone();
            (self.client.insert(&plan.insert, token.as_deref(), payload)).await?;
            request.took(rows.table);
        }
        Ok(())
    }
}

impl Request {
    fn taken(&self) -> Taken {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn took(&self, table: usize) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)[table] = true;
    }

    fn encoded_for(&self, tables: &Arc<Tables>) -> Option<Arc<[Encoded]>> {
        let encoded = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        let encoded = encoded.as_ref()?;
        Arc::ptr_eq(&encoded.tables, tables).then(|| encoded.rows.clone())
    }

    fn remember(&self, tables: &Arc<Tables>, rows: Vec<Encoded>) -> Arc<[Encoded]> {
        let bytes = rows.iter().map(|rows| rows.payload.bytes()).sum();
        self.bytes.store(bytes, Ordering::Relaxed);
        let rows: Arc<[Encoded]> = rows.into();
        let mut encoded = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        *encoded = Some(ForTables {
            tables: tables.clone(),
            rows: rows.clone(),
        });
        rows
    }
}

impl Sink for Clickhouse {
    type Request = Request;

    fn prepare(&self, _: Signal, batch: &Batch) -> Result<Request, String> {
        let range = batch.range();
        let taken = range.as_ref().map(|range| self.partly.taken(range));
        Ok(Request {
            token: token(&self.group, batch),
            range,
            // The records' bytes are shared.
            batch: batch.clone(),
            encoded: Mutex::new(None),
            bytes: AtomicU64::new(0),
            taken: Mutex::new(taken.unwrap_or_default()),
        })
    }

    fn bytes(request: &Request) -> u64 {
        request.bytes.load(Ordering::Relaxed)
    }

    async fn send(&self, signal: Signal, request: &Request) -> Result<Accepted, Failure> {
        let sent = self.send_known(signal, request).await;
        if let (Err(_), Some(range)) = (&sent, &request.range) {
            self.partly.note(range, request.taken());
        }
        sent.map(|()| Accepted::default())
    }
}

impl Clickhouse {
    async fn send_known(&self, signal: Signal, request: &Request) -> Result<(), Failure> {
        let tables = self.known.get(signal, || self.look(signal)).await?;
        let refusal = match self.insert(signal, request, &tables).await {
            Ok(()) => return Ok(()),
            Err(refusal) => refusal,
        };
        if !refusal.about_tables {
            return Err(refusal.failure);
        }
        // Somebody may have changed the table: what is known of it is asked anew, and if it was wrong, that was the reason.
        self.known.forget(signal, &tables).await;
        let now = self.known.get(signal, || self.look(signal)).await?;
        if now == tables {
            return Err(refusal.failure);
        }
        let inserted = self.insert(signal, request, &now).await;
        inserted.map_err(|refusal| refusal.failure)
    }
}
