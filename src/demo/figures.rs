//! The figures of one moment, from the metrics alone. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use runtime::Snapshot;

/// What the live view shows.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub elapsed: Duration,
    pub of: Duration,
    /// Spans a second, one figure for each second so far.
    pub rates: Vec<u64>,
    /// Spans, log records and metrics that the bus has acknowledged.
    pub published: f64,
    pub bus_bytes: f64,
    pub open_traces: f64,
    pub pending_spans: f64,
    pub kept_spans: f64,
    pub dropped_spans: f64,
    /// Traces by the policy that kept them; `dropped` comes last.
    pub verdicts: Vec<(String, f64)>,
    pub backends: BTreeMap<String, f64>,
}

/// What is dropped has no policy of its own to be named after.
const DROPPED: &str = "dropped";

impl Figures {
    pub fn of(now: &Snapshot) -> Self {
        let mut kept: BTreeMap<String, f64> = BTreeMap::new();
        let mut dropped = 0.0;
        for (labels, count) in now.series(sampler::names::VERDICTS) {
            match labels.get("policy") {
                Some(policy)
                    if labels
                        .get("verdict")
                        .is_some_and(|verdict| verdict == "keep") =>
                {
                    *kept.entry(policy.clone()).or_default() += count;
                }
                _ => dropped += count,
            }
        }
        let mut verdicts: Vec<_> = kept.into_iter().collect();
        verdicts.push((DROPPED.to_owned(), dropped));
        Self {
            published: now.sum(ingest::names::PUBLISHED, &[]),
            bus_bytes: now.sum(ingest::names::PUBLISHED_BYTES, &[]),
            open_traces: now.sum(sampler::names::OPEN_TRACES, &[]),
            pending_spans: now.sum(sampler::names::PENDING, &[]),
            kept_spans: now.sum(sampler::names::KEPT, &[]),
            dropped_spans: now.sum(sampler::names::DROPPED, &[]),
            verdicts,
            backends: now.by(export::names::DELIVERED, "backend"),
            ..Self::default()
        }
    }

    pub fn rate(&self) -> u64 {
        self.rates.last().copied().unwrap_or(0)
    }

    /// Of the spans that were decided and passed.
    pub fn kept_share(&self) -> f64 {
        self.kept_spans / (self.kept_spans + self.dropped_spans).max(1.0)
    }

    /// One line for a pipe or a log.
    pub fn plain(&self) -> String {
        let list = |pairs: &mut dyn Iterator<Item = (&String, &f64)>| {
            let items: Vec<_> = pairs
                .map(|(name, count)| format!("{name} {count:.0}"))
                .collect();
            items.join(", ")
        };
        format!(
            "{:>3.0} s  {} spans/s in · {:.1} MB on the bus · {:.0} open traces · traces by policy: {} · spans: kept {:.0}, dropped {:.0} · delivered: {}",
            self.elapsed.as_secs_f64(),
            self.rate(),
            self.bus_bytes / 1e6,
            self.open_traces,
            list(&mut self.verdicts.iter().map(|(name, count)| (name, count))),
            self.kept_spans,
            self.dropped_spans,
            list(&mut self.backends.iter()),
        )
    }
}

/// `48233` as `48,233`.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A moment in the middle of a demo.
    pub fn moment() -> Figures {
        let text = r#"tailwater_ingest_published_items_total{signal="traces"} 44000
tailwater_ingest_published_items_total{signal="logs"} 4233
tailwater_ingest_published_bytes_total{signal="traces"} 21400000
tailwater_sampler_open_traces 1023
tailwater_sampler_pending_spans 18200
tailwater_sampler_kept_spans_total 3422
tailwater_sampler_dropped_spans_total 22378
tailwater_sampler_verdicts_total{policy="none",verdict="drop"} 1200
tailwater_sampler_verdicts_total{policy="errors",verdict="keep"} 40
tailwater_sampler_verdicts_total{policy="slow",verdict="keep"} 20
tailwater_sampler_verdicts_total{policy="some",verdict="keep"} 140
tailwater_export_delivered_items_total{backend="kept",signal="traces"} 3300
tailwater_export_delivered_items_total{backend="kept",signal="logs"} 4100
tailwater_export_delivered_items_total{backend="archive",signal="traces"} 3100
"#;
        Figures {
            elapsed: Duration::from_secs(12),
            of: Duration::from_secs(30),
            rates: vec![0, 1200, 3900, 4012],
            ..Figures::of(&Snapshot::parse(text))
        }
    }

    #[test]
    fn everything_is_in_the_plain_line() {
        assert_eq!(
            moment().plain(),
            " 12 s  4012 spans/s in · 21.4 MB on the bus · 1023 open traces · \
             traces by policy: errors 40, slow 20, some 140, dropped 1200 · \
             spans: kept 3422, dropped 22378 · delivered: archive 3100, kept 7400"
        );
    }

    #[test]
    fn thousands_stand_apart() {
        for (number, expected) in [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1,000"),
            (1234567.0, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }
}
