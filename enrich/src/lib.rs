//! Enrich: what was kept is transformed and redacted before it leaves.
//!
//! The shell ([`run`]) reads sampled traces, raw logs and raw metrics, and commits what comes out, together with the read
//! positions, as one epoch of the bus. What is done to a record is the business of the crate `redact`.
//!
//! It fails closed: what can't be understood goes to the dead letters, never on.
//!
//! What is deliberately absent: look-ups that need a network, and decisions about keeping or dropping items.

mod batch;
mod config;
mod reason;
mod record;
mod session;
mod stage;

pub use batch::register;
pub use config::{
    Config, RawConfig, RawDelivery, RawHash, RawMask, RawRedact, RawSet, RawUnknownFields, RawValue,
};
pub use runtime::config::Secret;
pub use stage::run;
