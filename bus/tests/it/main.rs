//! Integration tests of `bus`, in one binary: the bus: one conformance suite for both, crashes, power cuts, a model, and Kafka's own faults.
#![allow(clippy::unwrap_used)]

mod conformance;
mod crash;
mod fixture;
mod kafka;
mod model;
mod power;
mod transactions;
