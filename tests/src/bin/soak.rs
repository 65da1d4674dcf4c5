//! The crash test for as long as one likes: `cargo run --release -p tailwater-tests --bin soak -- --minutes 30`.
//!
//! Rounds of kills, rebalances and broker outages on a real Kafka and, in between, on the embedded bus; each round is settled and printed.
//! Ends with 1 at the first span that was lost or doubled. In a build without `--release` some of the deaths are at chosen steps.
//! `--outage-minutes N` does something else: the brokers are away at the start, and later for so long.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use tests::chaos::{self, Delivery, Outage, Plan};
use tests::kafka::Broker;

/// Longer rounds find more, shorter ones say earlier.
const ROUND: Duration = Duration::from_secs(300);

/// Kills, rebalances and broker outages under load, for as long as you like; ends with 1 at the first span lost or doubled
#[derive(Parser)]
struct Options {
    /// For how long
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// What happens when follows from it; the first round's, each round after it has the next; by default a random one
    #[arg(long)]
    seed: Option<u64>,
    /// Spans a second
    #[arg(long, default_value_t = 5000.0)]
    rate: f64,
    /// Instead of all that: the brokers are away at the start, and later for so many minutes
    #[arg(long, conflicts_with = "minutes")]
    outage_minutes: Option<f64>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let (minutes, spans_per_second) = (options.minutes, options.rate);
    let mut seed = options.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    if let Some(minutes) = options.outage_minutes {
        return outage(minutes, seed, spans_per_second);
    }
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
            (0, Ok(broker)) => chaos::processes_on_kafka(plan, &broker),
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

fn outage(minutes: f64, seed: u64, spans_per_second: f64) -> ExitCode {
    let Ok(broker) = Broker::start() else {
        return ExitCode::FAILURE;
    };
    let outage = Outage {
        seed,
        at_start: Duration::from_secs(30),
        later: Duration::from_secs_f64(minutes * 60.0),
        spans_per_second,
    };
    let aftermath = chaos::brokers_away(outage, &broker);
    println!("{aftermath}");
    match aftermath.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
