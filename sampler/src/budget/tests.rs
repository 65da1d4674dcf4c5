//! Whole groups of samplers under overload: how much they keep of what is offered steadily.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use schemas::partition::partition_of;
use xxhash_rust::xxh3::xxh3_128;

use super::*;
use crate::fleet::tokens::Exchange;

const BEGIN_MS: u64 = 1_700_000_000_000;
/// What is offered, in limits.
const OVERLOAD: u64 = 3;
/// An idle partition's clock is so far behind.
const IDLE_MS: u64 = 2000;

/// One process: its budget, and its way to the others.
struct Process {
    budgets: Arc<Mutex<Budgets>>,
    exchange: RefCell<Exchange>,
    /// It reads, decides and tells until then.
    dies_ms: u64,
}

/// A partition: its traces' times, and which of them were kept.
struct Traces {
    purse: Purse,
    decided: usize,
    times_ms: Vec<u64>,
    kept_ms: Vec<u64>,
    /// Its clock is wrong by so much.
    ahead_ms: u64,
}

struct World {
    limit: Limit,
    spans: u64,
    processes: Vec<Process>,
    partitions: Vec<Traces>,
}

impl World {
    fn new(partitions: u32, processes: u32, limit: Limit, spans: u64) -> Self {
        let owned = |process| (0..partitions).filter(move |at| at % processes == process);
        let processes: Vec<_> = (0..processes)
            .map(|process| Process {
                budgets: Arc::new(Mutex::new(Budgets::new(
                    &[limit],
                    owned(process).count() as u32,
                    partitions,
                ))),
                exchange: RefCell::new(Exchange::new(process.into())),
                dies_ms: u64::MAX,
            })
            .collect();
        let partitions = (0..partitions).map(|at| {
            let mut purse = Purse::new(&[limit], partitions);
            purse.join(&processes[at as usize % processes.len()].budgets);
            Traces {
                purse,
                decided: 0,
                times_ms: Vec::new(),
                kept_ms: Vec::new(),
                ahead_ms: 0,
            }
        });
        Self {
            partitions: partitions.collect(),
            processes,
            limit,
            spans,
        }
    }

    /// Traces at these times, over the partitions by their ids.
    fn offer(&mut self, times_ms: impl Iterator<Item = u64>) {
        for (number, at_ms) in times_ms.enumerate() {
            let id = xxh3_128(&number.to_le_bytes()).to_be_bytes();
            let partition = partition_of(&id, self.partitions.len() as u32);
            self.partitions[partition as usize].times_ms.push(at_ms);
        }
    }

    /// Steadily, for so long.
    fn overload(&mut self, seconds: u64) {
        let per_second = self.limit.per_second as u64 * OVERLOAD;
        let traces = (per_second * seconds).div_ceil(self.spans);
        let spans = self.spans;
        self.offer((0..traces).map(|trace| BEGIN_MS + trace * spans * 1000 / per_second));
    }

    /// Epochs of so much of the stream. Partitions take turns at being the first.
    fn run(&mut self, seconds: u64, epoch_ms: u64) {
        let count = self.partitions.len();
        for epoch in 1..=((seconds * 1000 + 2 * IDLE_MS) / epoch_ms).max(2) {
            let now_ms = BEGIN_MS + epoch * epoch_ms;
            for turn in 0..count {
                let partition = (turn + count - epoch as usize % count) % count;
                let process = &self.processes[partition % self.processes.len()];
                if now_ms < process.dies_ms {
                    self.partitions[partition].decide(self.spans, now_ms, epoch_ms);
                }
            }
            self.exchange(now_ms, epoch_ms);
        }
    }

    fn exchange(&self, now_ms: u64, epoch_ms: u64) {
        let now = *INSTANT.get_or_init(Instant::now) + Duration::from_millis(now_ms - BEGIN_MS);
        let alive = || (self.processes.iter()).filter(|process| now_ms < process.dies_ms);
        if self.processes.len() == 1 {
            return;
        }
        for process in alive() {
            lock(&process.budgets).exchange(
                now_ms,
                |identity| process.exchange.borrow().wanted(identity, now),
                |identity, spare, wanted| {
                    let mut exchange = process.exchange.borrow_mut();
                    exchange.exchange(identity, spare, wanted, now)
                },
            );
        }
        if now_ms % 1000 < epoch_ms {
            for process in alive() {
                let address = process.exchange.borrow().address;
                let message = process.exchange.borrow_mut().message();
                for other in alive().filter(|other| other.exchange.borrow().address != address) {
                    other.exchange.borrow_mut().hear(address, &message, now);
                }
            }
        }
    }

