//! Sends requests to an OTLP endpoint, at their rate or as fast as they are taken, and reports what became of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::{Mutex, mpsc};

use crate::Request;
use crate::link::{self, Link};

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
    /// Give up when nobody has been reached at the endpoint after this long.
    pub connect_for: Duration,
    /// Give up on a request after this long of retries.
    pub retry_for: Duration,
}

/// What is worth telling while sending goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many items are accepted by now.
    Accepted(u64),
    /// The endpoint takes nothing, for this reason; said once, until it takes something again.
    Away(String),
    /// It takes something again.
    Back,
    /// It refused a request for good: so many items, and its reason.
    Refused(u64, String),
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
    /// The endpoint answered something, at some time.
    pub(crate) answered: AtomicBool,
    /// It was said that it takes nothing.
    away: AtomicBool,
}

/// What all connections share.
pub(crate) struct Sending {
    pub(crate) options: SendOptions,
    pub(crate) counts: Counts,
    pub(crate) started: Instant,
    tell: Box<dyn Fn(Event) + Send + Sync>,
}

impl Sending {
    pub(crate) fn tell(&self, event: Event) {
        (self.tell)(event);
    }

    pub(crate) fn away(&self, reason: &str) {
        if !self.counts.away.swap(true, Ordering::Relaxed) {
            self.tell(Event::Away(reason.to_owned()));
        }
    }

    fn accepted(&self) {
        if self.counts.away.swap(false, Ordering::Relaxed) {
            self.tell(Event::Back);
        }
        self.tell(Event::Accepted(
            self.counts.accepted.load(Ordering::Relaxed),
        ));
    }
}

/// Sends all requests; returns when the last was answered. `progress` hears how it goes.
///
/// # Errors
/// The endpoint can't be parsed, nobody listens there, or it doesn't take a request for as long as that is retried.
pub async fn send(
    requests: impl Iterator<Item = Request> + Send + 'static,
    options: SendOptions,
    progress: impl Fn(Event) + Send + Sync + 'static,
) -> anyhow::Result<Report> {
    link::reach(&options).await?;
    let (sender, receiver) = mpsc::channel::<Request>(options.connections * 2);
    let receiver = Arc::new(Mutex::new(receiver));
    let sending = Arc::new(Sending {
        options,
        counts: Counts::default(),
        started: Instant::now(),
        tell: Box::new(progress),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..sending.options.connections.max(1) {
        let mut link = Link::open(&sending.options)?;
        let (receiver, sending) = (receiver.clone(), sending.clone());
        tasks.spawn(async move {
            loop {
                let Some(request) = receiver.lock().await.recv().await else {
                    return anyhow::Ok(());
                };
                link.deliver(&request, &sending).await?;
                sending.accepted();
            }
        });
    }
    drop(receiver);
    let (paced, started) = (sending.options.paced, sending.started);
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
        requests: load(&sending.counts.requests),
        accepted_items: load(&sending.counts.accepted),
        rejected_items: load(&sending.counts.rejected),
        failed_items: load(&sending.counts.failed),
        retries: load(&sending.counts.retries),
        bytes: load(&sending.counts.bytes),
        seconds,
        items_per_second: load(&sending.counts.accepted) as f64 / seconds,
    })
}
