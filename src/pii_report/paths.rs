//! How the place of a text is called: as short as it can be, with the attribute's key as one would write it in the configuration.

use schemas::otlp::Place;

use super::judge::Judge;
use crate::stored::plain;

/// Keys can be as long as values.
const CHARS_MAX: usize = 120;

/// A place as a report names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// `span name`, `body`, `user.email`, `event exception.message`.
    pub text: String,
    /// The key of the attribute, for `exclude` and `skip_keys`; `None`: it is in none, or in the key itself.
    pub attribute: Option<String>,
}

impl Path {
    pub fn of(place: &Place<'_, '_>, judge: &Judge) -> Self {
        let owner = owner(place.owner.name);
        let mut keys: Vec<_> = place.keys.iter().map(|key| harmless(key, judge)).collect();
        let attribute = keys.first().cloned();
        if place.field == "body" && !keys.is_empty() {
            keys.insert(0, "body".to_owned());
        }
        let keys = keys.join(".");
        let joined = |words: &[&str]| -> String {
            let words: Vec<_> = words
                .iter()
                .copied()
                .filter(|word| !word.is_empty())
                .collect();
            words.join(" ")
        };
        let text = match (place.field, place.is_key) {
            (field, true) => {
                let what = if field == "body" { "body" } else { owner };
                joined(&[what, &keys, "attribute key"])
            }
            _ if !keys.is_empty() => match owner {
                // Of what one thinks of first, the key says enough.
                "span" | "log" | "data point" => keys,
                owner => joined(&[owner, &keys]),
            },
            ("body", _) => "body".to_owned(),
            (field, _) => joined(&[owner, &words(field)]),
        };
        Self {
            text,
            attribute: attribute.filter(|_| !place.is_key),
        }
    }
}

/// A key without what detectors find in it, and without what moves a cursor.
fn harmless(key: &[u8], judge: &Judge) -> String {
    plain(&without_findings(key, judge), CHARS_MAX)
}

/// A text with `****` in place of everything that is found in it.
pub fn without_findings(text: &[u8], judge: &Judge) -> String {
    let (mut left, mut copied) = (Vec::new(), 0);
    for finding in judge.pii().find(b"", text) {
        if finding.place.end <= copied {
            continue;
        }
        if finding.place.start >= copied {
            left.extend_from_slice(&text[copied..finding.place.start]);
            left.extend_from_slice(b"****");
        }
        copied = finding.place.end;
    }
    left.extend_from_slice(&text[copied..]);
    String::from_utf8_lossy(&left).into_owned()
}

fn owner(message: &str) -> &str {
    match message {
        "Span" => "span",
        "Event" => "event",
        "Link" => "link",
        "Status" => "status",
        "LogRecord" => "log",
        "Metric" => "metric",
        "EntityRef" => "entity",
        "InstrumentationScope" => "scope",
        "Exemplar" => "exemplar",
        around if around.starts_with("Resource") => "resource",
        around if around.starts_with("Scope") => "scope",
        point if point.ends_with("DataPoint") => "data point",
        other => other,
    }
}

/// `traceState` as `trace state`.
fn words(field: &str) -> String {
    let mut words = String::new();
    for c in field.chars() {
        if c.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}
