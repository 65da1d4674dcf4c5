//! The Kubernetes watcher: what clusters say of their pods, onto the bus.
//!
//! One watch per cluster and kind of object, and every process that looks something up reads what it wrote (`<prefix>.k8s`): the load on the API server
//! doesn't grow with the pipeline, and a restart needs no API server. What is told to whom is decided by a pure structure (`told`); the client of the
//! API server (`client`) is behind the feature of that name, since it is the larger part of the crate's dependencies.
//!
//! Deliberately absent: a store of whole objects, and leadership. Two watchers of one cluster tell the same twice, which changes nothing.

mod config;
pub mod names;
mod told;

#[cfg(feature = "client")]
mod client;

#[cfg(feature = "client")]
pub use client::run;
pub use config::{Auth, Cluster, Config, RawAuthType, RawCluster, RawCollected, RawConfig};
pub use names::register;

/// Whether this build has a client of the API server.
pub const HAS_CLIENT: bool = cfg!(feature = "client");
