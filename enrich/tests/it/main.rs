//! Integration tests of `enrich`, in one binary: redaction against a model, and the stage over a real bus.
#![allow(clippy::unwrap_used)]

mod redaction;
mod stage;
