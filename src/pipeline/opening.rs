//! The bus of a process: opened with its topics, and waited for as long as it can't be reached.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, BusKind, TopicSpec};
use runtime::{Drain, Readiness};

use super::live_bus::LiveBus;
use crate::config::Config;
use crate::stage::Stage;

/// Between two attempts to reach the bus. Always the same: whoever starts a bus wants to see it used.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// Opens the bus and makes its topics, again and again until it can be reached.
pub async fn open(
    config: &Config,
    live: &LiveBus,
    stages: &[Stage],
    ready: &Readiness,
    stop: &Drain,
) -> anyhow::Result<Option<Arc<dyn Bus>>> {
    let mut waiting: Option<(Instant, String)> = None;
    let alone = alone(stages);
    let specs: Arc<[TopicSpec]> = config.topic_specs(stages).into();
    loop {
        let attempt = live.config();
        let specs = specs.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let bus = attempt.open()?;
            bus.ensure_topics(&specs)?;
            Ok(bus)
        });
        match opened.await? {
            Ok(bus) => {
                if let Some((since, _)) = waiting {
                    let waited_s = since.elapsed().as_secs();
                    tracing::info!(waited_s, "the bus is there");
                }
                live.is_open(bus.clone());
                ready.ready();
                warn_if_alone(config, alone);
                return Ok(Some(bus));
            }
            Err(error @ (bus::Error::Unavailable(_) | bus::Error::Denied(_))) => {
                let reason = error.to_string();
                let since = waiting
                    .as_ref()
                    .map_or_else(Instant::now, |(since, _)| *since);
                // One warning says it, until the reason is another one.
                let said = waiting.as_ref().is_some_and(|(_, said)| *said == reason);
                announce(&error, said);
                ready.not_ready(format!("waiting for the bus: {reason}"));
                waiting = Some((since, reason));
            }
            Err(error) => {
                let embedded = matches!(config.bus.kind, BusKind::Embedded(_));
                return match alone {
                    Some(stage) if embedded => Err(anyhow::Error::from(error).context(format!(
                        "{} runs alone, and an embedded bus belongs to one process: set bus.kafka, or run all stages together by `tailwater run`",
                        stage.name()
                    ))),
                    _ => Err(error.into()),
                };
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => {}
            () = stop.requested() => return Ok(None),
        }
    }
}

/// The stage that runs here, if there is only one.
pub fn alone(stages: &[Stage]) -> Option<Stage> {
    match stages {
        [stage] => Some(*stage),
        _ => None,
    }
}

/// An embedded bus is of no use to a stage that runs alone.
fn warn_if_alone(config: &Config, alone: Option<Stage>) {
    if let (BusKind::Embedded(_), Some(stage)) = (&config.bus.kind, alone) {
        tracing::warn!(
            stage = stage.name(),
            "this stage runs alone on an embedded bus, which no other process can use; set bus.kafka, or run all stages by `tailwater run`"
        );
    }
}

/// Says why the bus can't be used. `said`: that was said already.
fn announce(reason: &bus::Error, said: bool) {
    match reason {
        _ if said => tracing::debug!(%reason, "the bus can't be used; waiting for it"),
        bus::Error::Denied(_) => tracing::error!(
            %reason,
            "the bus refuses us a right; waiting until it is given (docs/how-to/secure.md lists all rights)"
        ),
        _ => tracing::warn!(
            %reason,
            "the bus can't be reached; waiting for it: start it, or correct its address in the section `bus`"
        ),
    }
}
