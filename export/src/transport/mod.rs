//! The way over the network to a backend, whatever it speaks: HTTP with TLS, compression, and what statuses and errors mean.

pub mod address;
pub mod auth;
pub mod body;
pub mod client;
pub mod compress;
pub mod connection;
mod explain;
pub mod headers;
pub mod message;
pub mod post;
pub mod refusal;
pub mod status;
pub mod tls;
