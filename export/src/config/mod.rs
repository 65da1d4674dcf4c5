//! The `export` section of the configuration: as written ([`RawConfig`]), and as used ([`Config`]).
//!
//! Names and defaults follow the OpenTelemetry Collector's exporters where they have them, so that a configuration can be
//! carried over. Two differ on purpose: `timeout` is 30 s for both protocols (a batch may be 4 MiB), and
//! `max_elapsed_time` is 0, for ever, since the bus is the buffer. What belongs to one kind of backend is in its folder in `backends`.

mod audience;
mod backend;
mod expand;
mod fingerprint;
mod keys;
#[cfg(test)]
mod routed_tests;
mod routes;
mod section;
mod standbys;
#[cfg(test)]
pub(crate) mod tests;
mod validate;

pub use audience::{Audience, RawTenants};
pub use backend::{Backend, RawBackend};
pub use expand::ExpandedBackend;
pub use keys::batch::RawBatch;
pub use keys::credentials::{Credentials, OnRefused, RawCredentials};
pub use keys::failover::{Failover, FailoverTimes, RawFailover};
pub use keys::limits::RawLimits;
pub use keys::metrics::{RawMetrics, RawTemporality};
pub use keys::pace::{Concurrency, RateLimits, RawAuto, RawBetween, RawConcurrency, RawRate};
pub use keys::quota::{RawBy, RawOver, RawOverSample, RawOverWord, RawPer, RawQuota};
pub use keys::retry::{RawRetry, RetryPolicy};
pub use keys::sift::{RawMode, RawSample};
pub use keys::signal::RawSignal;
pub use keys::start::{RawStart, Start};
pub use routes::RawRoute;
pub use section::{Config, LIVE_KEYS, RawConfig};
