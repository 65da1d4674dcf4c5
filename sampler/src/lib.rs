//! The tail sampler: each trace is decided as a whole, with hindsight, and the log is the only state.
//!
//! The pure core is `window`, `verdicts`, `policy`, `cache` and, putting them together, [`partition`]; the shell is `session`
//! (the consumer), `dataflow` and `worker` (timely), `commit`, `recovery` and `reread` (the bus).

pub mod budget;
mod cache;
mod clock;
mod commit;
pub mod config;
mod counters;
mod dataflow;
mod decide;
mod emit;
mod facts;
mod index;
mod log;
mod names;
pub mod partition;
mod pending;
pub mod policy;
pub mod position;
mod progress;
mod recovery;
mod reread;
mod session;
mod verdicts;
mod window;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bus::Bus;
use runtime::{Drain, Readiness};
use schemas::{Signal, Topics};

pub use config::{Config, RawConfig};
use session::Ended;

/// Between two sessions, so that a member that is fenced again and again doesn't spin.
const REJOIN_AFTER: Duration = Duration::from_millis(500);

/// Samples until drained. Blocks the calling thread, which becomes the consumer.
///
/// # Errors
/// What no retry mends: topics that don't fit together, a decision log that can't be read, a bus that refuses commits for good.
pub fn run(
    mut config: Config,
    bus: Arc<dyn Bus>,
    topics: Topics,
    instance: String,
    ready: Readiness,
    drain: Drain,
) -> anyhow::Result<()> {
    let raw = topics.raw(Signal::Traces);
    config.options.partitions = bus
        .partition_count(&raw)
        .with_context(|| format!("cannot learn the partition count of {raw}"))?;
    loop {
        match session::run(&config, &bus, &topics, &instance, &ready, &drain)? {
            Ended::Drained => return Ok(()),
            Ended::Fenced(_) if drain.is_requested() => return Ok(()),
            Ended::Fenced(reason) => {
                ready.not_ready("joining the group again");
                tracing::warn!(%reason, "the sampler was fenced; joining the group again");
                std::thread::sleep(REJOIN_AFTER);
            }
        }
    }
}
