//! The sink: makes the objects of a batch, and puts one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use schemas::Signal;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::config::{By, Format, ObjectStoreConfig};
use super::encode;
use super::objects::{Keys, Object};
use super::store::Store;
use crate::backends::kind::Sink;
use crate::outcome::{Accepted, Failure};
use crate::records::batch::Batch;

pub struct ObjectStoreSink {
    config: ObjectStoreConfig,
    store: Store,
    #[cfg(feature = "parquet")]
    parquet: encode::parquet::Forms,
}

/// The objects of a batch.
pub struct Request {
    /// With their paths below the prefix.
    pub(super) objects: Vec<(String, Bytes)>,
    /// So many were put. To put one again would do no harm.
    done: AtomicUsize,
}

impl ObjectStoreSink {
    pub fn open(config: &ObjectStoreConfig) -> anyhow::Result<Self> {
        Ok(Self {
            store: Store::open(config)?,
            #[cfg(feature = "parquet")]
            parquet: encode::parquet::Forms::new(
                config.raw,
                config.compression == super::config::Compression::Zstd,
            )?,
            config: config.clone(),
        })
    }

    fn encode(&self, signal: Signal, batch: &Batch) -> Result<Vec<(String, Bytes)>, String> {
        let first = batch.entries.first().ok_or("an empty batch")?;
        let layout = &self.config.layout;
        let keys = Keys::new(
            layout.has_tenant(),
            self.config.by == By::Item,
            first.record.timestamp_ms,
        );
        let extension = self.config.extension();
        let named = |object: Object<'_>| {
            let path = layout.path(signal, &object.key, batch, &extension)?;
            Ok((path, object.bytes))
        };
        let objects = self.objects(signal, batch, &keys)?;
        objects.into_iter().map(named).collect()
    }

    fn objects<'a>(
        &self,
        signal: Signal,
        batch: &'a Batch,
        keys: &Keys,
    ) -> Result<Vec<Object<'a>>, String> {
        let (format, compression) = (self.config.format, self.config.compression);
        match format {
            #[cfg(feature = "parquet")]
            Format::Parquet => self.parquet.encode(signal, batch, keys),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => Err("this build has no Parquet".to_owned()),
            _ => encode::otlp::encode(signal, batch, keys, format, compression),
        }
    }
}

impl Sink for ObjectStoreSink {
    type Request = Request;

    /// A large batch takes a second: meanwhile other tasks of the thread go on elsewhere.
    fn prepare(&self, signal: Signal, batch: &Batch) -> Result<Request, String> {
        let has_threads = Handle::try_current()
            .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
        let objects = match has_threads {
            true => tokio::task::block_in_place(|| self.encode(signal, batch)),
            false => self.encode(signal, batch),
        }?;
        Ok(Request {
            objects,
            done: AtomicUsize::new(0),
        })
    }

    fn bytes(request: &Request) -> u64 {
        let bytes = request.objects.iter().map(|(_, bytes)| bytes.len() as u64);
        bytes.sum()
    }

    async fn send(&self, _: Signal, request: &Request) -> Result<Accepted, Failure> {
        let done = request.done.load(Ordering::Relaxed);
        for (path, bytes) in &request.objects[done..] {
            self.store.put(path, bytes).await?;
            request.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Accepted::default())
    }
}
