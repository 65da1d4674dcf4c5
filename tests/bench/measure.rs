//! What all runs share, and what one run of a row came to.

use anyhow::Result;
use load::{Access, Protocol};
use serde::Serialize;
use serde_json::{Value, json};
use tests::kafka::{Broker, unique};

use crate::corpus::{Corpus, SPANS_A_SECOND};
use crate::execute::{Input, Sender, execute};
use crate::kafka;
use crate::options::Options;
use crate::packed::{Record, by_trace, pack};
use crate::peers::{Job, Peer, Work, collector};
use crate::spans::Spans;
use crate::watch::PACED;

pub struct Bench {
    pub options: Options,
    pub corpus: Corpus,
    pub broker: Broker,
    pub peers: Vec<Peer>,
    packed: Vec<Record>,
}

/// How the records of a topic that is read were cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As Tailwater's ingest does: large records of one partition.
    Packed,
    /// As the Collector's Kafka exporter does: of each batch, a record for each trace.
    ByTrace,
}

/// What one run of a row came to.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    pub peer: &'static str,
    /// Of what was read.
    pub spans_per_record_in: Option<f64>,
    /// User and system time of the process, from its start to its last output.
    pub cpu_seconds_per_million: f64,
    pub spans_per_second: f64,
    pub resident_peak_bytes: u64,
    /// Of the topic or log that it wrote; absent where nothing is kept on a bus.
    pub bus_bytes_per_span: Option<f64>,
    pub spans_out: u64,
    pub spans_per_record: Option<f64>,
    pub lost: u64,
    pub doubled: u64,
    #[serde(skip)]
    pub out: Spans,
}

impl Bench {
    pub fn prepare(options: Options) -> Result<Self> {
        eprintln!("the corpus …");
        let corpus = Corpus::of(&options)?;
        let packed = pack(
            &corpus.requests,
            options.partitions,
            options.record_bytes,
            SPANS_A_SECOND,
        );
        eprintln!("the broker …");
        let broker = Broker::start().map_err(|skipped| anyhow::anyhow!("{skipped}"))?;
        let mut peers = options.systems.clone();
        if peers.contains(&Peer::Collector) && !collector::is_there() {
            eprintln!(
                "!! no Collector: Tailwater is measured alone. With Go installed it is built in some minutes."
            );
            peers.retain(|peer| *peer != Peer::Collector);
        }
        Ok(Self {
            options,
            corpus,
            broker,
            peers,
            packed,
        })
    }

    /// Spans a record of the topics laid beforehand.
    pub fn spans_per_laid_record(&self) -> f64 {
        self.corpus.spans.len() as f64 / self.packed.len() as f64
    }

    /// A job on topics of its own.
    pub fn job(&self, work: Work, policies: Value) -> Job {
        let options = &self.options;
        Job {
            work,
            brokers: self.broker.brokers().to_owned(),
            prefix: unique("bench"),
            partitions: options.partitions,
            codec: options.codec.clone(),
            sink: String::new(),
            otlp_compression: options.otlp_compression.clone(),
            policies,
            decision_wait_s: options.decision_wait,
            traces_max: self.corpus.traces * 2,
            record_cache: options.record_cache.clone(),
            workers: 0,
            delivery: "exactly_once",
            ingest: json!({}),
        }
    }

    /// Runs a job once over the corpus, and counts what came out.
    pub fn run(&self, peer: Peer, job: &Job, protocol: Protocol, cut: Cut) -> Result<Figures> {
        let by_trace = match cut {
            Cut::Packed => Vec::new(),
            Cut::ByTrace => by_trace(&self.corpus.requests, job.partitions, SPANS_A_SECOND),
        };
        let laid = match cut {
            Cut::Packed => &self.packed,
            Cut::ByTrace => &by_trace,
        };
        let input = match job.work.takes_otlp() {
            true => Input::Sent(
                &self.corpus.requests,
                Sender {
                    protocol,
                    connections: self.options.connections,
                    accesses: vec![Access::default()],
                },
            ),
            false => Input::Laid(laid),
        };
        let execution = execute(&self.broker, peer, job, input)?;
        let (mut out, records) = match job.work.output(&job.topics()) {
            Some(topic) => {
                let (spans, records) = kafka::read(&self.broker, &topic)?;
                (spans, Some(records))
            }
            None => (execution.taken, None),
        };
        kafka::remove(self.broker.brokers(), &job.prefix)?;
        let mut sent = self.corpus.spans.clone();
        let fate = match job.work.samples() {
            true => sent.fate_of_kept(&mut out, &self.must_keep(job)),
            false => sent.fate_of_all(&mut out),
        };
        let spans = sent.len() as f64;
        // The embedded bus holds what came in; a topic that is written holds what went out.
        let on_bus = match job.work {
            Work::Everything => spans,
            _ => out.len() as f64,
        };
        Ok(Figures {
            peer: match cut {
                Cut::Packed => peer.name(),
                Cut::ByTrace => "Collector, its own records",
            },
            spans_per_record_in: (job.work.input(&job.topics())).map(|_| spans / laid.len() as f64),
            cpu_seconds_per_million: execution.seen.cpu_seconds * 1e6 / spans,
            spans_per_second: spans * PACED / execution.seen.pace.as_secs_f64().max(0.05),
            resident_peak_bytes: execution.usage.resident_peak_bytes,
            bus_bytes_per_span: execution
                .bus_bytes
                .map(|bytes| bytes as f64 / on_bus.max(1.0)),
            spans_out: out.len(),
            spans_per_record: records.map(|records| out.len() as f64 / (records as f64).max(1.0)),
            lost: fate.lost,
            doubled: fate.doubled,
            out,
        })
    }

    /// With a policy that drops, nothing has to be kept.
    fn must_keep(&self, job: &Job) -> Vec<u64> {
        let mut policies = job.policies.as_array().into_iter().flatten();
        match policies.any(|policy| policy["type"] == "drop") {
            true => Vec::new(),
            false => self.corpus.must_keep.clone(),
        }
    }
}
