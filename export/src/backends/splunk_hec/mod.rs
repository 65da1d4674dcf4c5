//! Splunk's HTTP Event Collector (HEC): a JSON object an event, one behind the other. Log records only.
//!
//! Source of the translation: `exporter/splunkhecexporter/logdata_to_splunk.go` of the Collector's contrib repository.

mod answer;
mod client;
mod config;
mod events;
mod fields;
mod kind;
#[cfg(test)]
mod tests;

pub use config::SplunkConfig;
