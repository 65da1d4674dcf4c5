//! The stage as it runs: each backend joins its group, reads, hands records to its lanes, and leaves when drained.

pub mod backend;
mod holding;
mod intake;
pub mod membership;
pub mod pump;
pub mod reload;
pub mod run;
