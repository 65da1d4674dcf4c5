//! The command line as a user meets it, by the built binary.
#![allow(clippy::unwrap_used)]

mod check;
mod command_line;
mod demo;
mod first_contact;
