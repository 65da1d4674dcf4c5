//! One membership in the consumer group, from joining to leaving: consumer thread, dataflow workers, commit thread.
//!
//! The calling thread is the consumer. Whatever ends a session, the next one starts from the log.

use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use anyhow::Context;
use bus::{Bus, GroupOptions};
use runtime::{Drain, Readiness};
use schemas::{Signal, Topics};

use crate::budget::Budgets;
use crate::config::Config;
use crate::epoch::batch::Batch;
use crate::fleet::{self, Fleet, Talk};
use crate::memory::Memory;
use crate::recovery::Recovery;
use crate::recovery::rebuild::Rebuild;
use crate::shell::commit;
use crate::shell::consumer::Consumer;
use crate::shell::counters::Counters;
use crate::shell::dataflow;
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

/// Joins the group and samples until drained, fenced or failed.
pub fn run(
    config: &mut Config,
    bus: &Arc<dyn Bus>,
    topics: &Topics,
    instance: &str,
    reload: &Reload,
    ready: &Readiness,
    drain: &Drain,
) -> anyhow::Result<Ended> {
    let raw = topics.raw(Signal::Traces);
    let (progress, rebuild) = (Arc::new(Progress::default()), Arc::new(Rebuild::default()));
    let (to_commit, from_workers) = std::sync::mpsc::channel();
    let workers = if config.workers == 0 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        config.workers
    };
    let (policies, options, from_bus, name) = (
        config.policies.clone(),
        config.options.clone(),
        bus.clone(),
        raw.clone(),
    );
    let statistics_bytes_max = config.statistics_limit_bytes / STATISTICS_PARTS;
    let together = Group::new(config.policies.keyed(), statistics_bytes_max * GROUP_PARTS);
    let together = Arc::new(RwLock::new(together));
    let partitions = config.options.bus.partitions;
    let budgets = Budgets::new(config.policies.limits(), 0, partitions);
    let common = Common {
        group: together.clone(),
        budgets: Arc::new(Mutex::new(budgets)),
    };
    let bounds = Bounds {
        emit_bytes_max: config.epoch_bytes * 2 / workers,
        statistics_bytes_max: statistics_bytes_max * PARTITIONS_PARTS / workers,
        memory: Arc::new(Memory::new(config.memory_limit_bytes)),
    };
    // Ends with the session.
    let (fleet, _talk) = fleet(config, bus, topics, instance)?.unzip();
    let (inlets, guards) = dataflow::start(
        workers,
        move || {
            Partitions::new(
                policies.clone(),
                options.clone(),
                bounds.clone(),
                common.clone(),
                from_bus.clone(),
                name.clone(),
            )
        },
        fleet,
        to_commit,
    )?;
    let shared = Arc::new(Shared {
        inlets: Mutex::new(inlets),
        changes: Mutex::default(),
        progress: progress.clone(),
        rebuild: rebuild.clone(),
    });
    let group = GroupOptions {
        group: topics.group("sampler"),
        topics: vec![raw],
        delivery: config.delivery,
        instance: instance.to_owned(),
        revoke_timeout: REVOKE_TIMEOUT,
    };
    let wait = |reason: &str| {
        ready.not_ready(format!("waiting for the bus: {reason}"));
        !drain.is_requested()
    };
    let join = || bus.join(group.clone(), shared.clone());
    let joined = bus::until_reachable(join, wait);
    let Some((member, committer)) = joined.context("cannot join the sampler's consumer group")?
    else {
        return Ok(Ended::Drained);
    };
    let (for_commits, rebuild) = (progress.clone(), rebuild.clone());
    let options = &config.options;
    let names = commit::Names::new(
        topics,
        options.bus.record_bytes_max,
        options.bus.record_bytes_limit,
    );
    let mut counters = Counters::new(&config.policies, together);
    let commits = std::thread::Builder::new()
        .name("sampler-commit".into())
        .spawn(move || {
            commit::run(
                from_workers,
                committer,
                &for_commits,
                &rebuild,
                &names,
                &mut counters,
            );
            counters.release_all();
        })?;
    let mut consumer = Consumer {
        config,
        reload,
        bus: &**bus,
        topics,
        shared: &shared,
        member,
        batch: Batch::default(),
        recovery: Recovery::new(topics),
        truncated: Vec::new(),
        ready,
        polled: Instant::now(),
        began: Instant::now(),
    };
    let result = consumer.run(drain);
    // Leaving revokes everything, which commits what is under way; after a failure it returns at once.
    let left = consumer.member.close();
    drop(shared);
    drop(guards);
    if commits.join().is_err() {
        anyhow::bail!("the commit thread panicked");
    }
    result?;
    match progress.failure() {
        Some(Failure::Fenced(reason)) => Ok(Ended::Fenced(reason)),
        Some(Failure::Fatal(reason)) => anyhow::bail!(reason),
        None => {
            left.context("cannot leave the sampler's consumer group")?;
            Ok(Ended::Drained)
        }
    }
}

/// The other sampler processes.
fn fleet(
    config: &Config,
    bus: &Arc<dyn Bus>,
    topics: &Topics,
    instance: &str,
) -> anyhow::Result<Option<(Arc<Fleet>, Talk)>> {
    if !config.fleet {
        return Ok(None);
    }
    let identities = stats::told(config.policies.keyed());
    let topic = topics.sampler_state();
    let started = fleet::start(identities, bus.clone(), topic, instance.to_owned());
    started
        .map(Some)
        .context("cannot start the thread that exchanges counts with other samplers")
}
