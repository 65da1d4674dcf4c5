//! Counters and gauges by tenant or by policy, of which there may be thousands: one table for each metric, with a row for each name.
//!
//! The exporter's registry keeps every series by itself, with all its labels, in about 300 bytes; here a series takes a fifth of that. A scrape is
//! written from the tables as they are, without a copy. All other metrics, and all histograms, stay the exporter's.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use metrics::atomics::AtomicU64;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Metadata, SharedString, Unit};
use metrics_exporter_prometheus::PrometheusRecorder;
use metrics_exporter_prometheus::formatting::sanitize_label_value;

use crate::help;

/// The labels that have many values.
const NAMES: [&str; 2] = ["tenant", "policy"];

/// The exporter's recorder, with the tables in front of it.
pub struct Recorder {
    exporter: PrometheusRecorder,
    tables: Tables,
}

/// All tables, by the names of their metrics; cheap to clone.
#[derive(Clone, Default)]
pub struct Tables(Arc<RwLock<BTreeMap<String, Table>>>);

struct Table {
    kind: Kind,
    help: Option<String>,
    /// Of [`NAMES`].
    by: SharedString,
    /// The other labels of a series: few sets, which all rows share.
    columns: Vec<Vec<Label>>,
    rows: HashMap<SharedString, Row>,
}

/// By column.
type Row = Box<[Option<Arc<AtomicU64>>]>;

/// What a value is, in the format's words.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    /// The bits of a float.
    Gauge,
}

impl Recorder {
    pub fn new(exporter: PrometheusRecorder) -> Self {
        Self {
            exporter,
            tables: Tables::default(),
        }
    }

    pub fn tables(&self) -> Tables {
        self.tables.clone()
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.exporter.describe_counter(key, unit, text);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.exporter.describe_gauge(key, unit, text);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.exporter.describe_histogram(key, unit, text);
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        match self.tables.value(key, Kind::Counter) {
            Some(value) => Counter::from_arc(value),
            None => self.exporter.register_counter(key, metadata),
        }
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        match self.tables.value(key, Kind::Gauge) {
            Some(value) => Gauge::from_arc(value),
            None => self.exporter.register_gauge(key, metadata),
        }
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.exporter.register_histogram(key, metadata)
    }
}

impl Tables {
    /// The value of a series; `None`: it is not by name.
    fn value(&self, key: &Key, kind: Kind) -> Option<Arc<AtomicU64>> {
        let name = key.labels().find(|label| NAMES.contains(&label.key()))?;
        let others = key.labels().filter(|label| label.key() != name.key());
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !tables.contains_key(key.name()) {
            let table = Table::new(key.name(), kind, name);
            tables.insert(key.name().to_owned(), table);
        }
        let table = tables.get_mut(key.name())?;
        Some(table.value(name, others))
    }

    /// Appends all series in Prometheus's text format.
    pub fn render(&self, out: &mut String) {
        let tables = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for (metric, table) in tables.iter() {
            table.render(metric, out);
        }
    }
}

impl Table {
    fn new(metric: &str, kind: Kind, name: &Label) -> Self {
        let mut texts = help::texts();
        Self {
            kind,
            help: texts.find_map(|(of, text)| (of == metric).then_some(text)),
            by: SharedString::from(name.key().to_owned()),
            columns: Vec::new(),
            rows: HashMap::new(),
        }
    }

    fn value<'a>(
        &mut self,
        name: &Label,
        others: impl Iterator<Item = &'a Label> + Clone,
    ) -> Arc<AtomicU64> {
        let is_there = |column: &Vec<Label>| column.iter().eq(others.clone());
        let known = self.columns.iter().position(is_there);
        let column = known.unwrap_or_else(|| {
            self.columns.push(others.cloned().collect());
            self.columns.len() - 1
        });
        let (_, name) = name.clone().into_parts();
        let row = self.rows.entry(name).or_default();
        if row.len() <= column {
            let mut wider = std::mem::take(row).into_vec();
            wider.resize(column + 1, None);
            *row = wider.into();
        }
        row[column].get_or_insert_default().clone()
    }

    fn render(&self, metric: &str, out: &mut String) {
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        if let Some(help) = &self.help {
            let _ = writeln!(out, "# HELP {metric} {help}");
        }
        let _ = writeln!(out, "# TYPE {metric} {kind}");
        let columns: Vec<_> = self.columns.iter().map(|labels| written(labels)).collect();
        for (name, row) in &self.rows {
            let (by, name) = (&self.by, sanitize_label_value(name));
            for (value, others) in row.iter().zip(&columns) {
                let Some(value) = value else { continue };
                let value = value.load(Ordering::Relaxed);
                let _ = write!(out, "{metric}{{{by}=\"{name}\"{others}}} ");
                let _ = match self.kind {
                    Kind::Counter => writeln!(out, "{value}"),
                    Kind::Gauge => writeln!(out, "{}", f64::from_bits(value)),
                };
            }
        }
        out.push('\n');
    }
}

/// Labels that follow another one.
fn written(labels: &[Label]) -> String {
    labels.iter().fold(String::new(), |mut out, label| {
        let _ = write!(
            out,
            ",{}=\"{}\"",
            label.key(),
            sanitize_label_value(label.value())
        );
        out
    })
}

#[cfg(test)]
mod tests {
    use metrics::{counter, gauge, histogram, with_local_recorder};
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::measure::Snapshot;

    /// What is recorded in each of the two ways reads the same, the registry's as the exporter writes it.
    #[test]
    fn a_scrape_is_the_same_with_and_without_tables() {
        let record = || {
            for tenant in ["a", "b\"\\\n"] {
                for outcome in ["kept", "dropped"] {
                    let counter = counter!("items_total", "tenant" => tenant, "outcome" => outcome);
                    counter.increment(2);
                }
                counter!("items_total", "tenant" => tenant, "outcome" => "kept").increment(1);
                gauge!("pending", "tenant" => tenant).set(1.5);
            }
            counter!("items_total", "tenant" => "c", "outcome" => "dropped").increment(0);
            counter!("verdicts_total", "verdict" => "keep", "policy" => "p").increment(7);
            counter!("plain_total", "signal" => "logs").increment(9);
            histogram!("seconds", "tenant" => "a").record(0.25);
        };
        let lines = |text: &str| {
            let mut series: Vec<_> = Snapshot::parse(text).values;
            series.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
            series
        };
        let plain = PrometheusBuilder::new().build_recorder();
        let handle = plain.handle();
        with_local_recorder(&plain, record);
        let expected = lines(&handle.render());

        let exporter = PrometheusBuilder::new().build_recorder();
        let handle = exporter.handle();
        let recorder = Recorder::new(exporter);
        with_local_recorder(&recorder, record);
        let mut text = handle.render();
        assert!(!text.contains("items_total") && text.contains("plain_total"));
        recorder.tables().render(&mut text);
        assert_eq!(lines(&text), expected);
        for line in ["# TYPE items_total counter\n", "# TYPE pending gauge\n"] {
            assert_eq!(text.matches(line).count(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_documented_has_a_help() {
        let exporter = PrometheusBuilder::new().build_recorder();
        let recorder = Recorder::new(exporter);
        with_local_recorder(&recorder, || {
            counter!("tailwater_ingest_throttled_requests_total", "tenant" => "a").increment(1);
        });
        let mut text = String::new();
        recorder.tables().render(&mut text);
        let help = "# HELP tailwater_ingest_throttled_requests_total requests that were refused";
        assert!(text.starts_with(help), "{text}");
    }
}
