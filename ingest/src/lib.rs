//! Ingest: OTLP over gRPC and HTTP onto the bus.
//!
//! The way of a request: [`connections`] → [`grpc`] or [`otlp_http`] reads it under [`admission`] → [`receive`] inflates and translates it →
//! [`split`] says which items go where → [`pack`] collects them with those of other requests → [`publish`] puts full records
//! onto the bus → [`completion`] wakes the request when all its records are durable → the answer.
//!
//! Beside it, [`rekey()`] takes requests from a topic that somebody else writes.
//!
//! What is deliberately absent: decoding (payload stays bytes), queues that outlive a request (the bus is the queue), and retries (the
//! client has the data until we have said yes).

mod admission;
mod answer;
mod body;
mod completion;
mod config;
mod connections;
mod counts;
mod framing;
mod grpc;
mod heads;
mod health;
mod inflate;
pub mod names;
mod otlp_http;
mod pack;
mod points;
mod publish;
mod receive;
mod refusal;
mod rekey;
mod reply;
mod server;
mod split;
mod unread;

pub use config::{Config, Listen, RawConfig, RawGrpc, RawHttp, RawRekey, Rekey};
pub use counts::register;
pub use rekey::rekey;
pub use server::{Ingest, bind};
pub use split::{Limits, split};
