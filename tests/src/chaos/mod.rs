//! A pipeline under attack: processes are killed at random instants and at chosen steps while load comes in, then everything is
//! counted. Here is what is asked for and what is found; `kafka` and `embedded` do it.
//!
//! The instants come from a seed that is printed. They don't make a run repeatable (processes are what they are), but
//! the same seed attacks in the same order.

mod embedded;
mod kafka;
mod outage;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bus::Bus;
use fastrand::Rng;
use schemas::Signal;

use crate::bus_reader::tally;
use crate::settle::Account;
use crate::tally::Tally;
use crate::world::World;

pub use embedded::{come_to_rest, everything_on_one_machine};
pub use kafka::processes_on_kafka;
pub use outage::{Outage, brokers_away};

/// Short, so that a run crosses many windows.
const DECISION_WAIT_MS: u64 = 1500;
/// For windows to close and the backlog of the last outage to be worked off.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

/// How long and how hard.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Of samplers; other stages are killed besides.
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
    /// By stage and how: at some instant, or at which step.
    pub deaths: BTreeMap<(&'static str, &'static str), u32>,
    /// Times that a member was given or lost partitions while it ran.
    pub rebalances: usize,
    pub outages: u32,
    pub took: Duration,
    pub account: Account,
    /// Acknowledged, but not on the bus.
    pub unacknowledged: u64,
    /// Kept spans that a later stage lacks.
    pub undelivered: u64,
    /// Kept spans that came more than once to where exactly once is promised.
    pub redelivered: u64,
    /// Kept spans that came more than once to a backend.
    pub repeated_at_backend: u64,
}

impl Aftermath {
    pub fn kills(&self) -> u32 {
        self.deaths.values().sum()
    }

    pub fn kills_of(&self, stage: &str) -> u32 {
        let of = self.deaths.iter().filter(|((of, _), _)| *of == stage);
        of.map(|(_, times)| times).sum()
    }

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

    /// What became of everything that was sent, once the pipeline has come to rest: socket to raw, raw to sampled, sampled to clean, clean
    /// to the backend's file.
    fn count(&mut self, world: &World, sent: &Tally) {
        self.count_on(&*world.bus(), world, sent);
    }

    fn count_on(&mut self, bus: &dyn Bus, world: &World, sent: &Tally) {
        let topics = world.topics();
        let read = |topic: &str| tally(bus, Signal::Traces, topic).unwrap();
        self.account = Account::of_bus(bus, &topics, DECISION_WAIT_MS).unwrap();
        self.unacknowledged = compare(sent, &read(&topics.raw(Signal::Traces))).0;
        let clean = read(&topics.clean(Signal::Traces));
        (self.undelivered, self.redelivered) = compare(&read(&topics.sampled()), &clean);
        let (undelivered, repeated) = compare(&clean, &Tally::of_file(&world.path("kept.jsonl")));
        self.undelivered += undelivered;
        self.repeated_at_backend = repeated;
    }

    fn died(&mut self, stage: &'static str, how: &'static str) {
        *self.deaths.entry((stage, how)).or_default() += 1;
    }
}

impl fmt::Display for Aftermath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = &self.account;
        writeln!(
            f,
            "seed {} · {:.0} s · {} kills, {} rebalances, {} broker outages",
            self.plan_seed,
            self.took.as_secs_f64(),
            self.kills(),
            self.rebalances,
            self.outages
        )?;
        let deaths: Vec<_> = (self.deaths.iter())
            .map(|((stage, how), times)| format!("{stage} {how} {times}"))
            .collect();
        writeln!(f, "deaths: {}", deaths.join(" · "))?;
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
