//! The crash test for as long as one likes: `cargo run --release -p tailwater-tests --bin soak -- --minutes 30`.
//!
//! Rounds of kills, rebalances and broker outages on a real Kafka and, in between, on the embedded bus; each round is
//! settled and printed. Ends with 1 at the first span that was lost or doubled.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tests::chaos::{self, Delivery, Plan};
use tests::kafka::Broker;

/// Longer rounds find more, shorter ones say earlier.
const ROUND: Duration = Duration::from_secs(300);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<f64>().ok()
    };
    let minutes = option("--minutes").unwrap_or(30.0);
    let mut seed = option("--seed").map_or_else(|| fastrand::u64(..1_000_000), |seed| seed as u64);
    let spans_per_second = option("--rate").unwrap_or(5000.0);
    println!("{minutes} minutes at {spans_per_second} spans/s, first seed {seed}");
    let begin = Instant::now();
    let whole = Duration::from_secs_f64(minutes * 60.0);
    while begin.elapsed() < whole {
        let plan = Plan {
            seed,
            kills: 0,
            at_least: ROUND.min(whole - begin.elapsed()),
            spans_per_second,
            delivery: Delivery::ExactlyOnce,
        };
        let aftermath = match (seed % 2, Broker::start()) {
            (0, Ok(broker)) => chaos::samplers_on_kafka(plan, &broker),
            _ => chaos::everything_on_one_machine(plan),
        };
        println!("{aftermath}\n");
        if !aftermath.is_clean() {
            return ExitCode::FAILURE;
        }
        seed += 1;
    }
    ExitCode::SUCCESS
}