    /// Spans, from a second to another.
    fn kept(&self, from: u64, to: u64) -> u64 {
        let kept = self.partitions.iter().flat_map(|traces| &traces.kept_ms);
        let within = BEGIN_MS + from * 1000..BEGIN_MS + to * 1000;
        kept.filter(|at_ms| within.contains(at_ms)).count() as u64 * self.spans
    }
}

static INSTANT: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();

impl Traces {
    /// In an epoch in which there is nothing to read, the clock stays behind.
    fn decide(&mut self, spans: u64, now_ms: u64, epoch_ms: u64) {
        let until = |at_ms: u64| self.times_ms.partition_point(|time_ms| *time_ms < at_ms);
        let idle = until(now_ms) == until(now_ms.saturating_sub(epoch_ms));
        let end = until(if idle { now_ms - IDLE_MS } else { now_ms });
        for &at_ms in self.times_ms.get(self.decided..end).unwrap_or_default() {
            if self.purse.spend(0, spans, at_ms + self.ahead_ms) {
                self.kept_ms.push(at_ms);
            }
        }
        self.decided = self.decided.max(end);
    }
}

fn steady(per_second: u64) -> Limit {
    let per_second = per_second as f64;
    Limit {
        per_second,
        burst: 2.0 * per_second,
        refill: Refill::Steady,
        owner: Limit::EVERYBODY,
    }
}

fn by_second(per_second: u64) -> Limit {
    let per_second = per_second as f64;
    Limit {
        per_second,
        burst: per_second,
        refill: Refill::EachSecond,
        owner: Limit::EVERYBODY,
    }
}

/// 30 s of overload, once the burst is used up: the limit, by 5 % or a trace at either end in each process.
#[track_caller]
fn check(partitions: u32, processes: u32, limit: Limit, spans: u64, epoch_ms: u64) {
    let mut world = World::new(partitions, processes, limit, spans);
    world.overload(40);
    world.run(40, epoch_ms);
    let (kept, wanted) = (world.kept(5, 35) as f64, limit.per_second * 30.0);
    let tolerance = (wanted * 0.05).max((spans * u64::from(processes)) as f64);
    assert!(
        (kept - wanted).abs() <= tolerance,
        "{partitions} partitions, {processes} processes, {limit:?}, {spans} spans a trace, epochs of {epoch_ms} ms: {kept} kept instead of {wanted}"
    );
}

/// A quarter of an hour, of traces that are large against a process's part: nothing is lost while one waits for its next trace.
#[test]
fn large_traces_are_kept_at_the_limit_in_the_long_run() {
    let limit = steady(20);
    for partitions in [3, 48, 256] {
        for spans in [30, 50, 100] {
            let mut world = World::new(partitions, 3, limit, spans);
            world.overload(920);
            world.run(920, 250);
            let kept = world.kept(10, 910) as f64 / (limit.per_second * 900.0);
            assert!(
                (0.95..1.05).contains(&kept),
                "{partitions} partitions, {spans} spans a trace: {kept} of the limit"
            );
        }
    }
}

/// A group that had nothing to do for a minute: beside what overflows in the seconds until it is given away, that is worth one burst more, not a
/// minute's tokens.
#[test]
fn a_time_without_traces_saves_up_a_burst_at_most() {
    let limit = steady(20);
    for processes in [1, 3] {
        let mut world = World::new(48, processes, limit, 1);
        for traces in &mut world.partitions {
            traces.purse.spend(0, 0, BEGIN_MS);
        }
        world.offer((0..2000).map(|trace| BEGIN_MS + 60_000 + trace * 5));
        world.run(80, 250);
        let kept = world.kept(60, 70) as f64;
        let most = (10.0 + 5.0) * limit.per_second + 2.0 * limit.burst;
        assert!(kept <= most, "{processes} processes: {kept} kept");
    }
}

