//! Tables that attributes are looked up in: read from files, followed while they change, exchanged as a whole.
//!
//! What is asked for is known beforehand ([`Wanted`]), so of a wide table only the columns that somebody uses are held. A table is read on a thread of
//! its own; whoever looks something up meets either the old one or the new one, and never waits for a file. Deliberately absent: a question to
//! somebody else for each item.

mod contents;
mod delimited;
mod document;
mod elements;
mod fault;
mod follow;
mod geo;
mod rows;
mod source;
mod table;
mod wanted;

#[cfg(test)]
mod tests;

pub(crate) use contents::Contents;
pub(crate) use follow::follow;
pub(crate) use source::{Format, Source};
pub(crate) use table::{Table, register};
pub(crate) use wanted::Wanted;
