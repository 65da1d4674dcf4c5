//! A report for people.

use schemas::Signal;

use super::report::Report;
use crate::stored::time;

const HEAD: [&str; 10] = [
    "SERVICE",
    "SIGNAL",
    "PATH",
    "DETECTOR",
    "NOW",
    "FINDINGS",
    "ITEMS",
    "FIRST SEEN",
    "LAST SEEN",
    "EXAMPLE",
];

pub fn print(report: &Report) {
    let (rows, judge) = (&report.rows, &report.judge);
    let sorted = rows.sorted();
    let lines: Vec<[String; 10]> = (sorted.iter())
        .map(|(key, row)| {
            [
                key.service.clone(),
                key.signal.name().to_owned(),
                key.path.text.clone(),
                key.detector.clone(),
                judge.now(&key.detector).unwrap_or("off").to_owned(),
                row.findings.to_string(),
                share(rows.share(key, row)),
                time(row.first_ms),
                time(row.last_ms),
                row.example.clone(),
            ]
        })
        .collect();
    if !lines.is_empty() {
        let head = HEAD.map(str::to_owned);
        let all: Vec<_> = std::iter::once(&head).chain(&lines).collect();
        let width = |column: usize| all.iter().map(|line| line[column].chars().count()).max();
        let widths: Vec<_> = (0..HEAD.len()).map(|at| width(at).unwrap_or(0)).collect();
        for line in &all {
            outln!("{}", aligned(&line[..], &widths));
        }
        outln!();
    }
    outln!("{}", summary(report));
    if rows.left_out() > 0 {
        outln!(
            "There was no room for all: {} findings are in further places; raise --rows-max (now {}), or look at fewer signals",
            rows.left_out(),
            rows.rows_max()
        );
    }
    if rows.unreadable() > 0 {
        outln!(
            "{} records are no OTLP, and were looked at only in part",
            rows.unreadable()
        );
    }
    if let Some(suggestion) = &report.suggestion {
        outln!(
            "\nWhat goes with it in the configuration; look at the examples first:\n\n{suggestion}"
        );
    }
}

fn summary(report: &Report) -> String {
    let rows = &report.rows;
    let items: Vec<_> = (Signal::ALL.into_iter())
        .map(|signal| (rows.items(signal), signal))
        .filter(|(items, _)| *items > 0)
        .map(|(items, signal)| format!("{items} {}", what(signal)))
        .collect();
    let looked = match items.is_empty() {
        true => "Nothing was in the sample".to_owned(),
        false => format!("Looked at {}", items.join(", ")),
    };
    let found = if rows.sorted().is_empty() && !items.is_empty() {
        " and found nothing"
    } else {
        ""
    };
    let topics: Vec<_> = report.sources.iter().map(|it| &*it.topic).collect();
    format!(
        "{looked}{found}: {} of {} since {}, {} records with {} MiB",
        report.sample,
        topics.join(", "),
        time(report.from_ms),
        report.reading.records,
        report.reading.bytes >> 20
    )
}

fn what(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "spans",
        Signal::Logs => "log records",
        Signal::Metrics => "metrics",
    }
}

/// Of the items that were looked at.
fn share(share: f64) -> String {
    match share * 100.0 {
        percent if percent >= 10.0 => format!("{percent:.0} %"),
        percent if percent >= 0.1 => format!("{percent:.1} %"),
        _ => "< 0.1 %".to_owned(),
    }
}

fn aligned(line: &[String], widths: &[usize]) -> String {
    let cells = line.iter().zip(widths);
    let cells: Vec<_> = cells
        .map(|(cell, width)| {
            let missing = width - cell.chars().count().min(*width);
            format!("{cell}{}", " ".repeat(missing))
        })
        .collect();
    cells.join("  ").trim_end().to_owned()
}
