//! The kinds of backends: a folder and a line in the [`table`] each. What they have in common is the [`kind::BackendKind`] and its
//! [`kind::Sink`].
//!
//! A kind knows its section of the configuration, how a batch is encoded, how it is sent, and what an answer means. When something is sent,
//! and what follows from an answer, is `delivery`'s. Nothing outside of its folder names a kind but the table (and the default
//! configuration, which has a file and the terminal).
//!
//! To add one: a folder named as its key in the configuration, its module here, and a line in the table. The compiler asks for everything
//! else; a test fails when the line is forgotten.

pub(crate) mod clickhouse;
pub(crate) mod file;
pub(crate) mod kafka;
pub mod kind;
pub(crate) mod object_store;
pub mod open;
pub(crate) mod opensearch;
pub(crate) mod otlp_grpc;
pub(crate) mod otlp_http;
pub(crate) mod presets;
pub(crate) mod prometheus_remote_write;
pub(crate) mod splunk_hec;
pub(crate) mod stdout;
pub mod table;
pub(crate) mod zipkin;

pub use file::{RawFile, RawRotate};
pub use stdout::RawStdout;
