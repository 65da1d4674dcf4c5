//! The bus on one machine: partitions as keyed sequences in fjall, written by one thread with group commit.
//!
//! What it guarantees and how it lies on disk is described in `docs/reference/embedded-bus.md`. By room: [`on_disk`] is what is on disk,
//! [`writing`] the thread that writes and what waits for it, [`in_memory`] what all share of topics, ends and the newest records,
//! [`membership`] who owns what; [`reader`] and `membership::member` are the two ways to read, [`open`] opens and closes it all.
//!
//! Deliberately absent: replication, access over the network, and records per key. Kafka has those.

mod bus;
pub(crate) mod config;
mod in_memory;
mod membership;
mod on_disk;
mod open;
mod reader;
mod writing;

pub use bus::open;
pub use in_memory::clock::Clock;
pub use on_disk::frame::RECORD_BYTES_MAX;
pub use open::{Options, exists};

#[cfg(test)]
mod tests;
