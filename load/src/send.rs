//! Sends requests to an OTLP endpoint, at their rate or as fast as they are taken, and reports what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::{Mutex, mpsc};

use crate::Request;
use crate::link::Link;

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

#[derive(Clone, Debug)]
pub struct SendOptions {
    /// `http://host:port`.
    pub endpoint: String,
    pub protocol: Protocol,
    pub compression: Compression,
    pub connections: usize,
    /// Follow the requests' due times; otherwise as fast as they are taken.
    pub paced: bool,
    /// Give up on a request after this long of retries.
    pub retry_for: Duration,
}

/// What became of what was sent.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub requests: u64,
    /// Items that the endpoint answered success for.
    pub accepted_items: u64,
    /// Items refused by `partial_success`.
    pub rejected_items: u64,
    /// Items of requests that failed for good.
    pub failed_items: u64,
    pub retries: u64,
    pub bytes: u64,
    pub seconds: f64,
    pub items_per_second: f64,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// Sends all requests; returns when the last was answered. `progress` hears of accepted items so far.
///
/// # Errors
/// The endpoint can't be parsed or never answers.
pub async fn send(
    requests: impl Iterator<Item = Request> + Send + 'static,
    options: SendOptions,
    progress: impl Fn(u64) + Send + Sync + 'static,
) -> anyhow::Result<Report> {
    let (sender, receiver) = mpsc::channel::<Request>(options.connections * 2);
    let receiver = Arc::new(Mutex::new(receiver));
    let counts = Arc::new(Counts::default());
    let progress = Arc::new(progress);
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..options.connections.max(1) {
        let mut link = Link::open(&options)?;
        let (receiver, counts, progress, options) = (
            receiver.clone(),
            counts.clone(),
            progress.clone(),
            options.clone(),
        );
        tasks.spawn(async move {
            loop {
                let Some(request) = receiver.lock().await.recv().await else {
                    return anyhow::Ok(());
                };
                link.deliver(&request, &options, &counts).await?;
                progress(counts.accepted.load(Ordering::Relaxed));
            }
        });
    }
    drop(receiver);
    let paced = options.paced;
    let feed = tokio::task::spawn_blocking(move || {
        for request in requests {
            if paced {
                std::thread::sleep(request.due.saturating_sub(started.elapsed()));
            }
            if sender.blocking_send(request).is_err() {
                return;
            }
        }
    });
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    feed.await?;
    let seconds = started.elapsed().as_secs_f64();
    let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
    Ok(Report {
        requests: load(&counts.requests),
        accepted_items: load(&counts.accepted),
        rejected_items: load(&counts.rejected),
        failed_items: load(&counts.failed),
        retries: load(&counts.retries),
        bytes: load(&counts.bytes),
        seconds,
        items_per_second: load(&counts.accepted) as f64 / seconds,
    })
}
