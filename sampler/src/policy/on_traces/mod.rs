//! What whole traces are asked: rules over bits, counts and chance, and the ruling of all policies together.

pub(super) mod chance;
pub(super) mod consistent;
pub(crate) mod daily_budget;
pub(super) mod keyed;
pub(super) mod outcome;
pub(super) mod probability;
pub(super) mod rule;
pub(super) mod ruling;
pub(super) mod state;
pub(super) mod trace_facts;
