//! The `export` section of the configuration: as written ([`RawConfig`]), and as used ([`Config`]).
//!
//! Names and defaults follow the OpenTelemetry Collector's exporters where they have them, so that a configuration can be
//! carried over. Two differ on purpose: `timeout` is 30 s for both protocols (a batch may be 4 MiB), and
//! `max_elapsed_time` is 0, for ever, since the bus is the buffer. What belongs to one kind of backend is in its folder in `backends`.

mod audience;
mod backend;
mod batch;
mod credentials;
mod expand;
mod failover;
mod fingerprint;
mod limits;
mod metrics;
mod pace;
mod retry;
#[cfg(test)]
mod routed_tests;
mod routes;
mod section;
mod sift;
mod signal;
mod standbys;
mod start;
#[cfg(test)]
pub(crate) mod tests;

pub use audience::{Audience, RawTenants};
pub use backend::{Backend, RawBackend};
pub use batch::RawBatch;
pub use credentials::{Credentials, OnRefused, RawCredentials};
pub use expand::ExpandedBackend;
pub use failover::{Failover, FailoverTimes, RawFailover};
pub use limits::RawLimits;
pub use metrics::{RawMetrics, RawTemporality};
pub use pace::{Concurrency, RateLimits, RawAuto, RawBetween, RawConcurrency, RawRate};
pub use retry::{RawRetry, RetryPolicy};
pub use routes::RawRoute;
pub use section::{Config, LIVE_KEYS, RawConfig};
pub use sift::{RawMode, RawSample};
pub use signal::RawSignal;
pub use start::{RawStart, Start};
