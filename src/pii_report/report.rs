//! All that a report prints, for people and for programs.

use super::judge::Judge;
use super::rows::Rows;
use super::sample::Sample;
use crate::stored::{Reading, Source};

/// What there is to print.
pub struct Report {
    pub judge: Judge,
    pub from_ms: u64,
    pub to_ms: u64,
    pub sample: Sample,
    pub sources: Vec<Source>,
    pub reading: Reading,
    pub rows: Rows,
    /// The section of the configuration that goes with what was found.
    pub suggestion: Option<String>,
}
