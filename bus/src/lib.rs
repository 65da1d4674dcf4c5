//! The bus: the partitioned, replayable log between the stages.
//!
//! Two implementations stand behind one small interface: [`kafka`] for clusters, [`embedded`] for one machine.
//! `tests/conformance.rs` runs the same suite against both. What is promised here is what every stage builds on:
//!
//! - a publish is acknowledged only when it is durable ([`Publisher`]),
//! - the output and the positions of one epoch become visible together or not at all ([`Committer`]),
//! - a partition has one owner in a group, and an owner that lost it cannot commit ([`Member`]).
//!
//! What is deliberately absent: keys and partitioners (callers name the partition), consumer-side buffering
//! beyond the fetch (callers bound what they hold), and async (stages own their threads).

mod allocation;
mod api;
mod config;
mod counted;
mod dead_letter;
pub mod embedded;
mod error;
mod examined;
pub mod fault;
pub mod kafka;
mod mutex;
mod quiet;
mod reachable;
mod scan;
mod secrets;
mod specs;
pub mod watch;
mod went_back;

pub use allocation::allocation_bytes;
pub use api::*;
pub use config::{
    BusConfig, BusKind, Classes, DEFAULT_CLASS, RawBusConfig, RawClass, RawEmbedded, RawKafka,
    RawRetention, RawTopics, unknown_class,
};
pub use counted::commit;
pub use dead_letter::DeadLetter;
pub use error::{CommitError, Error, Result};
pub use examined::{Asked, AskedTopic, Finding};
pub use quiet::Quiet;
pub use reachable::until_reachable;
pub use scan::{Scan, ScanProgress, read_topic};
pub use secrets::Secrets;
pub use specs::{K8S_RETENTION, k8s_spec, quarantine_spec, topic_specs};
pub use went_back::{WentBack, announce_went_back, report_went_back};
