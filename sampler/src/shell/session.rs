//! One membership in the consumer group, from joining to leaving: consumer thread, dataflow workers, commit thread.
//!
//! The calling thread is the consumer. Whatever ends a session, the next one starts from the log.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use anyhow::Context;
use bus::{Bus, Committer, GroupOptions, Member};
use runtime::{Drain, Readiness};
use schemas::{Signal, Topics};
use timely::communication::WorkerGuards;

use crate::budget::Budgets;
use crate::config::Config;
use crate::epoch::batch::Batch;
use crate::fleet::{self, ExchangeThread, Fleet};
use crate::memory::Memory;
use crate::recovery::Recovery;
use crate::recovery::rebuild::Rebuild;
use crate::shell::commit::{self, FromWorkers};
use crate::shell::consumer::Consumer;
use crate::shell::counters::Counters;
use crate::shell::dataflow::{self, Inlets};
use crate::shell::progress::{Failure, Progress};
use crate::shell::rebalance::{REVOKE_TIMEOUT, Shared};
use crate::shell::reload::Reload;
use crate::shell::worker::{Bounds, Common, Partitions};
use crate::stats::{self, Group};

/// Why a session ended.
pub enum Ended {
    Drained,
    /// Partitions moved on under us; join again.
    Fenced(String),
}

/// Of the statistics' bound: for what all partitions know together, and for what each knows by itself. The rest is for an epoch's news.
const STATISTICS_PARTS: usize = 8;
const GROUP_PARTS: usize = 2;
const PARTITIONS_PARTS: usize = 5;

/// What a session needs of the process around it.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub bus: &'a Arc<dyn Bus>,
    pub topics: &'a Topics,
    pub instance: &'a str,
    pub reload: &'a Reload,
    pub ready: &'a Readiness,
    pub drain: &'a Drain,
}

/// Joins the group and samples until drained, fenced or failed.
pub fn run(config: &mut Config, around: Around<'_>) -> anyhow::Result<Ended> {
    let (progress, rebuild) = (Arc::new(Progress::default()), Arc::new(Rebuild::default()));
    let (to_commit, from_workers) = std::sync::mpsc::channel();
    // Ends with the session.
    let (fleet, _exchange) = fleet(config, around)?.unzip();
    let (inlets, guards, group) = start_workers(config, around, fleet, to_commit)?;
    let shared = Arc::new(Shared {
        inlets: Mutex::new(inlets),
        changes: Mutex::default(),
        progress: progress.clone(),
        rebuild: rebuild.clone(),
    });
    let Some((member, committer)) = join(config, around, &shared)? else {
        return Ok(Ended::Drained);
    };
    let mut counters = Counters::new(&config.policies, group);
    let names = commit::Names::new(around.topics, &config.options.bus);
    let seen = progress.clone();
    let commits = std::thread::Builder::new().name("sampler-commit".into());
    let commits = commits.spawn(move || {
        commit::run(
            from_workers,
            committer,
            &seen,
            &rebuild,
            &names,
            &mut counters,
        );
        counters.release_all();
    })?;
    let mut consumer = Consumer {
        config,
        reload: around.reload,
        bus: &**around.bus,
        topics: around.topics,
        shared: &shared,
        member,
        batch: Batch::default(),
        recovery: Recovery::new(around.topics),
        truncated: Vec::new(),
        ready: around.ready,
        polled: Instant::now(),
        began: Instant::now(),
    };
    let result = consumer.run(around.drain);
    // Leaving revokes everything, which commits what is under way; after a failure it returns at once.
    let left = consumer.member.close();
    drop(shared);
    drop(guards);
    if commits.join().is_err() {
        anyhow::bail!("the commit thread panicked");
    }
    result?;
    ended(&progress, left)
}

/// Why a session ended that did not fail in the consumer.
fn ended(progress: &Progress, left: bus::Result<()>) -> anyhow::Result<Ended> {
    match progress.failure() {
        Some(Failure::Fenced(reason)) => Ok(Ended::Fenced(reason)),
        Some(Failure::Fatal(reason)) => anyhow::bail!(reason),
        None => {
            left.context("cannot leave the sampler's consumer group")?;
            Ok(Ended::Drained)
        }
    }
}

/// Starts the dataflow: where commands go, what ends with it, and what all partitions know together.
fn start_workers(
    config: &Config,
    around: Around<'_>,
    fleet: Option<Arc<Fleet>>,
    to_commit: Sender<FromWorkers>,
) -> anyhow::Result<(Inlets, WorkerGuards<()>, Arc<RwLock<Group>>)> {
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let (policies, options) = (config.policies.clone(), config.options.clone());
    let statistics_bytes_max = config.statistics_limit_bytes / STATISTICS_PARTS;
    let group = Group::new(policies.keyed(), statistics_bytes_max * GROUP_PARTS);
    let group = Arc::new(RwLock::new(group));
    let budgets = Budgets::new(policies.limits(), 0, options.bus.partitions);
    let common = Common {
        group: group.clone(),
        budgets: Arc::new(Mutex::new(budgets)),
    };
    let bounds = Bounds {
        emit_bytes_max: config.epoch_bytes * 2 / workers,
        statistics_bytes_max: statistics_bytes_max * PARTITIONS_PARTS / workers,
        memory: Arc::new(Memory::new(config.memory_limit_bytes)),
    };
    let (bus, raw) = (around.bus.clone(), around.topics.raw(Signal::Traces));
    let partitions = move || {
        Partitions::new(
            policies.clone(),
            options.clone(),
            bounds.clone(),
            common.clone(),
            bus.clone(),
            raw.clone(),
        )
    };
    let (inlets, guards) = dataflow::start(workers, partitions, fleet, to_commit)?;
    Ok((inlets, guards, group))
}

/// The two halves of a membership.
type Joined = (Box<dyn Member>, Box<dyn Committer>);

/// Becomes a member of the group, as soon as the bus can be reached; `None`: a drain was asked for meanwhile.
fn join(
    config: &Config,
    around: Around<'_>,
    shared: &Arc<Shared>,
) -> anyhow::Result<Option<Joined>> {
    let group = GroupOptions {
        group: around.topics.group("sampler"),
        topics: vec![around.topics.raw(Signal::Traces)],
        delivery: config.delivery,
        instance: around.instance.to_owned(),
        revoke_timeout: REVOKE_TIMEOUT,
    };
    let join = || around.bus.join(group.clone(), shared.clone());
    bus::until_reachable(join, around.ready, around.drain)
        .context("cannot join the sampler's consumer group")
}

/// The other sampler processes.
fn fleet(
    config: &Config,
    around: Around<'_>,
) -> anyhow::Result<Option<(Arc<Fleet>, ExchangeThread)>> {
    if !config.fleet {
        return Ok(None);
    }
    let identities = stats::exchanged_identities(config.policies.keyed());
    let (topic, instance) = (around.topics.sampler_state(), around.instance.to_owned());
    let started = fleet::start(identities, around.bus.clone(), topic, instance);
    started
        .map(Some)
        .context("cannot start the thread that exchanges counts with other samplers")
}
