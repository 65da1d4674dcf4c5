//! From the bus to many backends, each with its own consumer group: a slow or dead one holds up no other.
//!
//! Export reads only what enrich has written. It is at least once: a position is committed when the backend has
//! accepted every record below it, or the dead letters have. What a crash repeats is bounded by what is in flight,
//! `concurrency × batch.bytes` a signal. Payload is neither decoded nor copied: records are concatenated as they are.
//!
//! The way of a record: [`backend`](run_backend) polls it into a `lane`, where it waits for a `batch`; `delivery` offers that
//! to a `sink` when the `gate` lets it, `retry` says what an answer means and `breaker` whom it is about, `pieces` divides what
//! is refused, down to what `cut` makes of a record; `ledger` commits what `progress` says is done.

mod backend;
mod batch;
mod breaker;
mod client;
mod config;
mod counts;
mod cut;
mod dead_letters;
mod delivery;
mod entry;
mod gate;
mod lane;
mod ledger;
pub mod letters;
mod membership;
mod pieces;
mod progress;
mod retry;
mod sink;
mod slots;
mod under_way;

use std::sync::Arc;

use anyhow::{Context, anyhow};
use bus::Bus;
use runtime::{Drain, Health};
use schemas::Topics;

pub use backend::run_backend;
pub use config::*;
pub use counts::register;

/// Runs all backends side by side until they are drained. Blocks. When one can't go on, the others are drained,
/// and its error is returned.
///
/// The topics `clean` of all signals and `dead_letters` must exist.
pub fn run(
    config: Config,
    bus: Arc<dyn Bus>,
    topics: &Topics,
    instance: &str,
    health: &Health,
    drain: &Drain,
) -> anyhow::Result<()> {
    let mut first_error = Ok(());
    let (report, reports) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for backend in config.backends {
            let ready = health.shown(&format!("export/{}", backend.name));
            let name = backend.name.clone();
            let (bus, topics, instance) = (bus.clone(), topics.clone(), instance.to_owned());
            let (own_drain, report) = (drain.clone(), report.clone());
            let work = move || {
                let work = || run_backend(backend, bus, topics, instance, ready, own_drain);
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                let outcome = outcome.unwrap_or_else(|_| Err(anyhow!("the exporter panicked")));
                let _ = report.send(outcome);
            };
            let spawned = std::thread::Builder::new()
                .name(format!("poll-{name}"))
                .spawn_scoped(scope, work);
            if let Err(error) = spawned {
                first_error = Err(error).context("can't start the exporter's thread");
                drain.request();
                break;
            }
        }
        drop(report);
        for outcome in reports {
            if let Err(error) = outcome {
                tracing::error!("{error:#}");
                drain.request();
                if first_error.is_ok() {
                    first_error = Err(error);
                }
            }
        }
    });
    first_error
}
