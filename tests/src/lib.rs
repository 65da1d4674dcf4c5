//! What the whole-system tests stand on: a real broker to test against.

pub mod kafka;
