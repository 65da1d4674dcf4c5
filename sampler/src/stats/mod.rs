//! Statistics that verdicts depend on: what a partition has decided lately, by key.
//!
//! A policy that looks at more than one trace has a *key* for each trace (the fingerprint of some fields, or of the trace's shape) and asks here. What is
//! known comes from two sources. The partition's own [`Statistics`] are a pure function of the entries of its decision log: [`Statistics::observe`] is fed
//! with each new verdict, and at recovery with those of the log. The [`Group`] holds what other partitions decided, brought by the epochs' exchange (and of other processes, by the
//! fleet's topic); it lags behind by an epoch, and is not part of what replays.
//!
//! Deliberately absent: chance, wall clock, payload. Everything is bounded in bytes.

mod allocation;
mod gathering;
mod group;
mod operations;
mod rule;
pub(crate) mod set_hash;
mod sketch;
mod statistics;
mod tally;
mod throughput;

pub(crate) use gathering::Gathering;
pub use gathering::{Tallied, Update};
pub(crate) use group::Group;
pub(crate) use rule::{Keyed, Kind, Measure, exchanged_identities};
pub(crate) use statistics::{Seen, Statistics};
pub(crate) use throughput::{EXEMPT, Goal, INTERVALS_MAX, LIMITED, Method, OTHERS, Throughput};

#[cfg(test)]
mod tests;
