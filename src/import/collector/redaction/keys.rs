//! Patterns of keys, which our lists of keys don't take.

use serde_json::{Map, Value, json};

use super::super::super::value::items;
use super::super::super::yaml::Yaml;
use super::super::steps::tried;

/// A signal, its list of statements, and the maps in which keys stand.
type Place = (&'static str, &'static str, &'static [&'static str]);

const PLACES: [Place; 3] = [
    (
        "traces",
        "trace_statements",
        &[
            "resource.attributes",
            "scope.attributes",
            "span.attributes",
            "spanevent.attributes",
        ],
    ),
    (
        "logs",
        "log_statements",
        &[
            "resource.attributes",
            "scope.attributes",
            "log.attributes",
            "log.body",
        ],
    ),
    (
        "metrics",
        "metric_statements",
        &[
            "resource.attributes",
            "scope.attributes",
            "datapoint.attributes",
        ],
    ),
];

/// The step that deletes what `blocked_key_patterns` masked: no detector goes by a pattern of keys.
pub(super) fn step(
    id: &str,
    section: &Value,
    signals: &[&str],
    enrich: &mut Yaml,
) -> Option<Value> {
    let patterns = items(section.get("blocked_key_patterns"));
    let mut step = Map::new();
    for (_, list, maps) in PLACES
        .iter()
        .filter(|(signal, ..)| signals.contains(signal))
    {
        let mut statements = Vec::new();
        for (map, pattern) in maps
            .iter()
            .flat_map(|map| patterns.iter().map(move |it| (map, it)))
        {
            let condition = match *map {
                "log.body" => " where IsMap(log.body)",
                _ => "",
            };
            let statement = format!("delete_matching_keys({map}, {pattern}){condition}");
            match tried("transform", &json!({ *list: [statement] })) {
                Ok(()) => statements.push(statement),
                Err(why) => enrich.lost(format!(
                    "processor {id}, `blocked_key_patterns`: {why}: {statement}"
                )),
            }
        }
        if !statements.is_empty() {
            step.insert((*list).to_owned(), json!(statements));
        }
    }
    if step.is_empty() {
        return None;
    }
    enrich.changed(format!(
        "processor {id}: `blocked_key_patterns`: here a step deletes these attributes, where their values were masked or hashed there, also those that `ignored_keys` or `allowed_values` would have spared"
    ));
    let id = format!("transform/{}", id.replace('/', "-"));
    Some(json!({ id: step }))
}

/// A pattern of keys as `skip_keys` takes it, where it says no more than how they begin.
pub(super) fn as_keys(pattern: &str) -> Option<String> {
    let rest = pattern.strip_prefix('^')?;
    let (rest, end) = match rest.strip_suffix('$') {
        Some(rest) => match rest.strip_suffix(".*") {
            Some(rest) => (rest, "*"),
            None => (rest, ""),
        },
        None => (rest.strip_suffix(".*").unwrap_or(rest), "*"),
    };
    let literal = rest.replace(r"\.", ".");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    // A dot that isn't escaped stands for any character, which would be fewer keys here.
    let dots = rest.matches('.').count() == rest.matches(r"\.").count();
    (!literal.is_empty() && dots && literal.chars().all(is_plain)).then(|| literal + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_keys_are_taken() {
        for (pattern, keys) in [
            ("^safe_.*", Some("safe_*")),
            ("^safe_", Some("safe_*")),
            (r"^app\.safe$", Some("app.safe")),
            (r"^app\.safe.*$", Some("app.safe*")),
            (".*_trusted$", None),
            ("^a.b$", None),
            ("^(a|b)", None),
            ("^.*", None),
            ("safe", None),
        ] {
            assert_eq!(as_keys(pattern).as_deref(), keys, "{pattern}");
        }
    }
}
