//! Sends requests to an OTLP endpoint, at their rate or as fast as they are taken, and reports what became of them.

mod access;
mod all;
mod attempt;
mod backoff;
mod grpc;
mod http;
mod link;
mod options;
mod progress;
mod reach;

pub use access::Access;
pub use all::send;
pub use options::{Compression, Protocol, SendOptions};
pub use progress::{Event, Report};
