//! The spans that both systems get: seeded traffic of `tailwater load`, or a file of somebody's own.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use load::{Mix, Request, Traffic, file};
use schemas::Signal;
use schemas::otlp::StatusCode;

use crate::options::Options;
use crate::spans::{self, Spans};

/// Traces of at least this length are slow to the policies of the rows.
pub const SLOW_MS: u64 = 2000;
/// Traffic time passes by one second every so many spans; the topics laid beforehand are stamped so.
pub const SPANS_A_SECOND: f64 = 20_000.0;

pub struct Corpus {
    /// Where it is from, to be printed.
    pub source: String,
    pub requests: Vec<Request>,
    pub spans: Spans,
    pub traces: u64,
    pub bytes: u64,
    /// Traces with an error or of at least [`SLOW_MS`].
    pub must_keep: Vec<u64>,
}

impl Corpus {
    pub fn of(options: &Options) -> Result<Self> {
        match &options.corpus {
            Some(path) => {
                let from = || format!("reading the corpus {}", path.display());
                let mut input =
                    BufReader::with_capacity(1 << 20, File::open(path).with_context(from)?);
                let mut requests = Vec::new();
                while let Some(bytes) = file::read(&mut input).with_context(from)? {
                    let mut items = 0;
                    spans::each(&bytes, |_, _| items += 1);
                    requests.push(Request {
                        signal: Signal::Traces,
                        bytes,
                        items,
                        due: Duration::ZERO,
                    });
                }
                Ok(Self::new(path.display().to_string(), requests))
            }
            None => {
                let mix = Mix {
                    spans_per_request: options.spans_per_request,
                    // Sent twice is a span that comes out twice: nothing that is measured here.
                    duplicate: 0.0,
                    ..Mix::default()
                };
                Ok(Self::generated(mix, options.seed, options.spans))
            }
        }
    }

    /// Traffic of `load`, from a seed.
    pub fn generated(mix: Mix, seed: u64, spans: u64) -> Self {
        let source = format!("tailwater load, seed {seed}");
        Self::new(source, traffic(mix, seed, spans).collect())
    }

    fn new(source: String, requests: Vec<Request>) -> Self {
        let mut spans = Spans::default();
        let mut times: HashMap<u64, (u64, u64)> = HashMap::new();
        let mut must_keep = HashSet::new();
        for request in &requests {
            spans.add(&request.bytes);
            spans::each(&request.bytes, |id, span| {
                let (start, end) = times.entry(id.trace).or_insert((u64::MAX, 0));
                *start = span.start_unix_nano.min(*start);
                *end = span.end_unix_nano.max(*end);
                if span.status == StatusCode::Error {
                    must_keep.insert(id.trace);
                }
            });
        }
        let slow = times
            .iter()
            .filter(|(_, (start, end))| end.saturating_sub(*start) / 1_000_000 >= SLOW_MS);
        must_keep.extend(slow.map(|(trace, _)| *trace));
        Self {
            source,
            traces: times.len() as u64,
            bytes: requests
                .iter()
                .map(|request| request.bytes.len() as u64)
                .sum(),
            must_keep: must_keep.into_iter().collect(),
            requests,
            spans,
        }
    }
}

/// The same without holding it.
pub fn traffic(mix: Mix, seed: u64, spans: u64) -> Traffic {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Traffic::new(mix, seed, spans, now.as_nanos() as u64)
}
