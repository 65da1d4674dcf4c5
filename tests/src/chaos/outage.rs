//! The brokers are away: when every process starts, and again later, under load, for as long as is asked. Nobody ends by itself, nobody's
//! memory grows without bound, and when the brokers are back nothing is missing.

use std::time::{Duration, Instant};

use super::{Aftermath, DECISION_WAIT_MS, SETTLED_WITHIN};
use crate::kafka::Broker;
use crate::process::Tailwater;
use crate::sending::Load;
use crate::wait_until;
use crate::world::World;

/// For how long the brokers are away.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    pub seed: u64,
    pub at_start: Duration,
    pub later: Duration,
    pub spans_per_second: f64,
}

/// Between two looks at the processes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long load is sent before and after the outage.
const TRAFFIC_FOR: Duration = Duration::from_secs(10);

/// # Panics
/// If a process ends by itself, or what was sent does not arrive.
pub fn brokers_away(outage: Outage, broker: &Broker) -> Aftermath {
    println!("{outage:?}");
    let begin = Instant::now();
    let mut world = World::kafka(broker);
    world.set_decision_wait(DECISION_WAIT_MS);
    broker.kill();
    let commands = ["ingest", "sample", "enrich", "export"];
    let mut processes = commands.map(|command| world.process(command, command));
    processes.iter_mut().for_each(Tailwater::start);
    watch(&mut processes, outage.at_start);
    for process in &mut processes {
        assert!(
            !process.is_ready(),
            "{} is ready without brokers",
            process.name
        );
    }
    broker.restart();
    processes.iter_mut().for_each(Tailwater::wait_ready);

    let patience = outage.later + SETTLED_WITHIN;
    let to = processes[0].grpc_endpoint();
    let load = Load::start_patient(to, outage.seed, outage.spans_per_second, patience);
    watch(&mut processes, TRAFFIC_FOR);
    show("before the outage", &processes);
    broker.kill();
    watch(&mut processes, outage.later);
    show("at its end", &processes);
    broker.restart();
    watch(&mut processes, TRAFFIC_FOR);
    let sent = load.stop();
    let bus = world.bus();
    wait_until("everything to arrive", SETTLED_WITHIN, || {
        let lags = world.lags(&*bus, &["kept"]);
        lags.is_some_and(|lags| lags.is_empty())
    });
    show("in the end", &processes);
    for process in &mut processes {
        assert_eq!(process.stop(), 0, "{} drains", process.name);
    }
    let mut aftermath = Aftermath {
        plan_seed: outage.seed,
        outages: 2,
        ..Aftermath::default()
    };
    aftermath.count(&world, &sent);
    aftermath.took = begin.elapsed();
    aftermath
}

/// Everybody runs on for so long.
fn watch(processes: &mut [Tailwater], time: Duration) {
    let until = Instant::now() + time;
    while Instant::now() < until {
        for process in &mut *processes {
            assert!(process.is_running(), "{} ended by itself", process.name);
        }
        std::thread::sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now())));
    }
}

fn show(when: &str, processes: &[Tailwater]) {
    let peaks: Vec<_> = (processes.iter())
        .map(|process| format!("{} {} MiB", process.name, process.peak_memory_bytes() >> 20))
        .collect();
    println!("most memory {when}: {}", peaks.join(", "));
}
