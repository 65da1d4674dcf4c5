//! OTLP JSON lines in a file.

mod collisions;
mod config;
mod kind;
mod writer;

pub use config::{FileConfig, RawFile, RawRotate};
