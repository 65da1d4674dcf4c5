//! Enrich: what was kept is transformed and redacted before it leaves.
//!
//! The shell ([`run`]) reads sampled traces, raw logs and raw metrics, and commits what comes out, together with the read
//! positions, as one epoch of the bus. What is done to a record is an ordered list of steps (`steps`), of which redaction is the last: the
//! crate `redact`.
//!
//! It fails closed: what can't be understood goes to the dead letters, never on.
//!
//! What is deliberately absent: look-ups that need a network, and decisions about keeping or dropping items.

mod config;
pub mod names;
mod shell;
mod steps;

pub use config::{
    Config, RawConfig, RawDelivery, RawHash, RawMask, RawRedact, RawSet, RawTenants,
    RawUnknownFields, RawValue, TenantRules,
};
pub use runtime::config::Secret;
pub use shell::{register, run};
