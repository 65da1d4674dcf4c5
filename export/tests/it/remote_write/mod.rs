//! Remote write to real receivers, and to one that answers as scripted.

mod answers;
mod corpus;
mod deltas;
mod kills;
mod oracle;
mod victoria;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bus::Bus;
use schemas::Signal;
use serde_json::Value;
use tests::prometheus::Prometheus;

use crate::support::{Running, all_committed};

/// Seconds since 1970.
fn now_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

/// Runs one backend of remote write until it has delivered everything.
fn deliver(bus: &Arc<dyn Bus>, name: &str, address: impl std::fmt::Display, keys: &str) {
    let backend = format!(
        "{{name: {name}, prometheus_remote_write: {{endpoint: 'http://{address}/api/v1/write', {keys}}}, {}}}",
        crate::support::QUICK
    );
    let running = Running::start(bus, &[backend]);
    all_committed(&**bus, name, Signal::Metrics);
    running.stop();
}

/// All samples and histograms of the last two hours, by series. Exemplars behind them.
#[track_caller]
fn content(prometheus: &Prometheus, at_s: u64) -> Vec<String> {
    let all = r#"{__name__=~".+"}"#;
    let end = at_s as f64 + 600.0;
    let mut series = prometheus.query(&format!("{all}[2h]"), end);
    series.extend(prometheus.exemplars(all, end - 7200.0, end));
    // Keys are in the order in which Prometheus writes them, which is that of the labels.
    let mut lines: Vec<_> = series.iter().map(Value::to_string).collect();
    lines.sort();
    lines
}

/// Fails with the lines that only one of them has.
#[track_caller]
fn assert_same(what: &str, expected: &[String], found: &[String]) {
    let only = |a: &[String], b: &[String]| {
        let lines = a.iter().filter(|line| !b.contains(line));
        lines.map(|line| format!("\n  {line}")).collect::<String>()
    };
    let (missing, more) = (only(expected, found), only(found, expected));
    assert!(
        missing.is_empty() && more.is_empty(),
        "{what}\nonly in the reference:{missing}\nonly in ours:{more}"
    );
}
