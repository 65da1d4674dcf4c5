//! How a stage runs: configuration, its own telemetry, the admin endpoint, shutdown. What a stage does is elsewhere.

pub mod admin;
pub mod config;
pub mod connections;
pub mod drain;
pub mod exit;
pub mod files;
pub mod health;
mod help;
pub mod instance;
pub mod logging;
mod measure;
pub mod memory;
pub mod names;
mod process;
mod signals;
mod stages;
mod umask;

pub use admin::Admin;
pub use drain::Drain;
pub use health::{Health, Readiness};
pub use instance::Instance;
pub use measure::{Metrics, Snapshot, install_metrics};
pub use signals::{abort_on_panic, stop_on_signals};
pub use stages::Stages;
pub use umask::keep_from_others;
