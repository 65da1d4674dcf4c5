//! `tailwater run` on the embedded bus, killed again and again under load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::Bus;
use fastrand::Rng;

use super::{Aftermath, DECISION_WAIT_MS, Plan, SETTLED_WITHIN, until_some_instant};
use crate::process::Tailwater;
use crate::sending::Load;
use crate::wait_until;
use crate::world::World;

/// A process that has just started has nothing pending either, for it has read nothing yet.
const QUIET_FOR: Duration = Duration::from_secs(2);

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
    while aftermath.kills() < plan.kills || begin.elapsed() < plan.at_least {
        if rng.u8(0..3) > 0 {
            all.wait_ready();
        }
        until_some_instant(&mut rng, 0..3000);
        assert!(all.is_running(), "it ended by itself");
        all.kill();
        aftermath.died("run", "at an instant");
        all.start();
    }
    let sent = load.stop();
    let bus = come_to_rest(&world, &mut all, &["kept"]);
    aftermath.count_on(&*bus, &world, &sent);
    aftermath.took = begin.elapsed();
    aftermath
}

/// Stops a process that has an embedded bus once it has nothing left to do, and opens the bus in its place.
pub fn come_to_rest(world: &World, process: &mut Tailwater, backends: &[&str]) -> Arc<dyn Bus> {
    let begin = Instant::now();
    loop {
        let mut quiet_since = Instant::now();
        wait_until("every window to close", SETTLED_WITHIN, || {
            let metrics = process.metrics();
            let quiet = process.is_ready()
                && metrics.sum(sampler::names::PENDING, &[]) == 0.0
                && metrics.sum(sampler::names::OPEN_TRACES, &[]) == 0.0;
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
