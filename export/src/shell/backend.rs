//! One backend, from its configuration to a drained member of its group; the polling thread is the caller's.
//!
//! Three threads a backend, so that none can hold up another: one polls (and so stays a member through any outage), one
//! delivers, one commits. What is in memory is bounded for each signal by `(concurrency + 2) × batch.bytes` and one poll (metrics:
//! `3 × concurrency × batch.bytes`, since each partition has its turn); beyond that, partitions are paused and the bus is the buffer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, anyhow};
use bus::{Bus, Committer, Delivery as Guarantee, GroupOptions, Member, Topic};
use runtime::{Drain, Readiness};
use schemas::{Signal, Topics};
use tokio::runtime::Runtime;

use crate::backends::kind::Opening;
use crate::backends::open::OpenBackend;
use crate::backends::table::Kind;
use crate::commit::counts::Counts;
use crate::commit::ledger::Ledger;
use crate::config::Backend;
use crate::delivery::dead_letters::DeadLetters;
use crate::delivery::deliver::Delivery;
use crate::delivery::queue::lane::Lane;
use crate::delivery::queue::lanes::Lanes;
use crate::delivery::speed::adaptive::Adaptive;
use crate::delivery::speed::pace::Pace;
use crate::delivery::speed::rate::Rate;
use crate::delivery::standby::sinks::Sinks;
use crate::quota::Exchange;
use crate::shell::intake::Intake;
use crate::shell::membership::{Membership, REVOKE_TIMEOUT};
use crate::shell::pump::Pump;
use crate::transport::auth::Sources;

/// What was counted for a quota is waited for so long; after that, the quota holds from the moment when it is known.
const QUOTA_KNOWN_WITHIN: Duration = Duration::from_secs(10);

/// What a backend is run with.
pub struct BackendRun {
    pub backend: Backend,
    pub bus: Arc<dyn Bus>,
    pub topics: Topics,
    pub instance: String,
    pub ready: Readiness,
    pub drain: Drain,
}

/// What has to be asked of the bus before the group is joined.
struct LookedUp {
    /// Of the topic of each signal, in the order of the backend's signals.
    partitions: Vec<u32>,
    dead_letters: Arc<DeadLetters>,
}

/// Both ends of a membership: one reads, one commits.
type Joined = (Box<dyn Member>, Box<dyn Committer>);

impl BackendRun {
    /// Runs the backend until it is drained. Blocks; returns early only when the bus can't be used any more.
    ///
    /// # Errors
    /// The backend can't be set up, or the bus can't be used.
    pub fn run(self) -> anyhow::Result<()> {
        let name = self.backend.name.clone();
        self.run_named()
            .with_context(|| format!("backend `{name}`"))
    }

    fn run_named(self) -> anyhow::Result<()> {
        let sinks = self.open()?;
        let Some(looked_up) = self.look_up()? else {
            return Ok(());
        };
        let io = self.io()?;
        let counts = Counts::new(&self.backend.name, &self.backend.signals, &self.topics);
        let ledger = Arc::new(Ledger::new(counts));
        let (lanes, deliveries) = self.lanes(&sinks, &looked_up, &ledger);
        let membership = Arc::new(Membership::new(ledger.clone(), deliveries));
        let Some((member, committer)) = self.join(&membership)? else {
            return Ok(());
        };
        let quota = self.quota()?;
        let pump = Pump::new(
            (member, membership),
            ledger.clone(),
            Lanes::new(lanes, self.bytes_max(), io.handle().clone()),
            (&self.backend, self.bus.clone()),
            self.intake(quota.as_ref()),
            self.drain.clone(),
            self.ready.clone(),
        );
        let outcome = self.pump_and_commit(pump, &ledger, committer);
        // Requests that were given up are cut off here; their records are on the bus.
        io.shutdown_background();
        outcome
    }

    /// Its own sink and those of its standbys, with their names.
    fn open(&self) -> anyhow::Result<Vec<(Arc<str>, OpenBackend)>> {
        let (group, sources) = (self.group(), Sources::default());
        let own = (&self.backend.name, &self.backend.kind);
        let standbys = self
            .backend
            .failover
            .iter()
            .flat_map(|failover| &failover.to);
        let all = std::iter::once(own).chain(standbys.map(|(name, kind)| (name, kind)));
        let open = |(name, kind): (&String, &Kind)| {
            let opening = Opening {
                backend: name,
                group: &group,
                bus: &self.bus,
                sources: &sources,
            };
            Ok((name.as_str().into(), kind.open(&opening)?))
        };
        all.map(open).collect()
    }

    /// Of all that waits or is in flight.
    fn bytes_max(&self) -> Option<usize> {
        let signals = self.backend.signals.iter();
        let bounds = signals.filter_map(|signal| self.backend.batch(*signal).waiting_bytes);
        bounds.max()
    }

