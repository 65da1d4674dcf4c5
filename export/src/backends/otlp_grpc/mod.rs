//! OTLP over gRPC.

mod answer;
mod client;
mod config;
mod kind;
#[cfg(test)]
mod tests;

pub use config::{GrpcConfig, RawGrpc};
