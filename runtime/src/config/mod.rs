//! Configuration: the vocabulary that every stage's raw configuration is written in, and the way from a file to it.
//!
//! Each crate has two types for its section: `Raw…` as the user wrote it (serde, schemars, defaults), and a validated one, as
//! used. `Raw….validate(path, &mut Problems)` turns one into the other and reports every problem by its path; [`load`] adds
//! line, column and "did you mean", from the file.

mod address;
mod environment;
mod foreign;
mod gap;
#[cfg(test)]
mod gaps_tests;
mod load;
mod locate;
mod merge;
mod peek;
mod problems;
mod report;
mod scalar;
mod secret;
mod shape;
mod stand_in;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;
mod units;
#[cfg(test)]
mod values_tests;

pub use address::{LISTEN_PATTERN, listen_address};
pub use environment::Environment;
pub use foreign::read_foreign;
pub use load::{Loaded, Source, load, process_environment};
pub use peek::peek;
pub use problems::{Problem, Problems};
pub use report::{ConfigError, Warnings};
pub use secret::Secret;
pub use suggest::{FOREIGN_KEYS, nearest};
pub use units::{ByteSize, Duration};
