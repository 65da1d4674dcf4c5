//! Integration tests of `export`, in one binary: delivery to backends that answer in every way.
#![allow(clippy::unwrap_used)]

mod clickhouse;
mod credentials;
mod failover;
mod files;
mod guarantee;
mod kafka;
mod letters;
mod object_store;
mod opensearch;
mod pace;
mod parts;
mod presets;
mod prometheus;
mod quota;
mod refusals;
mod reloaded;
mod remote_write;
mod retry;
mod routing;
mod splunk;
mod support;
mod temporality;
mod tenants;
mod tls;
mod to_kafka;
mod wire;
mod zipkin;
