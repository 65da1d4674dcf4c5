//! The bus on one machine: partitions as keyed sequences in fjall, written by one thread with group commit.
//!
//! What it guarantees and how it lies on disk is described in `docs/reference/embedded-bus.md`. By file: [`store`] is what is on
//! disk, [`writer`] the thread that writes (with [`repair`] and [`upkeep`]), [`queue`] what waits for it, [`log`] what all
//! share, [`tail`] the newest records in memory, [`group`] who owns what (with [`groups`]), [`reader`] and [`member`] the two ways to
//! read.
//!
//! Deliberately absent: replication, access over the network, and records per key. Kafka has those.

mod bus;
mod catalog;
mod clock;
pub(crate) mod config;
mod disk;
mod frame;
mod group;
mod groups;
mod lock;
mod log;
mod member;
mod mutex;
mod open;
mod queue;
mod reader;
mod repair;
mod retention;
mod signal;
mod store;
mod tail;
mod topic_log;
mod torn;
mod upkeep;
mod writer;

pub use bus::open;
pub use clock::Clock;
pub use frame::RECORD_BYTES_MAX;
pub use open::{Options, exists};

#[cfg(test)]
mod tests;
