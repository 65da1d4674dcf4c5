//! A backend's own sample: whole traces, with the probability written where samplers write it.
//!
//! Source: <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>. T and R have 56 bits; a span is kept if R ≥ T, and stands for
//! 2^56 / (2^56 − T).

use bus::Fetched;
use schemas::Signal;
use schemas::decisions::UNKNOWN_THRESHOLD;
use schemas::otlp::sampling::{Choice, Upstream, trace_id_randomness};
use schemas::otlp::{LogView, SpanView};
use schemas::wire::put_len;
use xxhash_rust::xxh3::xxh3_64;

/// 2^56: the number of values that R may have.
const ALL: u64 = UNKNOWN_THRESHOLD;
/// `Span {trace_state = 3}`.
const TRACE_STATE: u32 = 3;

/// How a sample is drawn from what was sampled before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// So many of those that are there.
    Proportional,
    /// So many of those that there were: what was sampled down to that or below stays.
    Equalizing,
}

/// How much of traces and of logs a backend gets.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    pub mode: Mode,
    /// How many of the 2^56 values of R are kept; `None`: all.
    traces: Option<u64>,
    logs: Option<u64>,
}

impl Sampling {
    /// Shares from 0 to 1; `None`: all.
    pub fn new(mode: Mode, traces: Option<f64>, logs: Option<f64>) -> Self {
        let of_all = |share: f64| (share * ALL as f64).round() as u64;
        Self {
            mode,
            traces: traces.map(of_all).filter(|kept| *kept < ALL),
            logs: logs.map(of_all).filter(|kept| *kept < ALL),
        }
    }

    /// So much, from 0 to 1, of what a sample keeps; of everything, if there is none.
    pub fn of_sample(sample: Option<Self>, share: f64) -> Self {
        let part = |kept: Option<u64>| (kept.unwrap_or(ALL) as f64 * share).round() as u64;
        Self {
            mode: sample.map_or(Mode::Proportional, |sample| sample.mode),
            traces: Some(part(sample.and_then(|sample| sample.traces))),
            logs: Some(part(sample.and_then(|sample| sample.logs))),
        }
    }

    /// All log records are kept.
    pub(super) fn without_logs(self) -> Self {
        Self { logs: None, ..self }
    }

    pub(super) fn concerns(&self, signal: Signal) -> bool {
        match signal {
            Signal::Traces => self.traces.is_some(),
            Signal::Logs => self.logs.is_some(),
            Signal::Metrics => false,
        }
    }

    /// Whether an item is kept. Of a span, `suffix` gets what is to be appended: with which probability it was kept, all samplers
    /// together. `unit` is its number in the record. What can't be read is kept.
    pub(super) fn keeps(
        &self,
        signal: Signal,
        item: &[u8],
        record: &Fetched,
        unit: usize,
        suffix: &mut Vec<u8>,
    ) -> bool {
        match (signal, self.traces, self.logs) {
            (Signal::Traces, Some(kept), _) => self.keeps_span(item, kept, suffix),
            (Signal::Logs, _, Some(kept)) => log_randomness(item, record, unit) >= ALL - kept,
            _ => true,
        }
    }

    fn keeps_span(&self, body: &[u8], kept: u64, suffix: &mut Vec<u8>) -> bool {
        let Ok(span) = SpanView::parse(body) else {
            return true;
        };
        let Some(id) = span.valid_trace_id() else {
            return true;
        };
        let upstream = Upstream::read(span.trace_state);
        let before = upstream.threshold.unwrap_or_default();
        let threshold = match self.mode {
            Mode::Proportional => {
                let left = u128::from(kept) * u128::from(ALL - before) / u128::from(ALL);
                ALL - left as u64
            }
            Mode::Equalizing => before.max(ALL - kept),
        };
        if upstream.randomness(id) < threshold {
            return false;
        }
        let choice = Choice {
            threshold,
            randomness: None,
        };
        let mut state = Vec::new();
        if upstream
            .then(choice, id)
            .write(span.trace_state, &mut state)
        {
            put_len(suffix, TRACE_STATE, &state);
        }
        true
    }
}

/// R of a log record: that of its trace, so that both are kept or dropped together; else drawn from where it lies, which is the same for who reads it again.
fn log_randomness(body: &[u8], record: &Fetched, unit: usize) -> u64 {
    let log = LogView::parse(body).ok();
    if let Some(id) = log.as_ref().and_then(LogView::valid_trace_id) {
        return trace_id_randomness(id);
    }
    let place = [u64::from(record.partition), record.offset, unit as u64];
    let mut bytes = record.topic.as_bytes().to_vec();
    place
        .iter()
        .for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    xxh3_64(&bytes) % ALL
}
