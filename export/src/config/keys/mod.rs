//! The keys that a backend has besides its kind, a section a file.

pub mod batch;
pub mod credentials;
pub mod failover;
pub mod limits;
pub mod pace;
pub mod quota;
pub mod retry;
pub mod sift;
pub mod signal;
pub mod start;
