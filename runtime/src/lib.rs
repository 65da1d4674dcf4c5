//! How a stage runs: configuration, its own telemetry, the admin endpoint, shutdown. What a stage does is elsewhere.

pub mod admin;
pub mod config;
pub mod connections;
mod drain;
pub mod health;
mod help;
pub mod logging;
mod measure;
pub mod names;
mod process;
mod stages;
mod system;
pub mod tls;

pub use admin::Admin;
pub use drain::Drain;
pub use health::{Health, Readiness};
pub use measure::{Metrics, Snapshot, install_metrics};
pub use stages::Stages;
pub use system::{
    Digest, Instance, abort_on_panic, exit, files, keep_from_others, memory, stop_on_signals,
};
