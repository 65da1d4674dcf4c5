//! Ingest: OTLP over gRPC and HTTP onto the bus.
//!
//! The way of a request: `identity` knows who sends, `residency` where that goes, `quota` how much of it is taken, `protocol/` reads it under `admission`, `records/` splits it, packs its items and publishes them, and the answer goes out when the bus
//! has acknowledged each record that holds something of it. What is refused whole is a `refusal`. `stage` is the two sockets and what is behind them.
//!
//! Beside it, [`rekey()`] takes what it finds in topics that somebody else writes (`sources/`), in OTLP or in a format that is translated
//! (`foreign/`).
//!
//! What is deliberately absent: decoding of OTLP (payload stays bytes), queues that outlive a request (the bus is the queue), and retries (the
//! client has the data until we have said yes).

mod admission;
mod config;
mod foreign;
mod identity;
pub mod names;
mod protocol;
mod quota;
mod records;
mod refusal;
mod residency;
mod server;
mod sources;
mod stamp;

pub use config::{
    Auth, Config, Listen, Quota, Quotas, RawAuth, RawConfig, RawCors, RawFilter, RawGrpc, RawHttp,
    RawMtls, RawOidc, RawPeerAddress, TenantFrom,
};
pub use records::{Filter, Limits, Stamp, StampValue, register, split};
/// The values of `reason` that [`names::REFUSED_REQUESTS`] has.
pub const REFUSAL_REASONS: &[&str] = &refusal::Refusal::REASONS;

pub use residency::{Class, Residency};
pub use server::{Ingest, bind};
pub use sources::{Format, Kafka, RawKafka, RawSignal, RawSource, Source, rekey};
pub use stamp::{RawStamp, RawStampValue};
