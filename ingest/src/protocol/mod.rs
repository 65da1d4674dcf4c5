//! OTLP as it is spoken: gRPC and HTTP, from an accepted connection to the answer.
//!
//! [`connections`] accepts, [`grpc`] or [`otlp_http`] reads a request under [`crate::admission`], [`receive`] does what both have in common: it inflates the
//! body, translates JSON, hands the items to [`crate::records`] and waits for the bus.

mod answer;
mod body;
mod connections;
mod cors;
mod framing;
mod grpc;
mod health;
mod inflate;
mod metadata;
mod otlp_http;
mod receive;
mod reply;

pub use connections::{Connections, Protocol, Socket};
pub use health::Health;
pub use receive::Receiver;
