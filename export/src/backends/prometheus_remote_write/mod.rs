//! Prometheus remote write, versions 2 and 1: metrics as series, to Prometheus and everything that takes its protocol.
//!
//! `translate` makes a request of a batch, with names by `naming`, and bytes by `wire`; all three are pure. Deltas are added up
//! by [`temporality`](crate::temporality).
//! `sink` compresses and sends it, `answer` says what the receiver's answer means. It takes no traces and no logs.

mod answer;
mod config;
mod kind;
mod naming;
mod sink;
#[cfg(test)]
mod tests;
mod translate;
mod wire;

pub use config::RemoteWriteConfig;
