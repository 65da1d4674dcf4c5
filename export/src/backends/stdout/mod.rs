//! The terminal.

mod config;
mod kind;
mod lines;
mod terminal;

pub use config::{RawStdout, StdoutConfig};
