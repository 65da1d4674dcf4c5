pub mod budget;
mod cache;
pub mod config;
pub mod partition;
pub mod policy;
pub mod position;
mod verdicts;
mod window;

pub use config::{Config, RawConfig};
