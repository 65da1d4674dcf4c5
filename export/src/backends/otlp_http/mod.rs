//! OTLP over HTTP, in protobuf or JSON.

mod client;
mod config;
mod kind;

pub use config::HttpConfig;
