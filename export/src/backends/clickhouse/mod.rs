//! ClickHouse over HTTP, into the tables of the Collector's exporter: a batch is an `INSERT` in `RowBinary` for each table that it has rows
//! for, with a token by which ClickHouse recognizes a batch that it has already.
//!
//! `schema` knows the tables and what the server says of them, `encode` makes rows of telemetry, `client` asks the server, `answer` reads what
//! it says. There is no native protocol here, and nothing is read back.

mod answer;
mod client;
mod config;
mod encode;
mod kind;
mod partly;
mod schema;
mod sink;
#[cfg(test)]
mod tests;
mod token;

pub use config::ClickhouseConfig;
