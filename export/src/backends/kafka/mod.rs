//! Kafka: OTLP as messages, with the topics, formats and keys of the Collector's Kafka exporter.
//!
//! `messages` makes them of records, `partitioner` says which partition a key belongs to, `topic` what a topic is called; these are pure. `cluster`
//! is the connection, `sink` encodes and sends, `answer` says what an error means.
//!
//! There are two cases. Messages for another cluster are published, at least once. Where no brokers are written, the bus itself is the backend: messages
//! are committed together with the positions of the records that they are of, so that each is there once.

mod answer;
mod cluster;
mod config;
mod kind;
mod messages;
mod partitioner;
mod sink;
#[cfg(test)]
mod tests;
mod topic;

pub use config::KafkaConfig;
