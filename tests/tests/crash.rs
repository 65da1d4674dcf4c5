//! Processes killed at random instants under load: nothing that was acknowledged is lost, nothing is doubled on the bus.
//!
//! `TAILWATER_SEED` repeats the order of attacks of an earlier run. The long form is `--bin soak`.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use tests::chaos::{self, Delivery, Plan};
use tests::kafka::Broker;

/// A process that dies may have handed a backend what it could not record any more: at most what was in flight.
const REPEATED_A_KILL_MAX: u64 = 1000;

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

#[test]
fn samplers_on_kafka_lose_and_double_nothing() {
    let Ok(broker) = Broker::start() else { return };
    let aftermath = chaos::samplers_on_kafka(plan(20), &broker);
    aftermath.assert_clean();
    assert!(aftermath.kills >= 20 && aftermath.outages >= 1);
}

#[test]
fn one_process_on_the_embedded_bus_loses_and_doubles_nothing() {
    let aftermath = chaos::everything_on_one_machine(plan(10));
    aftermath.assert_clean();
    assert!(aftermath.kills >= 10);
    let bound = u64::from(aftermath.kills) * REPEATED_A_KILL_MAX;
    assert!(
        aftermath.repeated_at_backend <= bound,
        "more than {bound} spans came again"
    );
}

/// The cheaper promise: after a crash the last epoch may come again, and that is all.
#[test]
fn at_least_once_loses_nothing_and_doubles_little() {
    let Ok(broker) = Broker::start() else { return };
    let plan = Plan {
        delivery: Delivery::AtLeastOnce,
        ..plan(8)
    };
    let aftermath = chaos::samplers_on_kafka(plan, &broker);
    println!("{aftermath}");
    let account = &aftermath.account;
    assert!(account.loses_nothing(), "{aftermath}");
    assert_eq!(aftermath.unacknowledged, 0, "{aftermath}");
    assert!(account.kept > 0 && account.dropped > 0, "{aftermath}");
    let bound = u64::from(aftermath.kills) * REPEATED_A_KILL_MAX;
    assert!(account.doubled.count <= bound, "{aftermath}");
}
