//! OTLP JSON lines in a file.

mod collisions;
mod config;
mod kind;
#[cfg(test)]
mod tests;
mod writer;

pub use config::{FileConfig, RawFile, RawRotate};
