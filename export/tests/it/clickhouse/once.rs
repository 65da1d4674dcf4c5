//! A batch that comes again is recognized: by each table, and by what the view made of it.

use schemas::Signal;

use super::{backend, server};
use crate::support::proxy::{Proxy, Verdict};
use crate::support::telemetry::{from_json, one_log, spans};
use crate::support::{Running, all_committed, dead_letters, metric, open_bus, publish};

/// The answer to the first insert into each table is lost: everything is sent twice, and is there once.
#[test]
fn what_is_sent_again_is_there_once() {
    let Some(server) = server() else { return };
    let lost = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let table_of = |line: &str| line.split('`').nth(3).unwrap().to_owned();
    let lose_first = move |line: &str| match lost.lock().unwrap().insert(table_of(line)) {
        true => Verdict::LoseAnswer,
        false => Verdict::Forward,
    };
    let proxy = Proxy::start(&server.endpoint(), lose_first, |_, _| {});
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    for partition in 0..2 {
        let first = u64::from(partition) * 100;
        publish(
            &*bus,
            Signal::Traces,
            partition,
            [spans(first..first + 100, 0)],
        );
    }
    publish(&*bus, Signal::Logs, 0, [one_log("once")]);
    let points = |kind: &str, more: &str| {
        format!(
            r#"{{"name": "m", "{kind}": {{"dataPoints": [{{"timeUnixNano": "1700000000000000000", {more}}}]}}}}"#
        )
    };
    let metrics = [
        points("gauge", r#""asInt": "1""#),
        points("sum", r#""asInt": "1""#),
        points("summary", r#""count": "1""#),
        points("histogram", r#""count": "1""#),
        points("exponentialHistogram", r#""count": "1""#),
    ];
    let metrics = format!(
        r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [{}]}}]}}]}}"#,
        metrics.join(",")
    );
    publish(
        &*bus,
        Signal::Metrics,
        0,
        [from_json(Signal::Metrics, metrics.as_bytes())],
    );
    let running = Running::start(&bus, &[backend("once", &proxy.endpoint(), "")]);
    for signal in Signal::ALL {
        all_committed(&*bus, "once", signal);
    }
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let count = |table: &str| server.number(&format!("SELECT count() FROM once.{table}"));
    assert_eq!((count("otel_traces"), count("otel_logs")), (200, 1));
    for kind in [
        "gauge",
        "sum",
        "summary",
        "histogram",
        "exponential_histogram",
    ] {
        assert_eq!(count(&format!("otel_metrics_{kind}")), 1, "{kind}");
    }
    // Four spans are a trace, and each batch made a row of each of its traces.
    assert_eq!(count("otel_traces_trace_id_ts"), 50);
    let inserts = proxy.inserts();
    // Of traces there are two batches, the first of which came twice. A table that has its rows gets them again for no other's sake.
    assert_eq!(inserts.len(), 3 + 2 + 2 * 5, "{inserts:?}");
    for line in &inserts {
        assert!(line.contains("insert_deduplication_token="), "{line}");
    }
}

/// What several tables of a batch have taken isn't offered to them again when another makes that the batch is divided.
#[test]
fn a_divided_batch_is_in_each_table_once() {
    let Some(server) = server() else { return };
    server.query("CREATE DATABASE divided");
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let record = |index: u64, value: &str| {
        let json = format!(
            r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [
                {{"name": "g{index}", "gauge": {{"dataPoints": [{{"asInt": "{index}"}}]}}}},
                {{"name": "s{index}", "sum": {{"dataPoints": [{{"asDouble": {value}}}]}}}}]}}]}}]}}"#
        );
        from_json(Signal::Metrics, json.as_bytes())
    };
    // One of eight sums is what the table has a constraint against.
    let records = (0..8).map(|index| record(index, if index == 5 { "-1" } else { "1" }));
    let proxy = Proxy::start(&server.endpoint(), |_| Verdict::Forward, |_, _| {});
    // The tables are there before anything is in them.
    publish(&*bus, Signal::Metrics, 1, [record(100, "1")]);
    let keys = "compression: none";
    let running = Running::start(&bus, &[backend("divided", &proxy.endpoint(), keys)]);
    all_committed(&*bus, "divided", Signal::Metrics);
    running.stop();
    server.query("ALTER TABLE divided.otel_metrics_sum ADD CONSTRAINT positive CHECK Value > 0");

    publish(&*bus, Signal::Metrics, 0, records);
    let batch =
        backend("divided", &proxy.endpoint(), keys).replace("timeout: 1ms", "timeout: 100ms");
    let running = Running::start(&bus, &[batch]);
    // Others are accepted, so it is about the batch.
    crate::support::eventually("all but one are there", || {
        publish(&*bus, Signal::Metrics, 1, [record(100, "1")]);
        server.number("SELECT uniqExact(MetricName) FROM divided.otel_metrics_sum") == 8
    });
    all_committed(&*bus, "divided", Signal::Metrics);
    running.stop();
    let letters = dead_letters(&*bus);
    assert_eq!(letters.len(), 1);
    let gauges = "SELECT count(), uniqExact(MetricName) FROM divided.otel_metrics_gauge WHERE MetricName != 'g100'";
    assert_eq!(server.query(gauges), "8\t8");
    let sums = "SELECT count() FROM divided.otel_metrics_sum WHERE MetricName != 's100'";
    assert_eq!(server.number(sums), 7);
    assert_eq!(metric(export::names::DEAD_LETTERED, "divided"), 1.0);
}
