//! A sampler process as the shell runs it, one step at a time.

use fastrand::Rng;
use sampler::output::{Counts, Output};
use sampler::partition::Partition;
use sampler::position::Position;
use sampler::position::Start;
use sampler::reconfigure::Reconfiguration;
use schemas::decisions::DecisionBatch;

use crate::simulation::bus::Bus;
use crate::simulation::checks::ids;
use crate::simulation::traffic::{Setup, World};

/// The machine that a process runs on. Its clock is wrong: hours ahead or behind, and another one than the last owner's, as if it had jumped.
struct Host {
    ahead_ms: u64,
}

impl Host {
    /// The world's clock begins late enough that none shows less than nothing.
    const WRONG_MS: [u64; 4] = [0, 600_000, 990_000, 100_000_000];

    fn random(rng: &mut Rng) -> Self {
        let ahead_ms = *rng.choice(&Self::WRONG_MS).unwrap();
        Self { ahead_ms }
    }

    fn clock_ms(&self, bus_ms: u64) -> u64 {
        (bus_ms + self.ahead_ms).saturating_sub(990_000)
    }
}

pub struct Process {
    partition: Partition,
    host: Host,
    /// An epoch that was taken and is being committed.
    in_flight: Option<Output>,
    /// All counters since the start.
    total: Counts,
}

impl Process {
    /// Takes the partition over: position, decision log from the scan time on, then records from L.
    pub fn start(setup: &Setup, world: &World, bus: &Bus, rng: &mut Rng) -> Self {
        let start = match &bus.committed {
            Some((emit, metadata)) => Position::parse(metadata).unwrap().start(*emit),
            None => Start::default(),
        };
        let cache_bytes = if rng.bool() { setup.cache_bytes } else { 3000 };
        let mut partition = Partition::new(
            0,
            world.configuration.policies.clone(),
            world.configuration.options.clone(),
            start,
            cache_bytes,
        );
        partition.set_promoted_bytes(setup.promoted_bytes);
        let host = Host::random(rng);
        partition.read_at(host.clock_ms(world.wall_ms));
        // Producers that live in the future stamp verdicts into the future too: then all of the log is read.
        let scan_from = match setup.foreign {
            true => 0,
            false => start.scan_from_ms(&world.configuration.options),
        };
        for (_, value) in bus.decisions.iter().filter(|(at, _)| *at >= scan_from) {
            partition.restore(&DecisionBatch::decode(value).unwrap());
        }
        Self {
            partition,
            host,
            in_flight: None,
            total: Counts::default(),
        }
    }

    pub fn fetch(&mut self, rng: &mut Rng, bus: &Bus, bus_ms: u64) {
        self.partition.read_at(self.host.clock_ms(bus_ms));
        let decide = self.partition.decide_offset();
        if decide < bus.start {
            self.partition.skip_to(bus.start);
            return;
        }
        // A fetch may repeat what came before.
        let from = decide.saturating_sub(if rng.u32(0..6) == 0 { rng.u64(0..5) } else { 0 });
        for record in bus.from(from).iter().take(rng.usize(1..12)) {
            self.partition.observe(record.raw());
        }
    }

    pub fn tick(&mut self, rng: &mut Rng, bus_ms: u64, bus: &Bus) {
        if self.partition.decide_offset() >= bus.end() {
            let clock_ms = self.host.clock_ms(bus_ms);
            self.partition.idle(clock_ms.saturating_sub(rng.u64(0..50)));
        }
    }

    pub fn emit(&mut self, rng: &mut Rng) {
        let budget = *rng.choice(&[1, 500, 100_000]).unwrap();
        self.partition.emit(budget);
    }

    /// The second reader brings some of what left the cache.
    pub fn read_again(&mut self, rng: &mut Rng, bus: &Bus) {
        let Some(missing) = self.partition.missing() else {
            return;
        };
        if missing.start < bus.start {
            self.partition.skip_to(bus.start);
            return;
        }
        let records = bus.from(missing.start);
        let count = rng.usize(0..8).min(records.len());
        let records = &records[..count];
        let read_to = match records.last() {
            Some(record) => record.offset + 1,
            None if bus.from(missing.start).is_empty() => missing.end,
            None => return,
        };
        self.partition.supply(
            records.iter().map(crate::simulation::bus::Record::raw),
            read_to,
        );
    }

