//! Topic names (`<prefix>.<signal>.<stage>`, `<prefix>.decisions`, `<prefix>.sampler.state`, `<prefix>.export.state`, `<prefix>.k8s`, `<prefix>.quarantine`, `<prefix>.dead-letters`) and the groups that read them.

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

    pub fn prefix(&self) -> &str {
        &self.prefix
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

    /// What exporters tell each other: how much of a quota each partition has used.
    pub fn export_state(&self) -> Arc<str> {
        format!("{}.export.state", self.prefix).into()
    }

    /// What watchers of Kubernetes clusters tell of their objects. One for all retention classes, under the plain prefix.
    pub fn k8s(&self) -> Arc<str> {
        format!("{}.k8s", self.prefix).into()
    }

    /// Items that enrich keeps aside, unredacted, because of what was found in them.
    pub fn quarantine(&self) -> Arc<str> {
        format!("{}.quarantine", self.prefix).into()
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
