//! The stage: memberships one after the other, each a loop of reading, transforming and committing.
//!
//! When a commit is refused because the partitions went elsewhere, everything in memory is dropped and the group joined
//! anew: the committed positions are all the state there is.

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bus::fault::Step;
use bus::{Bus, CommitError, Committer, GroupOptions, Member, TopicPartition};
use runtime::{Drain, Readiness};
use schemas::Topics;
use stage::{End, memberships};

use super::batch::{Batch, Builder};
use super::reload::Reload;
use super::routes::Routes;
use super::session::{REVOKE_TIMEOUT, Session};
use super::tables;
use crate::Config;
use crate::pods::Follower;

/// How often the drain signal is looked at.
const IDLE: Duration = Duration::from_millis(100);
/// How long a full batch waits for a commit before partitions are paused. Pausing throws away what a Kafka client has
/// fetched ahead; not polling for a minute costs the membership.
const PAUSE_AFTER: Duration = Duration::from_secs(5);

/// On which topics enrich works, and under which name.
#[derive(Clone, Debug)]
pub struct Setting {
    topics: Topics,
    plain_topics: Topics,
    instance: String,
}

impl Setting {
    /// What is known of Kubernetes lies under `plain_topics`: `topics`, unless those are of a retention class. `instance` is the process's own name.
    pub fn new(topics: Topics, plain_topics: Topics, instance: String) -> Self {
        Self {
            topics,
            plain_topics,
            instance,
        }
    }
}

/// What each membership needs.
struct Stage<'a> {
    config: &'a Config,
    bus: &'a dyn Bus,
    topics: &'a Topics,
    instance: &'a str,
    reload: &'a Reload,
    pods: &'a Follower,
}

/// Runs enrich until it is drained: blocking, so on a thread of its own. The topics must exist.
///
/// # Errors
/// What somebody has to act upon: mismatching topics, a bus that can't go on.
pub fn run(
    config: Config,
    bus: Arc<dyn Bus>,
    setting: Setting,
    reload: Reload,
    ready: Readiness,
    drain: Drain,
) -> anyhow::Result<()> {
    let pods = Follower::new(bus.clone(), setting.plain_topics, drain.clone());
    let newest = reload.newest();
    let steps = newest.as_ref().unwrap_or(&config.steps);
    if let Some(timeout) = steps.wait_for_metadata() {
        pods.begin();
        pods.wait(timeout, &ready, &drain);
    }
    let stage = Stage {
        config: &config,
        bus: &*bus,
        topics: &setting.topics,
        instance: &setting.instance,
        reload: &reload,
        pods: &pods,
    };
    std::thread::scope(|scope| {
        // However this ends, the thread must, too.
        let _following = tables::follow(scope, &config, &reload)?;
        let membership = || match tables::wait(&config, &ready, &drain) {
            true => membership(&stage, &ready, &drain),
            false => Ok(()),
        };
        memberships("enrich", &ready, &drain, membership)
    })
}

/// One membership.
fn membership(stage: &Stage<'_>, ready: &Readiness, drain: &Drain) -> Result<(), End> {
    let Stage {
        config,
        bus,
        topics,
        instance,
        ..
    } = *stage;
    let routes = Routes::new(bus, topics, config.quarantines())?;
    let options = GroupOptions {
        group: topics.group("enrich"),
        topics: routes.sources(),
        delivery: config.delivery,
        // Stages of one process must not take each other's place.
        instance: format!("{instance}-enrich"),
        revoke_timeout: REVOKE_TIMEOUT + Duration::from_secs(5),
    };
    let session = Arc::new(Session::default());
    let (mut member, committer) = bus.join(options, session.clone())?;
    let builder = Builder::new(routes, config, stage.reload.clone(), stage.pods.clone());
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
    match session.failure() {
        Some(error @ CommitError::Fatal(_)) => {
            let error = anyhow::Error::from(error);
            Err(End::Failed(error.context("committing what enrich wrote")))
        }
        Some(error) => Err(error.into()),
        None => polled.and(closed.map_err(End::from)),
    }
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
        bus::fault::at(Step::Decided);
        let result = bus::commit(&mut *committer, &batch.epoch, |_| {
            batch.tally.publish(config);
        });
        let failed = result.is_err();
        session.committed(result);
        if failed {
            return;
        }
    }
}
