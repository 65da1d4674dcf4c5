//! OTLP over gRPC.

mod answer;
mod client;
mod config;
mod kind;

pub use config::GrpcConfig;
