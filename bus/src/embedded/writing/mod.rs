//! The thread that writes: what waits for it, its loop, retention and topics, and getting up again after a failed write.

pub(super) mod queue;
pub(super) mod repair;
pub(super) mod retention;
pub(super) mod upkeep;
pub(super) mod writer;
