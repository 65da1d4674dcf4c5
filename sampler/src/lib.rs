//! The tail sampler: each trace is decided as a whole, with hindsight, and the log is the only state.
//!
//! The pure core is `decide` (windows and verdicts), `emit` (copying out what was kept), `policy`, `stats` and, putting them together,
//! [`partition`]. `shell` is the membership in the group, the timely dataflow, and commits; `recovery` reads the log again; `fleet` hears
//! what other processes counted.

pub mod budget;
pub mod config;
mod decide;
mod emit;
mod epoch;
mod fleet;
mod memory;
pub mod names;
pub mod options;
pub mod output;
pub mod partition;
pub mod policy;
pub mod position;
pub mod promote;
pub mod reconfigure;
pub mod record;
mod recovery;
pub mod rehearsal;
mod shell;
mod stats;
mod tenant_spans;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::Context;
use bus::{Bus, Timestamps};
use runtime::{Drain, Readiness};
use schemas::{Signal, Topics};
use stage::End;
use xxhash_rust::xxh3::xxh3_64;

pub use config::{Config, RawBudget, RawConfig, RawPolicies, RawTenant, RawTenants};
pub use decide::links;
use options::BusProperties;
use shell::counters;
pub use shell::reload::Reload;
use shell::session::{self, Around, Ended};

/// Its counters, with 0, from the start.
pub fn register(config: &Config) {
    counters::register(&config.policies);
}

/// The decide cursor in the metadata of a position that the sampler committed.
pub fn decide_cursor(metadata: &str) -> Option<u64> {
    let position = position::Position::parse(metadata).ok()?;
    Some(position.decide)
}

/// Samples until drained. Blocks the calling thread, which becomes the consumer.
///
/// # Errors
/// What no retry mends: topics that don't fit together, a decision log that can't be read, a bus that refuses commits for good.
pub fn run(
    mut config: Config,
    bus: Arc<dyn Bus>,
    topics: Topics,
    instance: String,
    reload: Reload,
    ready: Readiness,
    drain: Drain,
) -> anyhow::Result<()> {
    let raw = topics.raw(Signal::Traces);
    let ask = || {
        Ok((
            bus.partition_count(&raw)?,
            bus.timestamps(&raw)?,
            bus.log_id(&topics.decisions())?,
        ))
    };
    let asked = bus::until_reachable(ask, &ready, &drain).with_context(|| {
        format!("cannot learn the partition count of {raw}, whose clock stamps its records, and which decision log is there")
    })?;
    let Some((partitions, timestamps, decision_log)) = asked else {
        return Ok(());
    };
    let wanted = config.options.bus.record_bytes_max;
    config.options.bus = BusProperties {
        partitions,
        record_bytes_max: wanted.min(bus.record_bytes_max()),
        record_bytes_limit: bus.record_bytes_max(),
        copy_cached: bus.values_pin_buffers(),
        stamps: timestamps == Timestamps::LogAppend,
        decision_log: decision_log.map_or(0, |id| xxh3_64(id.as_bytes())),
    };
    let around = Around {
        bus: &bus,
        topics: &topics,
        instance: &instance,
        reload: &reload,
        ready: &ready,
        drain: &drain,
    };
    stage::memberships("sampler", &ready, &drain, || {
        match session::run(&mut config, around) {
            Ok(Ended::Drained) => Ok(()),
            Ok(Ended::Fenced(reason)) => Err(End::Again(reason)),
            Err(error) => Err(End::Failed(error)),
        }
    })
}
