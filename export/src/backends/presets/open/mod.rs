//! Presets of products that you may run yourself.

pub mod jaeger;
pub mod loki;
pub mod mimir;
pub mod prometheus_otlp;
pub mod signoz;
pub mod tempo;
pub mod victoria;