    /// A reader of its own brings what late errors ask for.
    pub fn read_for_rescue(&mut self, rng: &mut Rng, bus: &Bus) {
        let Some(missing) = self.partition.missing_for_rescue() else {
            return;
        };
        let records = bus.from(missing.start);
        let count = rng.usize(0..8).min(records.len());
        let records = &records[..count];
        let read_to = match records.last() {
            Some(record) => record.offset + 1,
            None if bus.from(missing.start).is_empty() => missing.end,
            None => return,
        };
        self.partition.supply_rescue(
            records.iter().map(crate::simulation::bus::Record::raw),
            read_to,
        );
    }

    /// Another configuration, at the beginning of an epoch.
    pub fn reconfigure(&mut self, change: &Reconfiguration) {
        self.take();
        if self.in_flight.is_none() || self.partition.rebuilding() {
            return;
        }
        self.partition.reconfigure(change);
    }

    pub fn take(&mut self) {
        if self.in_flight.is_none() {
            let output = self.take_counted();
            if !self.partition.rebuilding() && output.moved {
                self.in_flight = Some(output);
            }
        }
    }

    fn take_counted(&mut self) -> Output {
        let output = self.partition.take();
        let (total, counts) = (&mut self.total, &output.counts);
        total.decider.consumed_spans += counts.decider.consumed_spans;
        total.copier.kept_spans += counts.copier.kept_spans;
        total.copier.dropped_spans += counts.copier.dropped_spans;
        total.copier.dead_lettered_spans += counts.copier.dead_lettered_spans;
        total.copier.lost_spans += counts.copier.lost_spans;
        assert_eq!(
            total.decider.consumed_spans,
            total.copier.kept_spans
                + total.copier.dropped_spans
                + total.copier.dead_lettered_spans
                + total.copier.lost_spans
                + self.partition.pending_spans(),
            "counters don't close: {total:?}"
        );
        let written: usize = output
            .sampled
            .iter()
            .map(|(_, value)| ids(value).len())
            .sum();
        assert_eq!(
            written as u64,
            counts.copier.kept_spans + counts.copier.rescued_spans,
            "more or less was written than was counted"
        );
        output
    }

    /// `false`: the process is gone, or the epoch was aborted and it starts again from the committed position.
    pub fn commit(&mut self, rng: &mut Rng, bus: &mut Bus, wall_ms: u64) -> bool {
        let Some(output) = self.in_flight.take() else {
            return true;
        };
        match rng.u32(0..12) {
            0 => false,
            1 => {
                publish(bus, output, wall_ms);
                false
            }
            _ => {
                publish(bus, output, wall_ms);
                true
            }
        }
    }

    /// Runs without further trouble until everything is through.
    pub fn finish(&mut self, rng: &mut Rng, setup: &Setup, bus: &mut Bus, wall_ms: u64) {
        if let Some(output) = self.in_flight.take() {
            publish(bus, output, wall_ms);
        }
        let mut idle = 0;
        let mut rounds = 0;
        while idle < 8 {
            let before = self.progress();
            self.fetch(rng, bus, wall_ms);
            if setup.ticks {
                self.tick(rng, wall_ms, bus);
            }
            self.emit(rng);
            self.read_again(rng, bus);
            self.read_for_rescue(rng, bus);
            let output = self.take_counted();
            if !self.partition.rebuilding() && output.moved {
                publish(bus, output, wall_ms);
            }
            let after = self.progress();
            idle = if before == after { idle + 1 } else { 0 };
            rounds += 1;
            assert!(rounds < 20_000, "no end in sight");
        }
        assert!(!self.partition.rebuilding());
    }

    /// Both cursors, and what is still to be read for late errors.
    fn progress(&mut self) -> (u64, u64, Option<std::ops::Range<u64>>) {
        let partition = &mut self.partition;
        (
            partition.decide_offset(),
            partition.emit_offset(),
            partition.missing_for_rescue(),
        )
    }

    pub fn partition(&self) -> &Partition {
        &self.partition
    }
}

/// One atomic epoch.
fn publish(bus: &mut Bus, output: Output, wall_ms: u64) {
    if !output.decisions.entries.is_empty() {
        bus.decisions.push((wall_ms, output.decisions.encode()));
    }
    bus.sampled.extend(output.sampled);
    bus.dead.extend(output.dead);
    let before = bus.committed.as_ref().map_or(0, |committed| committed.0);
    assert!(output.position.0 >= before, "L went back");
    bus.committed = Some(output.position);
}
