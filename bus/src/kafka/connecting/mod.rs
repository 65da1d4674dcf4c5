//! Clients of librdkafka: their properties and logs, what brokers refuse, and what they are asked once.

pub(super) mod ends;
pub(super) mod errors;
pub(super) mod log;
pub(super) mod log_id;
pub(super) mod logged_in;
pub(super) mod lookups;
pub(super) mod outage;
pub(super) mod polled;
pub(super) mod properties;
pub(super) mod refusals;
pub(super) mod topics;
