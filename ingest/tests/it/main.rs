//! OTLP as its specification has it, over real sockets. Tests carry the number of the point that they show.
#![allow(clippy::unwrap_used)]

mod auth;
mod bad_input;
mod bus;
mod certificates;
mod client;
mod connections;
mod data;
mod filter;
mod foreign;
mod grpc;
mod health;
mod http;
mod issuer;
mod json;
mod lifecycle;
mod outage;
mod overload;
mod private_issuer;
mod real;
mod refusing;
mod rekey;
mod residency;
mod samples;
mod server;
mod small_topics;
mod stamp;
mod tenants;
mod tls;
mod web;
