//! Integration tests of `export`, in one binary: delivery to backends that answer in every way.
#![allow(clippy::unwrap_used)]

mod files;
mod guarantee;
mod kafka;
mod letters;
mod parts;
mod prometheus;
mod refusals;
mod remote_write;
mod retry;
mod support;
mod tenants;
mod tls;
mod wire;
