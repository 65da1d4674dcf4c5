//! Names of metrics.

use super::Names;
use super::unit::{clean, suffixes};

/// What a metric's name depends on beside its own name and unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricType {
    Gauge,
    /// A sum that only grows.
    Counter,
    /// Any other sum.
    UpDownCounter,
    /// A histogram or a summary.
    Distribution,
}

/// The name that Prometheus knows a metric by; `None`: nothing is left of it.
pub fn metric_name(names: Names, name: &str, unit: &str, kind: MetricType) -> Option<String> {
    let built = match (names.escapes(), names.has_suffixes()) {
        (true, true) => with_suffixes(name, unit, kind),
        (true, false) => escaped(name),
        (false, true) => utf8_with_suffixes(name, unit, kind),
        (false, false) => name.to_owned(),
    };
    let has_name = built.bytes().any(|byte| byte != b'_');
    (has_name || built == name && !built.is_empty()).then_some(built)
}

fn is_fine(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == ':'
}

/// A name doesn't begin with a digit.
fn not_a_number(name: String) -> String {
    match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

fn escaped(name: &str) -> String {
    let words = name.split(|char| !is_fine(char) && char != '_');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    not_a_number(words.join("_"))
}

fn with_suffixes(name: &str, unit: &str, kind: MetricType) -> String {
    let words = name.split(|char| !is_fine(char));
    let mut words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let (main, per) = suffixes(unit);
    let (main, per) = (clean(&main), clean(&per));
    let mut main = &*main;
    if words.contains(&main) {
        main = "";
    }
    let per = match &*per {
        "per_" => "",
        per => per.strip_suffix('_').unwrap_or(per),
    };
    let per = if words.contains(&per) { "" } else { per };
    if !per.is_empty() {
        main = main.strip_suffix('_').unwrap_or(main);
    }
    words.extend([main, per].into_iter().filter(|word| !word.is_empty()));
    let last = match kind {
        MetricType::Counter => Some("total"),
        // Counters of things have the unit `1` too, by mistake; of those nobody wants a ratio.
        MetricType::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(last) = last {
        words.retain(|word| *word != last);
        words.push(last);
    }
    not_a_number(words.join("_"))
}

fn utf8_with_suffixes(name: &str, unit: &str, kind: MetricType) -> String {
    let (main, per) = suffixes(unit);
    let last = match kind {
        MetricType::Counter => "total",
        MetricType::Gauge if unit == "1" => "ratio",
        _ => "",
    };
    let mut name = without_end(name, last);
    if !per.is_empty() {
        name = without_end(&name, &per);
    }
    if !main.is_empty() && !name.ends_with(&*main) {
        name = format!("{name}_{main}");
    }
    for suffix in [&per, last] {
        if !suffix.is_empty() {
            name = format!("{name}_{suffix}");
        }
    }
    name
}

/// Without an end and the byte before it, which is taken for a delimiter.
fn without_end(name: &str, end: &str) -> String {
    match name.strip_suffix(end) {
        Some(rest) if !end.is_empty() && rest.len() > 1 => {
            String::from_utf8_lossy(&rest.as_bytes()[..rest.len() - 1]).into_owned()
        }
        _ => name.to_owned(),
    }
}
