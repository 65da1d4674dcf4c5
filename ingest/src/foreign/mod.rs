//! Spans in the formats of others, as OTLP: what a topic may hold beside OTLP, translated as the Collector's Kafka receiver does.
//!
//! Each format is a folder with a function from a record to an OTLP request. JSON becomes the format's protobuf first (`transcode`), so there
//! is one translation of each. A record is translated whole or not at all: a fault in it is told with its place.

mod attributes;
mod fields;
pub mod jaeger;
mod malformed;
mod otlp;
mod scalar;
mod time;
mod transcode;
pub mod zipkin;
