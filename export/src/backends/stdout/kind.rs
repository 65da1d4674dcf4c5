//! The terminal as a kind of backend.

use runtime::config::Problems;
use schemas::Signal;

use super::config::{RawStdout, StdoutConfig};
use super::terminal::Terminal;
use crate::backends::kind::{BackendKind, Opening};

impl BackendKind for StdoutConfig {
    type Section = RawStdout;
    type Sink = Terminal;

    /// One writer keeps the lines apart, and is as fast as the terminal is.
    const CONCURRENCY_MAX: usize = 1;

    fn validate(_: &RawStdout, _: &[Signal], _: &str, _: &mut Problems) -> Self {
        Self
    }

    fn target(_: &RawStdout) -> Option<String> {
        None
    }

    fn open(&self, _: &Opening<'_>) -> anyhow::Result<Terminal> {
        Ok(Terminal::new(Box::new(std::io::stdout())))
    }
}
