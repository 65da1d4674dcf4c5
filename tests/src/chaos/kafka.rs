//! Every stage as processes on a Kafka of their own, under load: SIGKILLs at random instants and deaths at chosen steps of all stages, a
//! third sampler that comes and goes, one that is missed for longer than its session, one that stands still for that long,
//! the broker killed and started again, and ingest killed while it is away.

use std::time::{Duration, Instant};

use bus::fault::Step;
use fastrand::Rng;
use serde_json::json;

use super::{Aftermath, DECISION_WAIT_MS, Delivery, Plan, SETTLED_WITHIN, until_some_instant};
use crate::kafka::Broker;
use crate::process::Tailwater;
use crate::sending::Load;
use crate::wait_until;
use crate::world::World;

/// How long a group waits for a member that died.
const SESSION_TIMEOUT_MS: u64 = 3000;
/// Its partitions have moved on by then.
const LONGER_THAN_A_SESSION: Duration = Duration::from_millis(2 * SESSION_TIMEOUT_MS);
/// A process that is to die at a step comes to it within this, or is killed as it stands.
const COMES_TO_A_STEP_WITHIN: Duration = Duration::from_secs(15);

/// What a process says before it dies at a step.
const DYING: &str = "dying at a step";

/// The steps of a stage whose epochs are transactions; of the sampler all.
const STEPS_OF_ENRICH: [Step; 3] = [Step::Produced, Step::Positioned, Step::Committed];
/// Between a backend's acceptance and the position that follows it.
const STEPS_OF_EXPORT: [Step; 2] = [Step::Produced, Step::Committed];

/// # Panics
/// If a process ends by itself, or does not come to rest.
pub fn processes_on_kafka(plan: Plan, broker: &Broker) -> Aftermath {
    println!("{plan:?}");
    let begin = Instant::now();
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    world.set_session_timeout(SESSION_TIMEOUT_MS);
    if plan.delivery == Delivery::AtLeastOnce {
        world.config["sampler"]["delivery"] = json!("at_least_once");
    }
    let mut attack = Attack::new(&world, broker, plan.seed);
    let load = Load::start(
        attack.ingest.grpc_endpoint(),
        plan.seed,
        plan.spans_per_second,
    );
    let mut round = 0;
    while attack.aftermath.kills_of("sampler") < plan.kills || begin.elapsed() < plan.at_least {
        attack.round(round);
        round += 1;
    }
    let sent = load.stop();
    attack.settle(&world, plan.delivery);
    attack.aftermath.count(&world, &sent);
    attack.aftermath.took = begin.elapsed();
    attack.aftermath
}

struct Attack<'a> {
    broker: &'a Broker,
    rng: Rng,
    ingest: Tailwater,
    samplers: Vec<Tailwater>,
    enrichers: Vec<Tailwater>,
    export: Tailwater,
    /// Which step is next, so that each has its turn.
    steps: usize,
    aftermath: Aftermath,
}

impl<'a> Attack<'a> {
    /// Everything runs but the third sampler.
    fn new(world: &World, broker: &'a Broker, seed: u64) -> Self {
        let mut attack = Self {
            broker,
            rng: Rng::with_seed(seed),
            ingest: world.process("ingest", "ingest"),
            samplers: ["a", "b", "c"]
                .map(|name| world.process("sample", name))
                .into(),
            enrichers: ["d", "e"].map(|name| world.process("enrich", name)).into(),
            export: world.process("export", "export"),
            steps: 0,
            aftermath: Aftermath {
                plan_seed: seed,
                ..Aftermath::default()
            },
        };
        attack.ingest.start_and_wait();
        let others = attack.samplers[..2].iter_mut().chain(&mut attack.enrichers);
        others.for_each(Tailwater::start_and_wait);
        attack.export.start_and_wait();
        attack
    }

    /// Kills one sampler at an instant and then at a step, and does whatever else is due; everything comes round within ten rounds.
    fn round(&mut self, round: u32) {
        let third = self.samplers[2].is_running();
        let which = self.rng.usize(0..if third { 3 } else { 2 });
        self.kill_sampler(which);
        self.steer_sampler(which);
        match round % 10 {
            1 => self.samplers[2].start(),
            2 | 7 => self.steer(true),
            3 => self.outage(),
            4 | 8 => self.steer(false),
            5 => self.stand_still(),
            6 if third => {
                self.samplers[2].wait_ready();
                assert_eq!(self.samplers[2].stop(), 0, "a member leaves in peace");
            }
            9 => self.kill_ingest(),
            _ => {}
        }
    }

