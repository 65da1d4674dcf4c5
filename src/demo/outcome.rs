//! What came of the demo, read from the file that the exporter wrote.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use runtime::Snapshot;
use serde_json::Value;

use super::figures::grouped;
use super::tree::{self, Span};

/// Sent against kept.
pub struct Outcome {
    sent: ::load::Summary,
    accepted: u64,
    kept_traces: usize,
    kept_errors: usize,
    kept_spans: f64,
    dropped_spans: f64,
    share: f64,
    shown: Option<(String, Vec<Span>)>,
    /// Ctrl-C came first: not everything was decided.
    interrupted: bool,
    /// Columns for the tree.
    width: usize,
}

impl Outcome {
    /// # Errors
    /// The file is missing or holds something else than OTLP JSON lines.
    pub fn read(
        kept: &Path,
        sent: &::load::Summary,
        report: &::load::Report,
        totals: &Snapshot,
        interrupted: bool,
        width: usize,
    ) -> anyhow::Result<Self> {
        let mut traces: HashMap<String, Vec<Span>> = HashMap::new();
        let file = std::fs::File::open(kept)
            .with_context(|| format!("cannot read the kept traces in {}", kept.display()))?;
        for line in BufReader::new(file).lines() {
            let request: Value = serde_json::from_str(&line?)
                .with_context(|| format!("{} holds a line that isn't JSON", kept.display()))?;
            collect(&request, &mut traces);
        }
        let errors: HashSet<String> = sent.error_trace_ids.iter().map(const_hex::encode).collect();
        let whole_error = |id: &String| {
            traces
                .get(id)
                .is_some_and(|spans| spans.iter().any(|span| span.error))
        };
        let kept_errors = errors.iter().filter(|id| whole_error(id)).count();
        let shown = traces
            .iter()
            .filter(|(id, spans)| errors.contains(*id) && (6..=20).contains(&spans.len()))
            .filter(|(_, spans)| tree::is_whole(spans))
            .min_by_key(|(id, spans)| (spans.len().abs_diff(12), (*id).clone()))
            .map(|(id, spans)| (id.clone(), spans.clone()));
        let bytes = |name| totals.sum(name, &[]);
        Ok(Self {
            sent: sent.clone(),
            accepted: report.accepted_items,
            kept_traces: traces.len(),
            kept_errors,
            kept_spans: bytes(sampler::names::KEPT),
            dropped_spans: bytes(sampler::names::DROPPED),
            share: bytes(sampler::names::KEPT_BYTES)
                / bytes(sampler::names::CONSUMED_BYTES).max(1.0),
            shown,
            interrupted,
            width,
        })
    }

    pub fn all_errors_kept(&self) -> bool {
        self.kept_errors as u64 == self.sent.error_traces
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, .. } = self;
        let mark = match (self.all_errors_kept(), self.interrupted) {
            (true, _) => "all of them",
            (false, true) => "the others were still open when you stopped it",
            (false, false) => "NOT all of them",
        };
        let count = |number: u64| grouped(number as f64);
        writeln!(f, "\nWhat happened")?;
        let mut line = |what: &str, text: String| writeln!(f, "  {what:<13} {text}");
        line(
            "sent",
            format!(
                "{} spans in {} traces over OTLP/gRPC",
                count(sent.spans),
                count(sent.traces)
            ),
        )?;
        line(
            "acknowledged",
            format!(
                "{} items: spans, log records and metrics",
                count(self.accepted)
            ),
        )?;
        line(
            "error traces",
            format!(
                "{} sent, {} kept: {mark}",
                count(sent.error_traces),
                count(self.kept_errors as u64)
            ),
        )?;
        line(
            "kept",
            format!(
                "{} traces, {} spans; {} spans dropped",
                count(self.kept_traces as u64),
                grouped(self.kept_spans),
                grouped(self.dropped_spans)
            ),
        )?;
        line(
            "volume",
            format!("{:.1} % of the bytes were kept", self.share * 100.0),
        )?;
        if let Some((id, spans)) = &self.shown {
            writeln!(f, "\nOne kept error trace, {id}")?;
            write!(f, "{}", tree::draw(spans, self.width))?;
        }
        write!(f, "{NEXT}")
    }
}

const NEXT: &str = "
Where to go next
  tailwater run                the real thing, on :4317 and :4318
  tailwater load --rate 5000   the same traffic, to any OTLP endpoint
  tailwater run --config FILE  with Kafka and your backends: see deploy/examples";

fn collect(request: &Value, traces: &mut HashMap<String, Vec<Span>>) {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    for resource in list(request, "resourceSpans") {
        let service = list(&resource["resource"], "attributes")
            .iter()
            .find(|attribute| attribute["key"] == "service.name")
            .and_then(|attribute| {
                attribute["value"]["stringValue"]
                    .as_str()
                    .map(str::to_owned)
            })
            .unwrap_or_default();
        for span in list(&resource, "scopeSpans")
            .iter()
            .flat_map(|scope| list(scope, "spans"))
        {
            let text = |key: &str| span[key].as_str().unwrap_or_default().to_owned();
            let time = |key: &str| {
                span[key]
                    .as_str()
                    .and_then(|time| time.parse().ok())
                    .unwrap_or(0)
            };
            traces.entry(text("traceId")).or_default().push(Span {
                service: service.clone(),
                name: text("name"),
                id: text("spanId"),
                parent: text("parentSpanId"),
                start: time("startTimeUnixNano"),
                end: time("endTimeUnixNano"),
                error: span["status"]["code"] == 2,
            });
        }
    }
}
