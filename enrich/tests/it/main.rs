//! Integration tests of `enrich`, in one binary: the stage over a real bus.
#![allow(clippy::unwrap_used)]

mod quarantine;
mod stage;
mod steps;
mod tables;
