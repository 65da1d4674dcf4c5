//! Kafka topics that somebody else writes, as sources: what they hold becomes OTLP, and is partitioned anew into the raw topics, exactly once.
//!
//! A format is one line of the table in `format`; what a foreign one means is in `foreign/`. Nothing here listens on a socket.

mod config;
mod epoch;
mod format;
mod rekey;

pub use config::{Kafka, RawKafka, RawSignal, RawSource, Source};
pub use format::Format;
pub use rekey::rekey;
