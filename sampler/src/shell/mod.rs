//! The shell: membership, epochs, the dataflow and commits. What it hands to the core and takes from it is data.

pub(crate) mod commit;
pub(crate) mod consumer;
pub(crate) mod counters;
pub(crate) mod dataflow;
pub(crate) mod emitting;
pub(crate) mod gather;
mod operators;
pub(crate) mod progress;
pub(crate) mod rebalance;
pub(crate) mod reload;
mod report;
pub(crate) mod session;
mod tenant_counters;
pub(crate) mod worker;
