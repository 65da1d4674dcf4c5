//! All backends side by side, a thread each.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use bus::Bus;
use runtime::{Drain, Health};
use schemas::Topics;

use crate::config::Config;
use crate::shell::backend::BackendRun;

/// Runs all backends side by side until they are drained. Blocks. When one can't go on, the others are drained,
/// and its error is returned.
///
/// The topics `clean` of all signals and `dead_letters` must exist.
///
/// # Errors
/// A backend that can't be set up (certificates, a file), or a bus that can't be used any more. A backend that is down is none.
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
            let run = BackendRun {
                backend,
                bus: bus.clone(),
                topics: topics.clone(),
                instance: instance.to_owned(),
                ready,
                drain: drain.clone(),
            };
            let report = report.clone();
            let work = move || {
                let run = std::panic::AssertUnwindSafe(|| run.run());
                let outcome = std::panic::catch_unwind(run);
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