    fn group(&self) -> String {
        self.topics.group(&format!("export-{}", self.backend.name))
    }

    /// Waits for the bus. `None`: draining came first.
    fn look_up(&self) -> anyhow::Result<Option<LookedUp>> {
        let count = |signal: &Signal| self.bus.partition_count(&self.topics.clean(*signal));
        let look_up = || {
            let partitions: bus::Result<Vec<u32>> =
                self.backend.signals.iter().map(count).collect();
            let dead_letters = DeadLetters::new(&*self.bus, &self.topics, &self.backend.name);
            Ok(LookedUp {
                partitions: partitions?,
                dead_letters: Arc::new(dead_letters?),
            })
        };
        bus::until_reachable(look_up, &self.ready, &self.drain).context("can't learn of its topics")
    }

    /// What tells and hears how much of its quota is used, if it has one.
    fn quota(&self) -> anyhow::Result<Option<Exchange>> {
        let Some(rules) = self.backend.quota else {
            return Ok(None);
        };
        let (bus, topic) = (self.bus.clone(), self.topics.export_state());
        let exchange = Exchange::start(rules, &self.backend.name, bus, topic)
            .context("can't start the thread that counts for the quota")?;
        exchange.wait_until_known(QUOTA_KNOWN_WITHIN, &self.drain);
        Ok(Some(exchange))
    }

    fn intake(&self, quota: Option<&Exchange>) -> Intake {
        let signals = self.backend.signals.iter();
        let signals = signals.map(|signal| (self.topics.clean(*signal), *signal));
        let shared = quota.map(|quota| quota.shared().clone());
        Intake::new(&self.backend, signals.collect(), shared)
    }

    fn io(&self) -> anyhow::Result<Runtime> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(format!("export-{}", self.backend.name))
            .enable_all()
            .build()
            .context("can't start the exporter's runtime")
    }

    /// The lanes of all signals, and what delivers each signal.
    fn lanes(
        &self,
        sinks: &[(Arc<str>, OpenBackend)],
        looked_up: &LookedUp,
        ledger: &Arc<Ledger>,
    ) -> (Vec<Lane>, Vec<(Topic, Arc<Delivery>)>) {
        let backend = &self.backend;
        let rate = Arc::new(Mutex::new(Rate::new(backend.rate)));
        let (mut lanes, mut deliveries) = (Vec::new(), Vec::new());
        for (signal, partitions) in self.backend.signals.iter().zip(&looked_up.partitions) {
            let delivery = Arc::new(Delivery::new(
                &self.backend,
                *signal,
                Sinks::new(*signal, sinks.to_vec(), backend.failover_times()),
                Pace::new(
                    &backend.name,
                    *signal,
                    rate.clone(),
                    Adaptive::new(backend.concurrency.min, backend.concurrency.max),
                ),
                looked_up.dead_letters.clone(),
                ledger.clone(),
                self.drain.clone(),
            ));
            let topic = self.topics.clean(*signal);
            lanes.extend(Lane::of(
                &topic,
                *partitions,
                self.backend.batch(*signal),
                self.backend.concurrency.max,
                &delivery,
            ));
            deliveries.push((topic, delivery));
        }
        (lanes, deliveries)
    }

    /// Waits for the bus. `None`: draining came first.
    fn join(&self, membership: &Arc<Membership>) -> anyhow::Result<Option<Joined>> {
        let name = &self.backend.name;
        let group = self.group();
        let signals = self.backend.signals.iter();
        let options = GroupOptions {
            group: group.clone(),
            topics: signals.map(|signal| self.topics.clean(*signal)).collect(),
            delivery: match self.backend.is_transactional() {
                true => Guarantee::ExactlyOnce,
                false => Guarantee::AtLeastOnce,
            },
            instance: format!("{}-export-{name}", self.instance),
            revoke_timeout: REVOKE_TIMEOUT,
        };
        let join = || self.bus.join(options.clone(), membership.clone());
        let joined = bus::until_reachable(join, &self.ready, &self.drain)
            .with_context(|| format!("can't join group `{group}`"))?;
        if joined.is_some() {
            let kind = self.backend.kind.name();
            tracing::info!(backend = name, kind, group, "exporting");
        }
        Ok(joined)
    }

    /// Polls on this thread and commits on another, until drained.
    fn pump_and_commit(
        &self,
        pump: Pump,
        ledger: &Ledger,
        mut committer: Box<dyn Committer>,
    ) -> anyhow::Result<()> {
        std::thread::scope(|scope| {
            let spawned = std::thread::Builder::new()
                .name(format!("commit-{}", self.backend.name))
                .spawn_scoped(scope, || ledger.commit_until_closed(&mut *committer));
            let outcome = match spawned {
                Ok(_) => pump.run(),
                Err(error) => Err(anyhow!(error).context("can't start the committing thread")),
            };
            ledger.close();
            outcome
        })
    }
}
