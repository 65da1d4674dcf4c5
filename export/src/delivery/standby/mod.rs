//! Which sink gets a request: the backend's own, or a standby's.

pub mod failover;
pub mod sinks;
