//! Sections held against our own reading of them.

use runtime::config::{Problems, load};
use serde_json::{Value, json};

/// Why a section that has one element can't be a step, if so.
pub(in super::super) fn tried(id: &str, section: &Value) -> Result<(), String> {
    let text = json!({"steps": [{ id: section }]}).to_string();
    // In texts of a Collector, as in ours, `$$` is a dollar sign; variables stand for texts.
    let environment = |_: &str| Some("x".to_owned());
    let validate = |raw: &enrich::RawConfig, problems: &mut Problems| {
        raw.validate("", problems);
    };
    load("", &text, &environment, validate).map_err(|report| {
        let first = report.to_string();
        let first = first.lines().next().unwrap_or_default();
        // Behind the place, which is one in the text above.
        let message = first.split_once(": ").map_or(first, |(_, message)| message);
        let message = message.replace(&format!("steps[0].{id}."), "");
        // The place within the list, where there is only one.
        match message.split_once("[0]: ") {
            Some((place, message)) if !place.contains(' ') => message.to_owned(),
            _ => message,
        }
    })
}
