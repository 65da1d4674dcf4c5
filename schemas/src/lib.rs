//! What all stages agree on: views over OTLP bytes, bus records and their names, the partition function.
//!
//! - [`otlp`]: walking requests, reading items, checking them, OTLP's fields as data; [`wire`] below it.
//! - [`json`]: OTLP JSON to protobuf and back.
//! - [`pack`]: items of many requests to one request. [`partition`]: which partition a trace belongs to.
//! - [`go_text`]: numbers and JSON as the Collector writes them.
//! - [`operation`]: what a span does, as a name without ids.
//! - [`calendar`]: dates. [`decisions`]: batches of verdicts. [`headers`] and [`topics`]: names on the bus.
//!
//! Payload stays bytes: nothing here decodes a span into an owned structure, and malformed input is an error,
//! never a panic. There is no I/O and no async in this crate.

pub mod calendar;
pub mod decisions;
pub mod go_text;
pub mod headers;
pub mod json;
pub mod operation;
pub mod otlp;
pub mod pack;
pub mod partition;
pub mod topics;
pub mod wire;

pub use otlp::Signal;
pub use partition::partition_of;
pub use topics::Topics;
