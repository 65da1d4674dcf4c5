//! Up to where each partition is done: positions are committed, and items counted, when nothing below them is in flight.

pub mod counts;
pub mod intent;
pub mod ledger;
pub mod progress;
