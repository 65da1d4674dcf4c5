//! OTLP as its specification has it, over real sockets. Tests carry the number of the point that they show.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod bus;
mod client;
mod connections;
mod data;
mod foreign;
mod grpc;
mod health;
mod http;
mod json;
mod lifecycle;
mod outage;
mod overload;
mod real;
mod refusing;
mod rekey;
mod samples;
mod server;
mod small_topics;
mod stamp;