    fn kill_sampler(&mut self, which: usize) {
        let victim = &mut self.samplers[which];
        // One in three dies before it has recovered from its last death.
        if self.rng.u8(0..3) > 0 {
            victim.wait_ready();
        }
        until_some_instant(&mut self.rng, 0..2500);
        kill(victim, "sampler", &mut self.aftermath);
        match self.rng.u8(0..8) {
            0 => std::thread::sleep(LONGER_THAN_A_SESSION),
            _ => until_some_instant(&mut self.rng, 0..300),
        }
    }

    /// Starts a sampler, to die at the next step; then as it should.
    fn steer_sampler(&mut self, which: usize) {
        let step = Step::ALL[self.steps % Step::ALL.len()];
        self.steps += 1;
        let times = match step {
            Step::Recovered => 1,
            _ => self.rng.u64(1..8),
        };
        let victim = &mut self.samplers[which];
        die_at(victim, "sampler", step, times, &mut self.aftermath);
        until_some_instant(&mut self.rng, 0..300);
        victim.start();
    }

    /// The same with enrich, or export.
    fn steer(&mut self, enrich: bool) {
        let times = self.rng.u64(1..6);
        let (victim, stage, step) = if enrich {
            let step = STEPS_OF_ENRICH[self.steps % STEPS_OF_ENRICH.len()];
            let which = self.rng.usize(0..self.enrichers.len());
            (&mut self.enrichers[which], "enrich", step)
        } else {
            let step = STEPS_OF_EXPORT[self.steps % STEPS_OF_EXPORT.len()];
            (&mut self.export, "export", step)
        };
        victim.wait_ready();
        kill(victim, stage, &mut self.aftermath);
        die_at(victim, stage, step, times, &mut self.aftermath);
        victim.start();
    }

    /// The broker dies, and with it ingest, which may hold what it could not publish yet.
    fn outage(&mut self) {
        self.broker.kill();
        until_some_instant(&mut self.rng, 200..2000);
        kill(&mut self.ingest, "ingest", &mut self.aftermath);
        self.broker.restart();
        self.aftermath.outages += 1;
        self.ingest.start_and_wait();
    }

    fn kill_ingest(&mut self) {
        kill(&mut self.ingest, "ingest", &mut self.aftermath);
        self.ingest.start_and_wait();
    }

    /// A sampler that wakes up after its partitions have moved on must not commit.
    fn stand_still(&mut self) {
        let still = &mut self.samplers[self.rng.usize(0..2)];
        still.wait_ready();
        still.signal("-STOP");
        std::thread::sleep(LONGER_THAN_A_SESSION);
        still.signal("-CONT");
    }

    /// Until everything has arrived, and everybody has drained.
    fn settle(&mut self, world: &World, delivery: Delivery) {
        let bus = world.bus();
        let backends: &[&str] = match delivery {
            Delivery::ExactlyOnce => &["kept"],
            // What the sampler repeats is not worth waiting for.
            Delivery::AtLeastOnce => &[],
        };
        wait_until("everything to arrive", SETTLED_WITHIN, || {
            world
                .lags(&*bus, backends)
                .is_some_and(|lags| lags.is_empty())
        });
        let all = (self.samplers.iter_mut())
            .chain(&mut self.enrichers)
            .chain([&mut self.export, &mut self.ingest]);
        for process in all {
            if process.is_running() {
                assert_eq!(process.stop(), 0, "{} drains", process.name);
            }
            self.aftermath.rebalances += process.logged("partitions revoked");
        }
    }
}

fn kill(victim: &mut Tailwater, stage: &'static str, aftermath: &mut Aftermath) {
    assert!(victim.is_running(), "{} ended by itself", victim.name);
    victim.kill();
    aftermath.died(stage, "at an instant");
}

fn die_at(
    victim: &mut Tailwater,
    stage: &'static str,
    step: Step,
    times: u64,
    aftermath: &mut Aftermath,
) {
    // A release build has no steps.
    if !cfg!(debug_assertions) {
        return;
    }
    let deaths = victim.logged(DYING);
    victim.start_dying_at(step, times);
    if victim.wait_dead(COMES_TO_A_STEP_WITHIN) {
        let died = victim.logged(DYING) > deaths;
        assert!(died, "{} ended by itself", victim.name);
        aftermath.died(stage, step.name());
    } else {
        kill(victim, stage, aftermath);
    }
}
