//! The two systems: how each is configured for a job, started and stopped. Nothing else knows which is which.

pub mod collector;
pub mod policies;
pub mod tailwater;

use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;
use schemas::{Signal, Topics};
use serde_json::Value;
use tests::collector::Collector;
use tests::process::Tailwater;

use crate::account::Usage;

/// What is shown of the log of a process that has ended.
const LAST_LINES: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Peer {
    Tailwater,
    Collector,
}

impl Peer {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tailwater => "Tailwater",
            Self::Collector => "Collector",
        }
    }
}

/// What a system is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// OTLP in, to the raw topic by trace.
    Ingest,
    /// Raw topic, tail sampling, sampled topic.
    Sample,
    /// Sampled topic, redaction, clean topic.
    Redact,
    /// The same with statements in place of redaction.
    Transform,
    /// The same with conditions.
    Filter,
    /// Clean topic, OTLP out.
    Export,
    /// OTLP in, tail sampling, redaction, OTLP out, in one process without Kafka.
    Everything,
}

impl Work {
    pub fn takes_otlp(self) -> bool {
        matches!(self, Self::Ingest | Self::Everything)
    }

    pub fn gives_otlp(self) -> bool {
        matches!(self, Self::Export | Self::Everything)
    }

    pub fn samples(self) -> bool {
        matches!(self, Self::Sample | Self::Everything)
    }

    /// The topic it reads.
    pub fn input(self, topics: &Topics) -> Option<String> {
        Some(match self {
            Self::Sample => topics.raw(Signal::Traces).to_string(),
            Self::Redact | Self::Transform | Self::Filter => topics.sampled().to_string(),
            Self::Export => topics.clean(Signal::Traces).to_string(),
            Self::Ingest | Self::Everything => return None,
        })
    }

    /// The topic it writes.
    pub fn output(self, topics: &Topics) -> Option<String> {
        Some(match self {
            Self::Ingest => topics.raw(Signal::Traces).to_string(),
            Self::Sample => topics.sampled().to_string(),
            Self::Redact | Self::Transform | Self::Filter => {
                topics.clean(Signal::Traces).to_string()
            }
            Self::Export | Self::Everything => return None,
        })
    }
}

/// One job, in the same words for both.
#[derive(Clone, Debug)]
pub struct Job {
    pub work: Work,
    pub brokers: String,
    /// Of all topics and groups of this run.
    pub prefix: String,
    pub partitions: u32,
    pub codec: String,
    /// Where OTLP goes out.
    pub sink: String,
    pub otlp_compression: String,
    /// Tail sampling policies, in the words that both understand.
    pub policies: Value,
    pub decision_wait_s: u64,
    /// Traces that may be open at a time: the Collector has to be told.
    pub traces_max: u64,
    /// Tailwater's.
    pub record_cache: String,
    pub workers: usize,
    /// What its sampler promises.
    pub delivery: &'static str,
    /// Sections of Tailwater's configuration that its ingest has beyond the defaults.
    pub ingest: Value,
}

impl Job {
    pub fn topics(&self) -> Topics {
        Topics::new(&self.prefix)
    }
}

/// A system at work.
pub enum Running {
    Tailwater(Box<Tailwater>),
    Collector(Box<Collector>, collector::Ports),
}

impl Running {
    /// Starts it, and waits until it is ready. Its configuration and log are in `folder`.
    pub fn start(peer: Peer, job: &Job, folder: &Path) -> Self {
        match peer {
            Peer::Tailwater => tailwater::start(job, folder),
            Peer::Collector => collector::start(job, folder),
        }
    }

    pub fn process(&self) -> u32 {
        match self {
            Self::Tailwater(tailwater) => tailwater.id().expect("it runs"),
            Self::Collector(collector, _) => collector.id(),
        }
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// It has ended by itself; with the last lines of its log.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.process()).with_context(|| {
            let log = match self {
                Self::Tailwater(tailwater) => tailwater.log_text(),
                Self::Collector(collector, _) => collector.log(),
            };
            let lines: Vec<_> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            format!("the process has ended by itself; the last lines of its log:\n{last}")
        })
    }

    pub fn grpc(&self) -> String {
        match self {
            Self::Tailwater(tailwater) => tailwater.grpc_endpoint(),
            Self::Collector(_, ports) => format!("http://127.0.0.1:{}", ports.grpc),
        }
    }

    pub fn http(&self) -> String {
        match self {
            Self::Tailwater(tailwater) => tailwater.http_endpoint(),
            Self::Collector(_, ports) => format!("http://127.0.0.1:{}", ports.http),
        }
    }
}

/// The consumer group by which a system reads its input.
pub fn group(peer: Peer, job: &Job) -> String {
    match peer {
        Peer::Tailwater => tailwater::group(job),
        Peer::Collector => collector::group(job),
    }
}
