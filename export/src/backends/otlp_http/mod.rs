//! OTLP over HTTP, in protobuf or JSON.

mod client;
mod config;
mod kind;
#[cfg(test)]
mod tests;

pub use config::{HttpConfig, RawHttp};
