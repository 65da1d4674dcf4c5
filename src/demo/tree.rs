//! One trace as a tree with durations, for people.

use std::collections::HashMap;
use std::fmt::Write;

/// A span as it stands in a line of OTLP JSON, as far as the tree shows it.
#[derive(Clone, Debug, Default)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub id: String,
    pub parent: String,
    pub start: u64,
    pub end: u64,
    pub error: bool,
}

/// More lines than this tell nobody anything.
const LINES_MAX: usize = 24;
const BAR: usize = 24;

/// Draws spans below their parents, each with a bar on the trace's time line.
pub fn draw(spans: &[Span]) -> String {
    let start = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let end = spans.iter().map(|span| span.end).max().unwrap_or(0);
    let ids: HashMap<&str, usize> = spans
        .iter()
        .enumerate()
        .map(|(index, span)| (span.id.as_str(), index))
        .collect();
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (index, span) in spans.iter().enumerate() {
        children
            .entry(ids.get(span.parent.as_str()).copied())
            .or_default()
            .push(index);
    }
    for list in children.values_mut() {
        list.sort_by_key(|index| spans[*index].start);
    }
    let mut tree = Tree {
        spans,
        children,
        start,
        length: (end - start).max(1),
        out: String::new(),
        lines: 0,
    };
    for root in tree.children.get(&None).cloned().unwrap_or_default() {
        tree.branch(root, "", "", "");
    }
    if tree.lines > LINES_MAX {
        let _ = writeln!(tree.out, "  … and {} more spans", tree.lines - LINES_MAX);
    }
    tree.out
}

struct Tree<'a> {
    spans: &'a [Span],
    children: HashMap<Option<usize>, Vec<usize>>,
    start: u64,
    length: u64,
    out: String,
    lines: usize,
}

impl Tree<'_> {
    fn branch(&mut self, index: usize, indent: &str, here: &str, below: &str) {
        let span = &self.spans[index];
        self.lines += 1;
        if self.lines <= LINES_MAX {
            let at = |time: u64| ((time - self.start) as usize * BAR) / self.length as usize;
            let (from, to) = (at(span.start).min(BAR - 1), at(span.end));
            let width = (to - from.min(to)).clamp(1, BAR - from);
            let bar: String = format!("{}{}", " ".repeat(from), "▬".repeat(width));
            let label: String = format!("{indent}{here}{} {}", span.service, span.name)
                .chars()
                .take(58)
                .collect();
            let mark = if span.error { "✗ error" } else { "" };
            let ms = (span.end - span.start) as f64 / 1e6;
            let _ = writeln!(self.out, "  {label:<58} {bar:<BAR$} {ms:>8.1} ms {mark}");
        }
        let children = self.children.get(&Some(index)).cloned().unwrap_or_default();
        let indent = format!("{indent}{below}");
        for (number, child) in children.iter().enumerate() {
            let last = number + 1 == children.len();
            self.branch(
                *child,
                &indent,
                if last { "└─ " } else { "├─ " },
                if last { "   " } else { "│  " },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_stand_below_their_parents_in_order_of_time() {
        let span = |id: &str, parent: &str, start: u64, end: u64, error| Span {
            service: "shop".to_owned(),
            name: id.to_owned(),
            id: id.to_owned(),
            parent: parent.to_owned(),
            start: start * 1_000_000,
            end: end * 1_000_000,
            error,
        };
        let drawn = draw(&[
            span("b2", "root", 60, 90, true),
            span("root", "", 0, 100, true),
            span("b1", "root", 10, 40, false),
            span("leaf", "b1", 20, 30, false),
        ]);
        let names: Vec<&str> = drawn
            .lines()
            .map(|line| line.split("▬").next().unwrap_or("").trim_end())
            .collect();
        assert_eq!(
            names,
            [
                "  shop root",
                "  ├─ shop b1",
                "  │  └─ shop leaf",
                "  └─ shop b2"
            ]
        );
        assert_eq!(
            drawn
                .lines()
                .filter(|line| line.ends_with("✗ error"))
                .count(),
            2
        );
        assert!(drawn.contains("100.0 ms"));
    }
}
