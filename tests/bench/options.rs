//! What to measure, on what.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::peers::Peer;
use crate::rows::Row;

/// Measures Tailwater and the OpenTelemetry Collector on the same corpus through the same Kafka broker.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench")]
pub struct Options {
    /// What to measure [default: everything]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub sections: Vec<Section>,
    /// Rows of the side-by-side table [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub rows: Vec<Row>,
    /// Systems to measure [default: both; the Collector needs Go to be built]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub systems: Vec<Peer>,
    /// Spans of the generated corpus
    #[arg(long, default_value_t = 1_000_000)]
    pub spans: u64,
    /// Of the generated corpus
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[arg(long, default_value_t = 250)]
    pub spans_per_request: usize,
    /// Length-prefixed requests (u32 little-endian, then ExportTraceServiceRequest) instead of a generated corpus
    #[arg(long, value_name = "FILE")]
    pub corpus: Option<PathBuf>,
    /// Runs of each system in a row: 2 are A-B-B-A
    #[arg(long, default_value_t = 2)]
    pub runs: usize,
    /// A quick look: 200,000 spans, one run each
    #[arg(long)]
    pub quick: bool,
    #[arg(long, default_value_t = 16)]
    pub partitions: u32,
    /// Kafka's compression, of both systems: none, lz4, zstd, …
    #[arg(long, default_value = "lz4")]
    pub codec: String,
    /// Compression of OTLP on its way out, of both systems: none, gzip, zstd
    #[arg(long, default_value = "none")]
    pub otlp_compression: String,
    /// Connections of the sender, one request in flight on each
    #[arg(long, default_value_t = 32)]
    pub connections: usize,
    /// The size of the records that are laid on topics beforehand
    #[arg(long, default_value_t = 128 << 10, value_name = "BYTES")]
    pub record_bytes: usize,
    /// `decision_wait` of both systems, in seconds
    #[arg(long, default_value_t = 12, value_name = "SECONDS")]
    pub decision_wait: u64,
    /// Tailwater's record cache (`sampler.memory_limit`); what a window holds beyond it is read from the broker twice
    #[arg(long, default_value = "512MiB", value_name = "SIZE")]
    pub record_cache: String,
    /// The same in the memory section
    #[arg(long, default_value = "64MiB", value_name = "SIZE")]
    pub held_record_cache: String,
    /// Spans to hold undecided, for the memory section
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000, 3_000_000])]
    pub held: Vec<u64>,
    /// What grows in the growth section: names as in its table, "open traces" for one [default: all]
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    pub grows: Vec<String>,
    /// How long the latency section sends, in seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub latency_seconds: u64,
    /// Folder of the results: results.md, results.json
    #[arg(long, default_value = "target/bench", value_name = "FOLDER")]
    pub output: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Section {
    Rows,
    Memory,
    Growth,
    Delivery,
    Latency,
    Edges,
}

impl Options {
    /// With defaults filled in.
    pub fn settled(mut self) -> Self {
        if self.quick {
            self.spans = self.spans.min(200_000);
            self.runs = 1;
            self.held.retain(|spans| *spans <= 100_000);
            self.latency_seconds = self.latency_seconds.min(15);
        }
        if self.sections.is_empty() {
            self.sections = match self.rows.is_empty() {
                true => Section::value_variants().to_vec(),
                false => vec![Section::Rows],
            };
        }
        if self.rows.is_empty() {
            self.rows = Row::value_variants().to_vec();
        }
        if self.systems.is_empty() {
            self.systems = Peer::value_variants().to_vec();
        }
        self
    }
}
