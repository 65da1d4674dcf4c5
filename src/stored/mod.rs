//! What is stored on the bus, as commands read it: from outside, in no group, and without writing.

mod age;
mod reading;
mod text;
mod trace;

use std::sync::Arc;

use anyhow::bail;
use bus::Bus;

use crate::config::Config;
pub use age::{age, since_ms};
pub use reading::{Reading, Source, read};
pub use text::{CHARS_MAX, plain, time};
pub use trace::trace_id;

/// The bus of a configuration. Nothing is created.
///
/// # Errors
/// There is none, it can't be reached, or another process has it.
pub fn open(config: &Config) -> anyhow::Result<Arc<dyn Bus>> {
    if let Some(reason) = config.bus.absent() {
        bail!(reason);
    }
    match config.bus.open() {
        Ok(bus) => Ok(bus),
        Err(bus::Error::Fatal(reason)) if reason.contains("in use by") => bail!(
            "{reason}; an embedded bus belongs to one process at a time: stop that one, and start it again afterwards"
        ),
        Err(error) => Err(error.into()),
    }
}
