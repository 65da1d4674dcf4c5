//! Writing: transactions, commits, and publishing.

pub(super) mod acknowledged;
pub(super) mod committer;
pub(super) mod producer;
pub(super) mod publisher;
pub(super) mod sending;
pub(super) mod transactions;
pub(super) mod unsettled;
