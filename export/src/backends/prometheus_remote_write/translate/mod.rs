//! From OTLP metrics to one request of remote write: bytes in, bytes out. Pure.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus>, and where that
//! leaves room, Prometheus' own OTLP endpoint (`storage/remote/otlptranslator`), which a test compares with. Knows no HTTP and no configuration.

mod dropped;
mod exemplars;
mod family;
mod labels;
mod native;
mod points;
mod request;
mod resource;
mod rules;
mod series;
mod target_info;

pub use dropped::Dropped;
pub use request::{Memory, New, encode};
pub use rules::{Histograms, Rules};

#[cfg(test)]
mod tests;
