//! Enrich: what was kept is transformed and redacted before it leaves.
//!
//! The pure core is a rewriter over OTLP bytes: [`Rewriter::transform`] walks a record by the tables of [`shape`],
//! notes what has to change, and writes the record anew with everything else copied as it stands. The shell
//! ([`run`]) reads sampled traces, raw logs and raw metrics, and commits what comes out, together with the read
//! positions, as one epoch of the bus.
//!
//! It fails closed: what can't be understood goes to the dead letters, never on. Every place of the protocol where text
//! can stand is named in [`shape`]; what isn't named there is taken out, because nobody could vouch for it.
//!
//! What is deliberately absent: look-ups that need a network, and decisions about keeping or dropping items.

mod attribute;
mod batch;
mod config;
mod edits;
mod hash;
mod mask;
mod memo;
mod outcome;
mod record;
mod rewrite;
mod rules;
mod session;
mod set;
pub mod shape;
mod stage;
mod trace_state;

pub use batch::register;
pub use config::{
    Config, RawConfig, RawDelivery, RawHash, RawMask, RawRedact, RawSet, RawUnknownFields, RawValue,
};
pub use outcome::{Done, Outcome, Reason, Refused};
pub use rewrite::Rewriter;
pub use rules::Rules;
pub use runtime::config::Secret;
pub use stage::run;
