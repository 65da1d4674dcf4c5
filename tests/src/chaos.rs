//! A pipeline under attack: processes are killed at random instants while load comes in, then everything is counted.
//!
//! The instants come from a seed that is printed. They don't make a run repeatable (processes are what they are), but
//! the same seed attacks in the same order.

use std::fmt;
use std::time::{Duration, Instant};

use bus::Bus;
use fastrand::Rng;
use schemas::Signal;
use serde_json::json;

use crate::bus_reader::tally;
use crate::kafka::Broker;
use crate::process::Tailwater;
use crate::sending::Load;
use crate::settle::Account;
use crate::tally::Tally;
use crate::wait_until;
use crate::world::World;

/// Short, so that a run crosses many windows.
const DECISION_WAIT_MS: u64 = 1500;
/// For windows to close and the backlog of the last outage to be worked off.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);
/// A process that has just started has nothing pending either, for it has read nothing yet.
const QUIET_FOR: Duration = Duration::from_secs(2);
/// How long a group waits for a member that died.
const SESSION_TIMEOUT_MS: u64 = 3000;
/// A stopped process stays stopped for longer.
const STOPPED_FOR: Duration = Duration::from_millis(2 * SESSION_TIMEOUT_MS);

/// How long and how hard.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub kills: u32,
    /// Goes on until this has passed, even when the kills are done.
    pub at_least: Duration,
    pub spans_per_second: f64,
    pub delivery: Delivery,
}

/// What the sampler promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    ExactlyOnce,
    AtLeastOnce,
}

/// What happened, and what became of the spans.
#[derive(Debug, Default)]
pub struct Aftermath {
    pub plan_seed: u64,
    pub kills: u32,
    pub ingest_kills: u32,
    pub rebalances: usize,
    pub outages: u32,
    pub took: Duration,
    pub account: Account,
    /// Acknowledged, but not on the bus.
    pub unacknowledged: u64,
    /// Kept spans that the last stage checked lacks.
    pub undelivered: u64,
    /// Kept spans that came more than once to where exactly once is promised.
    pub redelivered: u64,
    /// Kept spans that came more than once to a backend.
    pub repeated_at_backend: u64,
}

impl Aftermath {
    /// # Panics
    /// If anything was lost or doubled on the bus.
    pub fn assert_clean(&self) {
        println!("{self}");
        self.account.assert_clean();
        assert_eq!(self.unacknowledged, 0, "acknowledged spans were lost");
        assert_eq!(self.undelivered, 0, "kept spans did not arrive");
        assert_eq!(self.redelivered, 0, "kept spans were doubled on the bus");
    }

    pub fn is_clean(&self) -> bool {
        self.account.is_clean()
            && (self.unacknowledged, self.undelivered, self.redelivered) == (0, 0, 0)
    }
}

impl fmt::Display for Aftermath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = &self.account;
        writeln!(
            f,
            "seed {} · {:.0} s · {} kills, {} of ingest, {} rebalances, {} broker outages",
            self.plan_seed,
            self.took.as_secs_f64(),
            self.kills,
            self.ingest_kills,
            self.rebalances,
            self.outages
        )?;
        writeln!(
            f,
            "spans in {} · kept {} · dropped {} · lost {} · doubled {} · repeated at the backend {}",
            account.spans,
            account.kept,
            account.dropped,
            account.lost.count + self.unacknowledged + self.undelivered,
            account.doubled.count + self.redelivered,
            self.repeated_at_backend
        )?;
        write!(f, "{account}")
    }
}

/// What stands in `what` was acknowledged, or kept: how much of it lacks in `there`, and how much is there too often.
fn compare(what: &Tally, there: &Tally) -> (u64, u64) {
    let (mut missing, mut extra) = (0, 0);
    for (id, trace) in &what.traces {
        let found = there.traces.get(id);
        for (span, seen) in &trace.spans {
            let times = found.and_then(|found| found.spans.get(span));
            let times = times.map_or(0, |seen| seen.times);
            missing += u64::from(seen.times.saturating_sub(times));
            extra += u64::from(times.saturating_sub(seen.times));
        }
    }
    (missing, extra)
}

/// An instant within this many milliseconds from now.
fn until_some_instant(rng: &mut Rng, ms: std::ops::Range<u64>) {
    std::thread::sleep(Duration::from_millis(rng.u64(ms)));
}

