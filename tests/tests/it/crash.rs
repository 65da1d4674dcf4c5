//! Processes killed at random instants under load: nothing that was acknowledged is lost, nothing is doubled on the bus.
//!
//! `TAILWATER_SEED` repeats the order of attacks of an earlier run. The long form is `--bin soak`.

use std::time::Duration;

use bus::fault::Step;
use tests::chaos::{self, Delivery, Plan};
use tests::kafka::Broker;

/// A process that dies may have handed on what it could not record any more: at most what was in flight.
fn assert_bounded(repeated: u64, kills: u32) {
    const REPEATED_A_KILL_MAX: u64 = 1000;
    let bound = u64::from(kills) * REPEATED_A_KILL_MAX;
    assert!(
        repeated <= bound,
        "{repeated} spans came again in {kills} kills"
    );
}

fn plan(kills: u32) -> Plan {
    let seed = std::env::var("TAILWATER_SEED").ok();
    Plan {
        seed: seed.map_or_else(|| fastrand::u64(..1_000_000), |seed| seed.parse().unwrap()),
        kills,
        at_least: Duration::ZERO,
        spans_per_second: 1500.0,
        delivery: Delivery::ExactlyOnce,
    }
}

/// The whole chain, each stage as processes of its own.
#[test]
fn processes_on_kafka_lose_and_double_nothing() {
    let Ok(broker) = Broker::start() else { return };
    let aftermath = chaos::processes_on_kafka(plan(20), &broker);
    aftermath.assert_clean();
    assert!(aftermath.kills_of("sampler") >= 20 && aftermath.outages >= 1);
    for step in Step::ALL {
        let died = aftermath.deaths.get(&("sampler", step.name()));
        assert!(
            died.is_some(),
            "no sampler died when it had {}",
            step.name()
        );
    }
    assert_bounded(aftermath.repeated_at_backend, aftermath.kills_of("export"));
}

#[test]
fn one_process_on_the_embedded_bus_loses_and_doubles_nothing() {
    let aftermath = chaos::everything_on_one_machine(plan(10));
    aftermath.assert_clean();
    assert!(aftermath.kills() >= 10);
    assert_bounded(aftermath.repeated_at_backend, aftermath.kills());
}

/// The cheaper promise: after a crash the last epoch may come again, and that is all.
#[test]
fn at_least_once_loses_nothing_and_doubles_little() {
    let Ok(broker) = Broker::start() else { return };
    let plan = Plan {
        delivery: Delivery::AtLeastOnce,
        ..plan(8)
    };
    let aftermath = chaos::processes_on_kafka(plan, &broker);
    println!("{aftermath}");
    let account = &aftermath.account;
    assert!(account.loses_nothing(), "{aftermath}");
    assert_eq!(aftermath.unacknowledged, 0, "{aftermath}");
    assert!(account.kept > 0 && account.dropped > 0, "{aftermath}");
    assert_bounded(account.doubled.count, aftermath.kills_of("sampler"));
}
