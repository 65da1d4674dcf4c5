//! All requests over all connections, at their rate or as fast as they are taken.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

use super::link::Link;
use super::options::SendOptions;
use super::progress::{Event, Progress, Report};
use super::reach::reach;
use crate::traffic::Request;

/// Sends all requests; returns when the last was answered. `progress` hears how it goes.
///
/// # Errors
/// The endpoint can't be parsed, nobody listens there, or it doesn't take a request for as long as that is retried.
pub async fn send(
    requests: impl Iterator<Item = Request> + Send + 'static,
    options: SendOptions,
    progress: impl Fn(Event) + Send + Sync + 'static,
) -> anyhow::Result<Report> {
    reach(&options).await?;
    let (sender, receiver) = mpsc::channel::<Request>(options.connections * 2);
    let receiver = Arc::new(Mutex::new(receiver));
    let progress = Arc::new(Progress::new(progress));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..options.connections.max(1) {
        let mut link = Link::open(options.clone(), progress.clone())?;
        let (receiver, progress) = (receiver.clone(), progress.clone());
        tasks.spawn(async move {
            loop {
                let Some(request) = receiver.lock().await.recv().await else {
                    return anyhow::Ok(());
                };
                link.deliver(&request).await?;
                progress.settled();
            }
        });
    }
    drop(receiver);
    let (paced, started) = (options.paced, progress.started());
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
    Ok(progress.report())
}
