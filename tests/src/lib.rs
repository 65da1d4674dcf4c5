//! What the whole-system tests stand on: a real Kafka, Tailwater's own processes, telemetry that is counted span by span.
//!
//! `kafka` and `process` start things, `world` configures them, `sending` (and `troubled`) and `sink` are the two ends of the pipeline,
//! `tally` and `raw_log` say what went in, `settle` compares it with what came out, `chaos` breaks things meanwhile.

// A test that can't be set up has failed: there is nothing else to do with an error here.
#![allow(clippy::unwrap_used)]

pub mod botocore;
pub mod bus_reader;
pub mod chaos;
pub mod clickhouse;
pub mod clickhouse_reference;
pub mod clients;
pub mod collector;
mod deadline;
pub mod duckdb;
pub mod kafka;
pub mod kube;
pub mod mirror_maker;
pub mod object_stores;
pub mod opensearch;
pub mod plain_http;
mod ports;
pub mod process;
pub mod prometheus;
pub mod raw_log;
pub mod sending;
pub mod settle;
pub mod sink;
pub mod tail_sampling;
pub mod tally;
pub mod translators;
pub mod troubled;
pub mod victoria;
mod waiting;
mod watchdog;
pub mod world;
pub mod zipkin;

pub use deadline::Deadline;
pub use ports::free_port;
pub use waiting::{wait_for, wait_until};
