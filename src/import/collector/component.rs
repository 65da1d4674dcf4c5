//! A component of a Collector: its id and its section, and what is said of the keys in it.

use serde_json::Value;

use super::super::value::entries;
use super::super::yaml::{Weight, Yaml};

/// A component of a Collector's configuration: its id (`otlp/tempo`), and what is written about it.
pub(super) type Component<'v> = (&'v str, &'v Value);

/// The type of a component: what stands before the slash of its id.
pub(super) fn kind(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}

pub(super) fn is_sampling(id: &str) -> bool {
    kind(id) == "tail_sampling"
}

/// What is written in a section besides `known` is remarked on.
pub(super) fn leftovers(of: &str, section: &Value, known: &[&str], ours: &mut Yaml) {
    for (key, _) in entries(Some(section)).filter(|(key, _)| !known.contains(key)) {
        ours.remark(format!("{of}: `{key}` has no equal here"));
    }
}

/// A key of a list that has a reason of its own.
pub(super) type Reason = (&'static str, Weight, &'static str);

/// Remarks on those keys of a section that have a reason; returns what they are.
pub(super) fn reasons(
    of: &str,
    section: &Value,
    reasons: &[Reason],
    ours: &mut Yaml,
) -> Vec<&'static str> {
    for (key, weight, why) in reasons {
        if section.get(key).is_some_and(|value| !value.is_null()) {
            ours.add_remark(*weight, format!("{of}: `{key}`: {why}"));
        }
    }
    reasons.iter().map(|(key, ..)| *key).collect()
}
