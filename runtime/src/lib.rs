//! How a stage runs: configuration, its own telemetry, the admin endpoint, shutdown. What a stage does is elsewhere.

pub mod admin;
pub mod config;
pub mod drain;
pub mod logging;
pub mod names;

pub use admin::{Health, Readiness};
pub use drain::Drain;
