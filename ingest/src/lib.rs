//! Ingest: OTLP over gRPC and HTTP onto the bus.
//!
//! The way of a request: `protocol/` reads it under `admission`, `records/` splits it, packs its items and publishes them, and the answer goes out when the bus
//! has acknowledged each record that holds something of it. What is refused whole is a `refusal`. `stage` is the two sockets and what is behind them.
//!
//! Beside it, [`rekey()`] takes requests from a topic that somebody else writes.
//!
//! What is deliberately absent: decoding (payload stays bytes), queues that outlive a request (the bus is the queue), and retries (the
//! client has the data until we have said yes).

mod admission;
mod config;
pub mod names;
mod protocol;
mod records;
mod refusal;
mod rekey;
mod server;

pub use config::{Config, Listen, Quota, Quotas, RawConfig, RawGrpc, RawHttp, RawRekey, Rekey};
pub use records::{Limits, register, split};
pub use rekey::rekey;
pub use server::{Ingest, bind};
