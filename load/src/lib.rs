//! Seeded traffic of a small shop: realistic OTLP for the demo, for tests and for trying any OTLP pipeline.
//!
//! `shop` is the service graph, `trace` grows one trace on it, `traffic` interleaves many into requests, with `logs` and
//! `metrics` beside them; `send` and `file` take them somewhere. The same seed gives the same ids, shapes and attributes; times are relative to a given start.
//! It decodes and allocates freely: it stands outside of the pipeline that it tests.

mod attributes;
pub mod file;
mod logs;
mod metrics;
mod send;
mod shop;
mod trace;
mod traffic;

pub use send::{Access, Compression, Event, Protocol, Report, SendOptions, send};
pub use trace::Character;
pub use traffic::{Mix, Request, Summary, Traffic};
