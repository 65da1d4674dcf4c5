//! Zipkin, version 2 of its API: a JSON array of spans a request.
//!
//! Source of the translation: `pkg/translator/zipkin/zipkinv2/from_translator.go` of the Collector's contrib repository, and
//! <https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/>. A test holds it to the Collector's own.

mod client;
mod config;
mod endpoint;
mod kind;
mod spans;
mod tags;
#[cfg(test)]
mod tests;

pub use config::ZipkinConfig;
