//! Topic names (`<prefix>.<signal>.<stage>`, `<prefix>.decisions`, `<prefix>.sampler.state`, `<prefix>.dead-letters`) and the groups that read them.

use std::sync::Arc;

use crate::Signal;

/// The names of all topics under one prefix.
#[derive(Clone, Debug)]
pub struct Topics {
    prefix: String,
}

impl Topics {
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// What ingest publishes.
    pub fn raw(&self, signal: Signal) -> Arc<str> {
        self.name(signal, "raw")
    }

    /// What the sampler kept; only traces have it.
    pub fn sampled(&self) -> Arc<str> {
        self.name(Signal::Traces, "sampled")
    }

    /// What enrich let through: the only topics that export reads.
    pub fn clean(&self, signal: Signal) -> Arc<str> {
        self.name(signal, "clean")
    }

    /// The verdicts, co-partitioned with the raw traces.
    pub fn decisions(&self) -> Arc<str> {
        format!("{}.decisions", self.prefix).into()
    }

    /// What sampler processes tell each other: counts by key, the newest of each instance.
    pub fn sampler_state(&self) -> Arc<str> {
        format!("{}.sampler.state", self.prefix).into()
    }

    /// Records that a stage could not process, with the reason in their headers.
    pub fn dead_letters(&self) -> Arc<str> {
        format!("{}.dead-letters", self.prefix).into()
    }

    /// The consumer group of a stage: `<prefix>-sampler`, `<prefix>-enrich`, `<prefix>-export-<backend>`.
    pub fn group(&self, stage: &str) -> String {
        format!("{}-{stage}", self.prefix)
    }

    fn name(&self, signal: Signal, stage: &str) -> Arc<str> {
        format!("{}.{}.{}", self.prefix, signal.name(), stage).into()
    }
}
