//! Configuration: the vocabulary that every stage's raw configuration is written in, and the way from a file to it.
//!
//! Each crate has two types for its section: `Raw…` as the user wrote it (serde, schemars, defaults), and a validated one, as
//! used. `Raw….validate(path, &mut Problems)` turns one into the other and reports every problem by its path; [`load`] adds
//! line, column and "did you mean", from the file.

mod environment;
mod foreign;
mod load;
mod peek;
mod problems;
mod report;
mod scalar;
mod secret;
mod shape;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;
mod units;

pub use environment::Environment;
pub use foreign::read_foreign;
pub use load::{load, process_environment};
pub use peek::peek;
pub use problems::{Problem, Problems};
pub use report::ConfigError;
pub use secret::Secret;
pub use suggest::{FOREIGN_KEYS, nearest};
pub use units::{ByteSize, Duration};
