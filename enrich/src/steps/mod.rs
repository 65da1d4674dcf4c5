//! The steps that each record goes through, in order. Redaction is the last one, so that nothing another step adds escapes it;
//! what a tenant wants redacted beyond that comes after it, and can only take away.
//!
//! A new kind of step is one file here, and one variant of `Step` and one line of [`Program::new`] in `program.rs`. Each step reads what the step
//! before it wrote; a record that no step changes goes on as it came, without a copy. A step that takes items out of a record says how
//! many, and still names refused items by their numbers in the record that the program was given.

mod counts;
mod outcome;
mod own_rules;
mod program;
mod reason;
mod record;
mod redaction;

pub(crate) use counts::Counts;
pub(crate) use program::Program;
pub(crate) use reason::Reason;
pub(crate) use record::{Processed, process};
