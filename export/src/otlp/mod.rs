//! What the kinds that speak OTLP have in common, whatever carries it.

pub mod paths;
pub mod response;
