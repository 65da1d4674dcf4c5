//! The letters on the bus.

use std::sync::Arc;

use anyhow::bail;
use bus::Bus;
use export::letters::{Filter, Letters};
use schemas::Topics;

use crate::config::Config;

/// Exit code: some letters were refused again, or what was asked for isn't there.
pub const NOT_ALL: i32 = 1;

/// The letters on the bus of a configuration.
pub fn open(config: &Config, filter: &Filter) -> anyhow::Result<(Letters, Topics)> {
    let topics = Topics::new(&config.bus.prefix);
    if let Some(reason) = config.bus.absent() {
        bail!(reason);
    }
    let bus: Arc<dyn Bus> = match config.bus.open() {
        Ok(bus) => bus,
        Err(bus::Error::Fatal(reason)) if reason.contains("in use by") => bail!(
            "{reason}; an embedded bus belongs to one process at a time: stop that one, and start it again afterwards"
        ),
        Err(error) => return Err(error.into()),
    };
    let letters = Letters::open(bus, &topics, filter.from_ms)?;
    Ok((letters, topics))
}
