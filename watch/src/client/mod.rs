//! The shell: followers of API servers on one side, the bus on the other, and between them what was told already.

mod connect;
mod follow;
mod object;
mod prune;
mod state;
mod tell;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::{Bus, TopicPartition};
use runtime::{Drain, Readiness};
use schemas::Topics;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinSet;

use crate::Config;
use follow::{Follower, Message};
use state::State;
use tell::Teller;

/// What is heard and not yet written: objects.
const WAITING_MAX: usize = 1_000;
/// Entries that are written together.
const TOGETHER_MAX: usize = 1_000;
/// Each object is told once more so often.
const AGAIN_AFTER: Duration = Duration::from_secs(24 * 3600);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const RETRY_AFTER: Duration = Duration::from_secs(3);
const READ_PATIENCE: Duration = Duration::from_secs(30);

/// Watches until it is drained.
///
/// # Errors
/// The topic doesn't fit, or the bus can't go on.
pub async fn run(
    config: Config,
    bus: Arc<dyn Bus>,
    topics: Topics,
    ready: Readiness,
    drain: Drain,
) -> anyhow::Result<()> {
    let at = TopicPartition::new(topics.k8s(), 0);
    let Some(mut state) = restored(&config, &bus, &topics, &ready, &drain).await? else {
        return Ok(());
    };
    let teller = Teller::new(bus.publisher()?, at, bus.record_bytes_max());
    let (to, heard) = mpsc::channel(WAITING_MAX);
    let annotations: Arc<[_]> = config.annotations.into();
    let mut followers = JoinSet::new();
    for (number, (cluster, kind)) in state.followed().enumerate() {
        let cluster = config.clusters[cluster].clone();
        let follower = Follower {
            number,
            cluster,
            kind,
            annotations: annotations.clone(),
            to: to.clone(),
        };
        followers.spawn(follower.follow());
    }
    drop(to);
    ready.not_ready(state.trouble().unwrap_or_default());
    tokio::select! {
        () = write(&mut state, heard, &teller, &ready) => anyhow::bail!("a follower of an API server died"),
        () = drain.requested() => {}
    }
    // They end with the set.
    followers.shutdown().await;
    Ok(())
}

/// Writes what is heard, for as long as anything is.
async fn write(
    state: &mut State,
    mut heard: Receiver<Message>,
    teller: &Teller,
    ready: &Readiness,
) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut together = Vec::new();
    loop {
        let entries = tokio::select! {
            count = heard.recv_many(&mut together, TOGETHER_MAX) => {
                if count == 0 {
                    return;
                }
                let heard = together.drain(..);
                heard.flat_map(|(number, heard)| state.hear(number, heard, now_ms())).collect()
            }
            _ = look.tick() => state.look(now_ms()),
        };
        let failed = |error: &bus::Error| {
            ready.not_ready(format!("the bus doesn't take what is watched: {error}"));
            tracing::warn!(%error, "the bus doesn't take what is watched; trying again");
        };
        teller.tell(&entries, failed).await;
        ready.set(state.trouble().map_or(Ok(()), Err));
    }
}

/// The state with what others, or we, have told before; `None`: draining was requested meanwhile.
async fn restored(
    config: &Config,
    bus: &Arc<dyn Bus>,
    topics: &Topics,
    ready: &Readiness,
    drain: &Drain,
) -> anyhow::Result<Option<State>> {
    loop {
        let (config, bus, topics) = (config.clone(), bus.clone(), topics.clone());
        let read = tokio::task::spawn_blocking(move || read(&config, &*bus, &topics));
        match read.await? {
            Ok(state) => return Ok(Some(state)),
            Err(error @ (bus::Error::Unavailable(_) | bus::Error::Denied(_))) => {
                tracing::warn!(%error, "what was told of Kubernetes before can't be read; trying again");
                ready.not_ready(format!("reading what was told before: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => {}
            () = drain.requested() => return Ok(None),
        }
    }
}

fn read(config: &Config, bus: &dyn Bus, topics: &Topics) -> bus::Result<State> {
    let topic = topics.k8s();
    let retention = bus.retention(&topic)?;
    let again_after = retention.map_or(AGAIN_AFTER, |retention| AGAIN_AFTER.min(retention / 3));
    let mut state = State::new(config, again_after.as_millis() as u64, now_ms());
    let mut unread = 0;
    bus::read_topic(bus, &topic, READ_PATIENCE, |record| {
        match k8s::decode(&record.value) {
            Ok(entries) => {
                let entries = entries.iter();
                entries.for_each(|entry| state.restore(entry, record.timestamp_ms));
            }
            Err(error) => {
                unread += 1;
                tracing::debug!(offset = record.offset, %error, "a record of Kubernetes's objects can't be read");
            }
        }
        ControlFlow::Continue(())
    })?;
    if unread > 0 {
        tracing::warn!(
            records = unread,
            "records of Kubernetes's objects can't be read: a later version of Tailwater wrote them, or they are damaged"
        );
    }
    Ok(state)
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_millis() as u64
}
