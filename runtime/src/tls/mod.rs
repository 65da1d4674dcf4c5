//! TLS on ports that we listen on: what is configured, the certificates in their files, and their exchange while connections come in.
//!
//! A connection is accepted with the configuration of that moment ([`Speaking::acceptor`]). The files are looked at every second, by their contents:
//! Kubernetes exchanges symbolic links and not files. What can't be used changes nothing, and is said once.
//!
//! Who a client is by its certificate is not judged here: the chain is verified against the authorities of `client_ca_file`, and handed on.

mod certificate;
mod config;
mod read;
mod server;

pub use certificate::{Names, names};
pub use config::{MinVersion, RawTls, Tls};
pub use server::{Alpn, Server, Speaking};
