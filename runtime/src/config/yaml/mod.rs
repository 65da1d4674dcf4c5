//! YAML as a tree with places, with what it refers to (environment variables, files) put in. Nothing outside of this folder knows the YAML parser.
//!
//! The parser is `granit_parser`, an event parser; the tree is ours because no YAML library keeps the place of each key and value, and the text as it was
//! written beside what variables made of it, which messages need.

mod environment;
mod held;
mod locate;
mod merge;
mod parse;
mod tree;

pub use environment::Environment;
pub(super) use locate::locate;
pub(super) use parse::{parse, parse_noting};
pub(super) use tree::{Entry, Kind, Node, Scalar};
