//! Results as Markdown, to be read and pasted, and as JSON, to be compared.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use crate::conditions::Condition;
use crate::measure::Figures;
use crate::options::Options;
use crate::peers::Peer;
use crate::rows::Row;

#[derive(Debug, Serialize)]
pub struct Report {
    conditions: Vec<Condition>,
    rows: Vec<RowResult>,
    tables: Vec<Table>,
}

/// A table of any other section; cells are texts or numbers.
#[derive(Debug, Serialize)]
pub struct Table {
    title: &'static str,
    note: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    pub fn new(title: &'static str, note: &str, columns: &[&'static str]) -> Self {
        Self {
            title,
            note: note.to_owned(),
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, and shows it.
    pub fn row(&mut self, row: Vec<Value>) {
        eprintln!("    {}", cells(&row).join(" | "));
        self.rows.push(row);
    }

    fn markdown(&self, out: &mut String) {
        let _ = writeln!(out, "\n### {}\n{}\n", self.title, self.note);
        let _ = writeln!(out, "| {} |", self.columns.join(" | "));
        let _ = writeln!(out, "|{}", "--:|".repeat(self.columns.len()));
        for row in &self.rows {
            let _ = writeln!(out, "| {} |", cells(row).join(" | "));
        }
    }
}

fn cells(row: &[Value]) -> Vec<String> {
    let cell = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    };
    row.iter().map(cell).collect()
}

#[derive(Debug, Serialize)]
pub struct RowResult {
    letter: char,
    title: &'static str,
    runs: Vec<Figures>,
    /// The Collector's CPU time over Tailwater's that is to be reached.
    wanted: f64,
    /// Spans that one of them gave and the other didn't, where they have to give the same: Tailwater's first.
    differing: Option<(u64, u64)>,
}

impl RowResult {
    pub fn of(row: Row, mut runs: Vec<Figures>) -> Self {
        let mut outs = Vec::new();
        for peer in [Peer::Tailwater, Peer::Collector] {
            let last = runs.iter_mut().rev().find(|run| run.peer == peer.name());
            outs.extend(last.map(|run| std::mem::take(&mut run.out)));
        }
        let differing = match outs.as_mut_slice() {
            [ours, theirs] => Some(ours.difference(theirs)),
            _ => None,
        };
        Self {
            letter: row.letter(),
            title: row.title(),
            wanted: row.wanted(),
            differing,
            runs,
        }
    }

    /// A line for each system, and for the Collector on its own records.
    fn lines(&self, out: &mut String) {
        let mut systems: Vec<&str> = self.runs.iter().map(|run| run.peer).collect();
        systems.sort_by_key(|name| (*name != Peer::Tailwater.name(), *name));
        systems.dedup();
        let mut title = format!("({}) {}", self.letter, self.title);
        for system in systems {
            let _ = writeln!(
                out,
                "| {} | {system} | {} |",
                std::mem::take(&mut title),
                self.cells(system).join(" | ")
            );
        }
    }

    fn cells(&self, system: &str) -> [String; 8] {
        let runs = || self.runs.iter().filter(|run| run.peer == system);
        let cpu = |system| mean(&self.runs, system, |run| run.cpu_seconds_per_million);
        let ratio = match (
            system == Peer::Tailwater.name(),
            cpu(Peer::Tailwater.name()),
        ) {
            (false, Some(ours)) => format!("**{:.1}**", cpu(system).unwrap_or_default() / ours),
            (true, _) => format!("wanted {:.0}", self.wanted),
            _ => String::new(),
        };
        let bus = runs().find_map(|run| run.bus_bytes_per_span);
        let differing = match self.differing {
            Some((ours, _)) if system == Peer::Tailwater.name() => ours.to_string(),
            Some((_, theirs)) if system == Peer::Collector.name() => theirs.to_string(),
            _ => "–".to_owned(),
        };
        let mean_of =
            |figure: fn(&Figures) -> f64| mean(&self.runs, system, figure).unwrap_or_default();
        [
            format!("{:.2}", cpu(system).unwrap_or_default()),
            ratio,
            format!("{:.0} k", mean_of(|run| run.spans_per_second) / 1000.0),
            (runs().map(|run| run.resident_peak_bytes >> 20).max())
                .unwrap_or_default()
                .to_string(),
            bus.map_or("–".to_owned(), |bytes| format!("{bytes:.0}")),
            format!("{:.0}", mean_of(|run| run.spans_out as f64)),
            runs()
                .map(|run| run.lost)
                .max()
                .unwrap_or_default()
                .to_string(),
            differing,
        ]
    }
}

fn mean(runs: &[Figures], system: &str, figure: impl Fn(&Figures) -> f64) -> Option<f64> {
    let of: Vec<_> = runs
        .iter()
        .filter(|run| run.peer == system)
        .map(figure)
        .collect();
    (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64)
}

impl Report {
    pub fn new(conditions: Vec<Condition>) -> Self {
        Self {
            conditions,
            rows: Vec::new(),
            tables: Vec::new(),
        }
    }

    pub fn add_row(&mut self, row: RowResult) {
        self.rows.push(row);
    }

    pub fn add_table(&mut self, table: Table) {
        self.tables.push(table);
    }

    pub fn print_conditions(&self) {
        for Condition(name, value) in &self.conditions {
            eprintln!("{name}: {value}");
        }
    }

    fn markdown(&self) -> String {
        let mut out = String::from("### Conditions\n| | |\n|---|---|\n");
        for Condition(name, value) in &self.conditions {
            let _ = writeln!(out, "| {name} | {value} |");
        }
        if !self.rows.is_empty() {
            out.push_str("\n### Side by side\n");
            out.push_str("| | | CPU-s/M spans | ratio | spans/s | peak MB | bus B/span | spans out | lost | not in the other |\n");
            out.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
            self.rows.iter().for_each(|row| row.lines(&mut out));
        }
        self.tables
            .iter()
            .for_each(|table| table.markdown(&mut out));
        out
    }

    pub fn print(&self) {
        println!("{}", self.markdown());
    }

    /// Both files, with all that is known so far.
    pub fn write(&self, options: &Options) -> Result<()> {
        let folder = &options.output;
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, text))
                .with_context(|| format!("writing {}", path.display()))
        };
        write("results.md", self.markdown())?;
        write(
            "results.json",
            format!("{}\n", serde_json::to_string_pretty(self)?),
        )
    }
}
