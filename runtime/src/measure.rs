//! The process's own metrics: recorded through the `metrics` macros anywhere, read here by Prometheus or by a display.

mod by_name;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use self::by_name::{Recorder, Tables};
use crate::{help, process};

/// Bounds of histograms, all of which are in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// The way to the recorded values; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    by_name: Tables,
    pages: Arc<Mutex<BTreeMap<&'static str, Page>>>,
}

/// Appends metrics in Prometheus's text format.
type Page = Arc<dyn Fn(&mut String) + Send + Sync>;

/// Installs the recorder of this process; later calls return the same one.
///
/// # Errors
/// Another recorder is installed already.
pub fn install_metrics() -> anyhow::Result<Metrics> {
    static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);
    let mut installed = INSTALLED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(metrics) = &*installed {
        return Ok(metrics.clone());
    }
    let exporter = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .build_recorder();
    let handle = exporter.handle();
    let recorder = Recorder::new(exporter);
    let by_name = recorder.tables();
    metrics::set_global_recorder(recorder)
        .ok()
        .context("another recorder of metrics is installed already")?;
    for (name, text) in help::texts() {
        // The exporter keeps one text for each name, whatever its kind.
        metrics::describe_gauge!(name, text);
    }
    metrics::gauge!("tailwater_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let metrics = Metrics {
        handle,
        by_name,
        pages: Arc::default(),
    };
    Ok(installed.insert(metrics).clone())
}

impl Metrics {
    /// Prometheus's text format, the process's own figures included.
    pub fn render(&self) -> String {
        let mut text = self.handle.render();
        self.by_name.render(&mut text);
        process::render(&mut text);
        let pages: Vec<_> = self.pages().values().cloned().collect();
        for page in pages {
            page(&mut text);
        }
        text
    }

    /// Has `page` asked at each scrape: for what is only known then, and for series that come and go, which recorded ones can't.
    /// Another page of the same name takes its place.
    pub fn page(&self, name: &'static str, page: impl Fn(&mut String) + Send + Sync + 'static) {
        self.pages().insert(name, Arc::new(page));
    }

    fn pages(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has to be called every few seconds: histograms hold their samples until then.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// All values as of now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::parse(&self.render())
    }
}

/// All counters and gauges at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    values: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Snapshot {
    /// Reads Prometheus's text format, as [`Metrics::render`] writes it.
    pub fn parse(text: &str) -> Self {
        let values = text.lines().filter_map(|line| {
            if line.starts_with('#') {
                return None;
            }
            let (series, value) = line.rsplit_once(' ')?;
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, parse_labels(labels.strip_suffix('}')?)),
                None => (series, BTreeMap::new()),
            };
            Some((name.to_owned(), labels, value.parse().ok()?))
        });
        Self {
            values: values.collect(),
        }
    }

    /// The sum of all series of `name` that have these labels; 0 when there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.series(name)
            .filter(|(has, _)| {
                (labels.iter()).all(|(name, value)| has.get(*name).is_some_and(|has| has == value))
            })
            .map(|(_, value)| value)
            // An empty sum of floats is −0, which would be shown as such.
            .fold(0.0, |sum, value| sum + value)
    }

    /// Sums of `name` by the values of one label.
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for (labels, value) in self.series(name) {
            if let Some(key) = labels.get(label) {
                *sums.entry(key.clone()).or_default() += value;
            }
        }
        sums
    }

    /// Each series of `name`: its labels and its value.
    pub fn series<'s>(
        &'s self,
        name: &'s str,
    ) -> impl Iterator<Item = (&'s BTreeMap<String, String>, f64)> {
        (self.values.iter())
            .filter(move |(has, ..)| has == name)
            .map(|(_, labels, value)| (labels, *value))
    }
}

/// `a="x",b="y"`, with `\\`, `\"` and `\n` escaped in values.
fn parse_labels(text: &str) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let mut end = after.len();
        while let Some((index, c)) = chars.next() {
            match c {
                '"' => {
                    end = index + 1;
                    break;
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped)) => value.push(escaped),
                    None => {}
                },
                c => value.push(c),
            }
        }
        labels.insert(name.trim_start_matches(',').to_owned(), value);
        rest = &after[end..];
    }
    labels
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_back_by_name_and_labels() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("a_total", "policy" => "errors", "verdict" => "keep").increment(3);
            metrics::counter!("a_total", "policy" => "some", "verdict" => "keep").increment(4);
            metrics::counter!("a_total", "policy" => "some", "verdict" => "drop").increment(50);
            metrics::counter!("a_total", "policy" => "od\"d, \\=\n}", "verdict" => "drop")
                .increment(600);
            metrics::gauge!("g").set(1.5);
        });
        let snapshot = Snapshot::parse(&handle.render());
        let policies = snapshot.by("a_total", "policy");
        assert_eq!(snapshot.sum("a_total", &[]), 657.0);
        assert_eq!(snapshot.sum("a_total", &[("verdict", "keep")]), 7.0);
        assert_eq!(
            snapshot.sum("a_total", &[("verdict", "keep"), ("policy", "some")]),
            4.0
        );
        assert_eq!(snapshot.sum("b_total", &[]), 0.0);
        assert_eq!(snapshot.sum("g", &[]), 1.5);
        assert_eq!(policies["some"], 54.0);
        assert_eq!(policies["od\"d, \\=\n}"], 600.0);
    }

    #[test]
    fn the_process_is_measured() {
        let mut text = String::new();
        process::render(&mut text);
        let snapshot = Snapshot::parse(&text);
        assert!(
            snapshot.sum("process_resident_memory_bytes", &[]) > 100_000.0,
            "{text}"
        );
        assert!(
            snapshot.series("process_cpu_seconds_total").count() == 1,
            "{text}"
        );
        let open = snapshot.sum("process_open_fds", &[]);
        assert!(
            open >= 3.0 && snapshot.sum("process_max_fds", &[]) >= open,
            "{text}"
        );
        assert!(snapshot.sum("process_threads", &[]) >= 1.0, "{text}");
    }
}
