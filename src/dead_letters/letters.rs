//! The letters on the bus.
//!
//! What enrich keeps aside has the form of dead letters, on a topic of its own; the same commands read it.

use anyhow::Context;
use export::letters::{Filter, Letters};
use schemas::Topics;

use crate::config::Config;
use crate::stored;

/// Exit code: some letters were refused again, or what was asked for isn't there.
pub const NOT_ALL: i32 = 1;

/// Which topic a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Dead,
    Quarantined,
}

impl Kind {
    /// One of them, in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dead => "dead letter",
            Self::Quarantined => "quarantined letter",
        }
    }
}

/// The letters on the bus of a configuration.
pub fn open(config: &Config, kind: Kind, filter: &Filter) -> anyhow::Result<(Letters, Topics)> {
    let topics = Topics::new(&config.bus.prefix);
    let bus = stored::open(config)?;
    let letters = match kind {
        Kind::Dead => Letters::open(bus, &topics, filter.from_ms)?,
        Kind::Quarantined => {
            let opened = Letters::open_quarantine(bus, &topics, filter.from_ms);
            opened.with_context(|| {
                format!(
                    "cannot read {}; enrich writes it where a detector of enrich.pii has the action `quarantine`",
                    topics.quarantine()
                )
            })?
        }
    };
    Ok((letters, topics))
}