#[test]
fn overload_is_kept_at_the_limit() {
    for partitions in [1, 16, 48, 256] {
        for spans in [1, 10, 30, 100] {
            for per_second in [20, 200, 1000] {
                check(partitions, 1, steady(per_second), spans, 250);
                check(partitions, 3, steady(per_second), spans, 250);
            }
        }
    }
}

/// Traces that a second's part is a multiple of: what is left of a second is lost.
#[test]
fn a_composite_keeps_its_part_of_each_second() {
    for partitions in [1, 16, 256] {
        for spans in [1, 10, 20, 100] {
            check(partitions, 1, by_second(200), spans, 250);
            check(partitions, 3, by_second(1000), spans, 250);
        }
    }
}

/// Each partition jumps ahead by so much, one after the other.
#[test]
fn a_backlog_is_kept_at_the_limit_of_its_own_time() {
    for (partitions, processes) in [(1, 1), (16, 1), (256, 1), (48, 3)] {
        for spans in [1, 10] {
            check(partitions, processes, steady(200), spans, 10_000);
        }
    }
}

/// Spans that are kept of 200 traces at one instant, of a limit with a burst of 40. Partitions have seen other times before.
#[track_caller]
fn at_once(partitions: u32, processes: u32, spans: u64, expected: u64) {
    for epoch_ms in [250, 60_000] {
        let mut world = World::new(partitions, processes, steady(20), spans);
        for traces in &mut world.partitions {
            traces.purse.spend(0, 0, BEGIN_MS);
        }
        world.offer((0..200).map(|_| BEGIN_MS + 30_000));
        world.run(60, epoch_ms);
        assert_eq!(
            world.kept(0, 60),
            expected,
            "{partitions} partitions, {processes} processes, {spans} spans a trace, epochs of {epoch_ms} ms"
        );
    }
}

#[test]
fn at_one_instant_the_burst_is_kept_once() {
    for partitions in [1, 16, 48, 256] {
        at_once(partitions, 1, 1, 40);
        at_once(partitions, 1, 10, 40);
        at_once(partitions, 1, 30, 30);
        // Larger than the burst: one.
        at_once(partitions, 1, 100, 100);
    }
    at_once(48, 3, 1, 39);
    at_once(48, 3, 10, 30);
    // Larger than a process's part of the burst: one in each.
    at_once(48, 3, 30, 90);
}

#[test]
fn all_partitions_have_their_part() {
    let mut world = World::new(16, 1, steady(200), 1);
    world.overload(40);
    world.run(40, 250);
    for traces in &world.partitions {
        let kept = traces.kept_ms.len() as f64 / traces.times_ms.len() as f64;
        assert!((0.25..0.42).contains(&kept), "{kept} kept of a third");
    }
}

#[test]
fn a_clock_that_is_wrong_neither_stops_the_others_nor_lifts_the_limit() {
    let mut world = World::new(16, 1, steady(200), 1);
    world.partitions[3].ahead_ms = 3_600_000;
    world.overload(40);
    world.run(40, 250);
    let kept = world.kept(5, 35) as f64 / 6000.0;
    assert!((0.9..1.15).contains(&kept), "{kept} of the limit");
}

#[test]
fn who_has_no_traffic_leaves_its_part_to_the_others() {
    let mut world = World::new(48, 3, steady(200), 10);
    world.overload(60);
    for idle in 0..48 {
        if idle % 3 > 0 {
            world.partitions[idle].times_ms.clear();
        }
    }
    // Three times its own part.
    world.run(60, 250);
    let kept = world.kept(20, 50) as f64 / 6000.0;
    assert!((0.95..1.05).contains(&kept), "{kept} of the limit");
}

#[test]
fn who_is_dead_neither_stops_the_others_nor_lifts_their_limit() {
    let mut world = World::new(48, 3, steady(200), 10);
    world.overload(60);
    world.processes[1].dies_ms = BEGIN_MS + 12_345;
    world.run(60, 250);
    let kept = world.kept(20, 50) as f64 / 4000.0;
    assert!(
        (0.95..1.05).contains(&kept),
        "{kept} of the limit of the two"
    );
}
