//! Configuration: the vocabulary that every stage's raw configuration is written in.
//!
//! Each crate has two types for its section: `Raw…` as the user wrote it (serde, schemars, defaults), and a validated one, as
//! used. `Raw….validate(path, &mut Problems)` turns one into the other and reports every problem by its path; line,
//! column and "did you mean" are added here, from the file.

mod problems;
mod units;

pub use problems::{Problem, Problems};
pub use units::{ByteSize, Duration};
