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
/// What stands beside label and bar: margins, the duration, the mark.
const REST: usize = 2 + 1 + 1 + 11 + 2;
const LABEL_MAX: usize = 58;

/// Draws spans below their parents, each with a bar on the trace's time line, in lines of so many columns.
pub fn draw(spans: &[Span], width: usize) -> String {
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
        length: end.saturating_sub(start).max(1),
        bar: (width.saturating_sub(REST) / 3).clamp(8, 30),
        label: (width.saturating_sub(REST) * 2 / 3).clamp(20, LABEL_MAX),
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

/// Whether all spans hang together: one root, and each other span's parent is there.
pub fn is_whole(spans: &[Span]) -> bool {
    let is_root = |span: &&Span| !spans.iter().any(|other| other.id == span.parent);
    spans.iter().filter(is_root).count() == 1
}

struct Tree<'a> {
    spans: &'a [Span],
    children: HashMap<Option<usize>, Vec<usize>>,
    start: u64,
    length: u64,
    bar: usize,
    label: usize,
    out: String,
    lines: usize,
}

impl Tree<'_> {
    fn bar_of(&self, span: &Span) -> String {
        let at = |time: u64| {
            let since = time.saturating_sub(self.start) as u128;
            (since * self.bar as u128 / u128::from(self.length)) as usize
        };
        let from = at(span.start).min(self.bar - 1);
        let width = at(span.end).saturating_sub(from).clamp(1, self.bar - from);
        " ".repeat(from) + &"▬".repeat(width)
    }

    fn branch(&mut self, index: usize, indent: &str, here: &str, below: &str) {
        let span = &self.spans[index];
        self.lines += 1;
        if self.lines <= LINES_MAX {
            let bar = self.bar_of(span);
            let text = format!("{indent}{here}{} {}", span.service, span.name);
            let label = shortened(&text, self.label);
            let ms = span.end.saturating_sub(span.start) as f64 / 1e6;
            let mark = if span.error { " ✗" } else { "" };
            let (wide, long) = (self.label, self.bar);
            let _ = writeln!(self.out, "  {label:<wide$} {bar:<long$} {ms:>8.1} ms{mark}");
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

/// At most `width` characters.
fn shortened(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some(_) => text.chars().take(width - 1).chain(['…']).collect(),
        None => text.to_owned(),
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
        let spans = [
            span("b2", "root", 60, 90, true),
            span("root", "", 0, 100, true),
            span("b1", "root", 10, 40, false),
            span("leaf", "b1", 20, 30, false),
        ];
        assert!(is_whole(&spans));
        assert!(!is_whole(&[spans[0].clone(), spans[3].clone()]));
        let drawn = draw(&spans, 80);
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
            drawn.lines().filter(|line| line.ends_with(" ms ✗")).count(),
            2
        );
        assert!(drawn.contains("100.0 ms"));
        for width in [0, 40, 80, 200] {
            let drawn = draw(&spans, width);
            let widest = drawn.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width.max(50)), "{width}:\n{drawn}");
        }
    }

    #[test]
    fn clocks_that_run_backwards_are_no_panic() {
        let span = Span {
            id: "a".to_owned(),
            start: u64::MAX,
            end: 3,
            ..Span::default()
        };
        assert!(draw(&[span], 80).contains("0.0 ms"));
        assert_eq!(draw(&[], 80), "");
    }
}
