//! The kind as a whole: its section, and requests as a receiver reads them.
#![allow(clippy::unwrap_used)]

pub mod decoded;
mod section;
