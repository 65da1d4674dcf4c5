//! From the bus to many backends, each with its own consumer group: a slow or dead one holds up no other.
//!
//! Export reads only what enrich has written. It is at least once: a position is committed when the backend has
//! accepted every record below it, or the dead letters have. What a crash repeats is bounded by what is in flight,
//! `concurrency × batch.bytes` a signal. Payload is neither decoded nor copied: records are concatenated as they are.
//!
//! The way of a record: `shell` polls it, `routing` says what of it is for the backend, and a lane of `delivery` takes it, where it waits until a batch is due. That is encoded and
//! offered by one of the [`backends`], over the network by way of `transport`; the answer is an [`outcome`], from which `delivery` concludes
//! what is retried, split or set aside. `commit` commits the positions below which everything is done.
//!
//! Each room imports only rooms that stand behind it here: `shell`, [`letters`], `delivery`, `commit`, `config`, [`backends`], `otlp`,
//! `transport`, `quota`, `routing`, [`records`], [`outcome`].

pub mod backends;
mod commit;
mod config;
mod delivery;
pub mod letters;
pub mod names;
mod otlp;
pub mod outcome;
mod quota;
pub mod records;
mod routing;
mod shell;
mod transport;

pub use commit::counts::register;
pub use config::{
    Audience, Backend, Concurrency, Config, Credentials, ExpandedBackend, Failover, FailoverTimes,
    LIVE_KEYS, OnRefused, RateLimits, RawAuto, RawBackend, RawBatch, RawBetween, RawBy,
    RawConcurrency, RawConfig, RawCredentials, RawFailover, RawLimits, RawMode, RawOver,
    RawOverSample, RawOverWord, RawPer, RawQuota, RawRate, RawRetry, RawRoute, RawSample,
    RawSignal, RawStart, RawTenants, RetryPolicy, Start,
};
pub use shell::reload::Reload;
pub use shell::run::run;
