//! Configuration: the vocabulary that every stage's raw configuration is written in, and the way from a file to it.
//!
//! Each crate has two types for its section: `Raw…` as the user wrote it (serde, schemars, defaults), and a validated one, as
//! used. `Raw….validate(path, &mut Problems)` turns one into the other and reports every problem by its path; [`load`] adds
//! line, column and "did you mean", from the file.

mod foreign;
mod gap;
#[cfg(test)]
mod gaps_tests;
mod load;
mod path;
mod peek;
mod problems;
mod report;
mod schema;
#[cfg(test)]
mod tests;
mod values;
#[cfg(test)]
mod values_tests;
mod yaml;

pub use foreign::read_foreign;
pub use load::{Loaded, Source, load, process_environment};
pub use peek::peek;
pub use problems::{Problem, Problems};
pub use report::{ConfigError, Warnings};
pub use schema::{FOREIGN_KEYS, nearest};
pub use values::{
    ByteRate, ByteSize, Duration, LISTEN_PATTERN, Secret, listen_address, with_marked_secrets,
};
pub use yaml::Environment;
