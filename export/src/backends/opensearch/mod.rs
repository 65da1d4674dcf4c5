//! OpenSearch and Elasticsearch, by their bulk API: a document for each span, log record and data point, created once.
//!
//! A document's id is made of where its item lies on the bus, so that it is the same whenever it is sent. What is there already isn't written again: the
//! backend says so (409), and it counts as delivered. So requests are repeated as a whole after any trouble, without doubles.

mod answer;
mod around;
mod bulk;
mod client;
mod config;
mod index;
mod kind;
mod otel;
mod ss4o;
mod ss4o_metric;
#[cfg(test)]
mod tests;

pub use config::OpenSearchConfig;
