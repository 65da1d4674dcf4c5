//! What writer, readers and members share in memory: topics with their ends, the newest records, who waits, the clock.

pub(super) mod clock;
pub(super) mod log;
pub(super) mod signal;
pub(super) mod tail;
pub(super) mod topic_log;
