//! The stage: memberships one after the other, each a loop of reading, transforming and committing.
//!
//! When a commit is refused because the partitions went elsewhere, everything in memory is dropped and the group joined
//! anew: the committed positions are all the state there is.

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bus::{Bus, CommitError, Committer, Error, GroupOptions, Member, TopicPartition};
use runtime::{Drain, Readiness};
use schemas::Topics;

use super::batch::{Batch, Builder};
use super::routes::Routes;
use super::session::{REVOKE_TIMEOUT, Session};
use crate::Config;

/// How often the drain signal is looked at.
const IDLE: Duration = Duration::from_millis(100);
/// How long a full batch waits for a commit before partitions are paused. Pausing throws away what a Kafka client has
/// fetched ahead; not polling for a minute costs the membership.
const PAUSE_AFTER: Duration = Duration::from_secs(5);
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Runs enrich until it is drained: blocking, so on a thread of its own. The topics must exist.
///
/// # Errors
/// What somebody has to act upon: mismatching topics, a bus that can't go on.
pub fn run(
    config: Config,
    bus: Arc<dyn Bus>,
    topics: Topics,
    instance: String,
    ready: Readiness,
    drain: Drain,
) -> anyhow::Result<()> {
    let mut retry = RETRY_FIRST;
    while !drain.is_requested() {
        let (end, commits) = membership(&config, &*bus, &topics, &instance, &ready, &drain);
        if commits > 0 {
            retry = RETRY_FIRST;
        }
        let reason = match end {
            End::Drained => break,
            End::Failed(error) => return Err(error),
            End::Again(reason) => reason,
        };
        tracing::info!(
            reason,
            wait_ms = retry.as_millis() as u64,
            "enrich joins its group anew"
        );
        ready.not_ready(format!("joining again: {reason}"));
        drain.wait(retry);
        retry = (retry * 2).min(RETRY_MAX);
    }
    Ok(())
}

/// How a membership ended.
enum End {
    Drained,
    /// The positions on the bus hold; what was in memory is gone.
    Again(String),
    Failed(anyhow::Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::Denied(_) | Error::QueueFull => {
                Self::Again(error.to_string())
            }
            Error::Fatal(_) | Error::RecordTooLarge { .. } => Self::Failed(error.into()),
        }
    }
}

impl From<CommitError> for End {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Fenced(_) => Self::Again(error.to_string()),
            CommitError::Fatal(_) => {
                Self::Failed(anyhow::Error::from(error).context("committing what enrich wrote"))
            }
        }
    }
}

/// One membership, and how many batches it has committed.
fn membership(
    config: &Config,
    bus: &dyn Bus,
    topics: &Topics,
    instance: &str,
    ready: &Readiness,
    drain: &Drain,
) -> (End, u64) {
    let routes = match Routes::new(bus, topics) {
        Ok(routes) => routes,
        Err(error) => return (unavailable(error), 0),
    };
    let group = topics.group("enrich");
    let options = GroupOptions {
        topics: routes.sources(),
        delivery: config.delivery,
        // Stages of one process must not take each other's place.
        instance: format!("{instance}-enrich"),
        revoke_timeout: REVOKE_TIMEOUT + Duration::from_secs(5),
        group,
    };
    let session = Arc::new(Session::default());
    let (mut member, committer) = match bus.join(options, session.clone()) {
        Ok(joined) => joined,
        Err(error) => return (error.into(), 0),
    };
    let builder = Builder::new(routes, config.rules.clone());
    let polled = std::thread::scope(|scope| {
        let (batches, work) = mpsc::channel();
        let committing = std::thread::Builder::new().name("enrich-commit".into());
        let session = &*session;
        let spawned =
            committing.spawn_scoped(scope, move || commit(committer, &work, session, config));
        match spawned {
            Ok(_) => poll(&mut *member, builder, &batches, session, ready, drain),
            Err(error) => Err(End::Failed(error.into())),
        }
    });
    let closed = member.close();
    let end = match (session.failure(), polled) {
        (Some(error), _) => error.into(),
        (None, Err(end)) => end,
        (None, Ok(())) => closed.map_or_else(End::from, |()| End::Drained),
    };
    (end, session.commits())
}

/// Reads and makes batches until drained or failed; what was handed over is committed by then, or refused.
fn poll(
    member: &mut dyn Member,
    mut builder: Builder,
    batches: &mpsc::Sender<Batch>,
    session: &Session,
    ready: &Readiness,
    drain: &Drain,
) -> Result<(), End> {
    let mut paused = BTreeSet::new();
    while !session.has_failed() {
        let draining = drain.is_requested();
        if let Some(records) = session.take(draining) {
            // Nobody listens any more only after a failed commit.
            let _ = batches.send(builder.build(records));
            continue;
        }
        let room = session.room();
        if draining || room == 0 {
            if draining && !session.has_pending() {
                session.wait_for_commits(Duration::MAX);
                return Ok(());
            }
            if session.wait_for_place(PAUSE_AFTER) {
                continue;
            }
            hold(member, session, &mut paused)?;
            ready.not_ready("the bus doesn't take commits");
        } else if !paused.is_empty() {
            let owned = session.owned();
            let resumed: Vec<_> = paused
                .iter()
                .filter(|at| owned.contains(at))
                .cloned()
                .collect();
            member.resume(&resumed)?;
            paused.clear();
        }
        // A paused member polls for its membership's sake; of what was just assigned, a record may come all the same.
        let polled = member.poll(session.poll_timeout(IDLE), room.max(1))?;
        session.push(polled.records);
        if paused.is_empty() {
            ready.ready();
        }
    }
    Ok(())
}

fn hold(
    member: &mut dyn Member,
    session: &Session,
    paused: &mut BTreeSet<TopicPartition>,
) -> Result<(), End> {
    let owned = session.owned();
    if *paused != owned {
        let partitions: Vec<_> = owned.iter().cloned().collect();
        member.pause(&partitions)?;
        *paused = owned;
    }
    Ok(())
}

/// The committing thread: batch after batch, and nothing after one that failed.
fn commit(
    mut committer: Box<dyn Committer>,
    batches: &mpsc::Receiver<Batch>,
    session: &Session,
    config: &Config,
) {
    // Should this thread die, the polling thread must not wait for it.
    struct Gone<'a>(&'a Session);
    impl Drop for Gone<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let died = CommitError::Fatal("the committing thread died".into());
                self.0.committed(Err(died));
            }
        }
    }
    let _gone = Gone(session);
    for batch in batches {
        if session.has_failed() {
            return;
        }
        let result = bus::commit(&mut *committer, &batch.epoch, |_| {
            batch.tally.publish(&config.rules);
        });
        let failed = result.is_err();
        session.committed(result);
        if failed {
            return;
        }
    }
}

fn unavailable(error: anyhow::Error) -> End {
    match error.downcast::<Error>() {
        Ok(error) => End::from(error),
        Err(error) => End::Failed(error),
    }
}
