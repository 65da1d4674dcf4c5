//! Policies: which traces are kept, with the names, fields and results of the Collector's `tail_sampling`.

mod raw;

pub use raw::RawPolicy;

/// All policies of a configuration, compiled.
#[derive(Debug)]
pub struct Policies {}

impl Policies {
    /// Names, in the order of the configuration; `Counts::verdicts` and the decision log index them.
    pub fn names(&self) -> &[String] {
        todo!()
    }

    /// Number of rate budgets: length of `demand()` and of shares.
    pub fn budgets(&self) -> usize {
        todo!()
    }
}
