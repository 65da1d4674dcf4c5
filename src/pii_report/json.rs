//! A report for programs: one JSON document, described in `docs/reference/pii-report.md`.

use redact::pii::detectors;
use schemas::Signal;
use serde_json::{Value, json};

use super::judge::Judge;
use super::report::Report;
use super::rows::{Key, Row};
use crate::stored::time;

/// Counts up when a field changes its meaning or goes.
const VERSION: u32 = 1;

pub fn document(report: &Report) -> Value {
    let Report {
        rows,
        reading,
        judge,
        ..
    } = report;
    let topics: Vec<_> = report.sources.iter().map(|it| &*it.topic).collect();
    let items = Signal::ALL.map(|signal| (signal.name().to_owned(), json!(rows.items(signal))));
    let sorted = rows.sorted().into_iter();
    let listed: Vec<_> = sorted
        .map(|(key, found)| row(key, found, rows.share(key, found), judge))
        .collect();
    json!({
        "version": VERSION,
        "from": time(report.from_ms),
        "to": time(report.to_ms),
        "sample": report.sample.share(),
        "topics": topics,
        "records": reading.records,
        "bytes": reading.bytes,
        "items": serde_json::Map::from_iter(items),
        "unreadable_records": rows.unreadable(),
        "rows_max": rows.rows_max(),
        "findings_without_row": rows.left_out(),
        "rows": listed,
        "suggestion": report.suggestion,
    })
}

fn row(key: &Key, row: &Row, share: f64, judge: &Judge) -> Value {
    let packs = detectors().find(|(name, _)| *name == key.detector);
    let packs = packs.map_or(&[][..], |(_, packs)| packs);
    let packs: Vec<_> = packs.iter().map(|pack| pack.name()).collect();
    json!({
        "service": key.service,
        "signal": key.signal.name(),
        "path": key.path.text,
        "attribute": key.path.attribute,
        "detector": key.detector,
        "packs": packs,
        "action": judge.now(&key.detector),
        "findings": row.findings,
        "items": row.items,
        "share": share,
        "first_seen": time(row.first_ms),
        "last_seen": time(row.last_ms),
        "example": row.example,
    })
}