/// Samplers as processes on a Kafka of their own, under load: SIGKILLs, a third member that comes and goes, a member that
/// stands still for longer than its session, ingest killed too, the broker killed and started again.
pub fn samplers_on_kafka(plan: Plan, broker: &Broker) -> Aftermath {
    println!("{plan:?}");
    let begin = Instant::now();
    let mut rng = Rng::with_seed(plan.seed);
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    world.set_session_timeout(SESSION_TIMEOUT_MS);
    if plan.delivery == Delivery::AtLeastOnce {
        world.config["sampler"]["delivery"] = json!("at_least_once");
    }
    let mut ingest = world.process("ingest", "ingest");
    let mut samplers: Vec<_> = ["a", "b", "c"]
        .map(|name| world.process("sample", name))
        .into();
    ingest.start_and_wait();
    for sampler in &mut samplers[..2] {
        sampler.start_and_wait();
    }
    let load = Load::start(ingest.grpc_endpoint(), plan.seed, plan.spans_per_second);
    let mut aftermath = Aftermath {
        plan_seed: plan.seed,
        ..Aftermath::default()
    };
    // What else happens, once for each so many kills.
    let every = |kills: u32, at: u32| kills % 20 == at;
    while aftermath.kills < plan.kills || begin.elapsed() < plan.at_least {
        let kills = aftermath.kills;
        let third = samplers[2].is_running();
        let members = if third { 3 } else { 2 };
        let victim = &mut samplers[rng.usize(0..members)];
        // One in three dies before it has recovered from its last death.
        if rng.u8(0..3) > 0 {
            victim.wait_ready();
        }
        until_some_instant(&mut rng, 0..2500);
        assert!(victim.is_running(), "{} ended by itself", victim.name);
        victim.kill();
        aftermath.kills += 1;
        until_some_instant(&mut rng, 0..300);
        victim.start();
        if every(kills, 4) {
            samplers[2].start();
        }
        if every(kills, 8) || every(kills, 14) {
            ingest.kill();
            aftermath.ingest_kills += 1;
            ingest.start_and_wait();
        }
        if every(kills, 10) {
            broker.kill();
            until_some_instant(&mut rng, 200..2000);
            broker.restart();
            aftermath.outages += 1;
        }
        if every(kills, 13) && third {
            samplers[2].wait_ready();
            assert_eq!(samplers[2].stop(), 0, "a member leaves in peace");
        }
        if every(kills, 16) {
            let still = rng.usize(0..2);
            samplers[still].wait_ready();
            samplers[still].signal("-STOP");
            std::thread::sleep(STOPPED_FOR);
            samplers[still].signal("-CONT");
        }
    }
    let sent = load.stop();
    let bus = world.bus();
    let topics = world.topics();
    wait_until("the samplers to decide everything", SETTLED_WITHIN, || {
        world.lags(&*bus, &[]).is_some_and(|lags| lags.is_empty())
    });
    for sampler in &mut samplers {
        if sampler.is_running() {
            assert_eq!(sampler.stop(), 0, "{} drains", sampler.name);
        }
        aftermath.rebalances += sampler.logged("partitions assigned");
    }
    ingest.kill();
    aftermath.account = Account::of_bus(&*bus, &topics, DECISION_WAIT_MS).unwrap();
    let raw = tally(&*bus, Signal::Traces, &topics.raw(Signal::Traces)).unwrap();
    aftermath.unacknowledged = compare(&sent, &raw).0;
    aftermath.took = begin.elapsed();
    aftermath
}

/// `tailwater run` on the embedded bus, killed again and again under load.
pub fn everything_on_one_machine(plan: Plan) -> Aftermath {
    println!("{plan:?}");
    let begin = Instant::now();
    let mut rng = Rng::with_seed(plan.seed);
    let mut world = World::embedded();
    world.set_decision_wait(DECISION_WAIT_MS);
    let mut all = world.process("run", "all");
    all.start_and_wait();
    let load = Load::start(all.grpc_endpoint(), plan.seed, plan.spans_per_second);
    let mut aftermath = Aftermath {
        plan_seed: plan.seed,
        ..Aftermath::default()
    };
    while aftermath.kills < plan.kills || begin.elapsed() < plan.at_least {
        if rng.u8(0..3) > 0 {
            all.wait_ready();
        }
        until_some_instant(&mut rng, 0..3000);
        assert!(all.is_running(), "it ended by itself");
        all.kill();
        aftermath.kills += 1;
        all.start();
    }
    let sent = load.stop();
    let bus = come_to_rest(&world, &mut all, &["kept"]);
    let topics = world.topics();
    aftermath.account = Account::of_bus(&*bus, &topics, DECISION_WAIT_MS).unwrap();
    let read = |topic: &str| tally(&*bus, Signal::Traces, topic).unwrap();
    let raw = read(&topics.raw(Signal::Traces));
    let sampled = read(&topics.sampled());
    let clean = read(&topics.clean(Signal::Traces));
    aftermath.unacknowledged = compare(&sent, &raw).0;
    (aftermath.undelivered, aftermath.redelivered) = compare(&sampled, &clean);
    let (undelivered, repeated) = compare(&clean, &Tally::of_file(&world.path("kept.jsonl")));
    aftermath.undelivered += undelivered;
    aftermath.repeated_at_backend = repeated;
    aftermath.took = begin.elapsed();
    aftermath
}

/// Stops a process that has an embedded bus once it has nothing left to do, and opens the bus in its place.
pub fn come_to_rest(
    world: &World,
    process: &mut Tailwater,
    backends: &[&str],
) -> std::sync::Arc<dyn Bus> {
    let begin = Instant::now();
    loop {
        let mut quiet_since = Instant::now();
        wait_until("every window to close", SETTLED_WITHIN, || {
            let metrics = process.metrics();
            let quiet = process.is_ready()
                && metrics.sum(runtime::names::SAMPLER_PENDING, &[]) == 0.0
                && metrics.sum(runtime::names::SAMPLER_OPEN_TRACES, &[]) == 0.0;
            if !quiet {
                quiet_since = Instant::now();
            }
            quiet_since.elapsed() > QUIET_FOR
        });
        assert_eq!(process.stop(), 0, "{} drains", process.name);
        let bus = world.bus();
        let left = world.lags(&*bus, backends).unwrap();
        if left.is_empty() {
            return bus;
        }
        // It had not read everything yet when it was stopped.
        drop(bus);
        assert!(begin.elapsed() < SETTLED_WITHIN, "still unread: {left:?}");
        process.start_and_wait();
    }
}
