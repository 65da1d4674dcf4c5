//! Records on their way to a backend: looked at once, gathered into batches, cut when a backend takes only parts. Pure.

pub mod batch;
pub(crate) mod cut;
pub mod entry;
pub(crate) mod grouping;
pub mod limits;
pub mod output;
pub mod parts;
pub mod skipped;
