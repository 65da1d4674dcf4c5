//! Integration tests of `export`, in one binary: delivery to backends that answer in every way.
#![allow(clippy::unwrap_used)]

mod files;
mod guarantee;
mod kafka;
mod letters;
mod opensearch;
mod parts;
mod prometheus;
mod refusals;
mod retry;
mod splunk;
mod support;
mod tenants;
mod tls;
mod wire;
mod zipkin;
