//! Processors other than `tail_sampling`: steps and redaction are enrich's; much else is not needed.

use serde_json::{Value, json};

use super::super::value::{at, entries};
use super::super::yaml::{Weight, Yaml};
use super::component::{Component, is_sampling, kind};
use super::redaction::{self, Redaction};
use super::steps;

/// Whether what a processor becomes applies to a signal.
pub(super) fn concerns(id: &str, section: &Value, signal: &str) -> bool {
    if redaction::is_it(id) {
        return redaction::concerns(section);
    }
    steps::concerns(id, section, signal)
}

/// `processors` in the order of the pipelines; `signals` says what each is used for.
pub(super) fn enrich(
    processors: &[Component],
    signals: impl Fn(&str) -> Vec<&'static str>,
) -> Yaml {
    let (mut redactions, mut enrich) = (Redaction::default(), Yaml::map());
    for component in processors.iter().filter(|(id, _)| !is_sampling(id)) {
        let (id, _) = component;
        match kind(id) {
            _ if redaction::is_it(id) => redactions.add(component, &signals(id), &mut enrich),
            _ if steps::is_step(id) => {}
            _ => without_equal(id, &mut enrich),
        }
    }
    let mut steps = steps::steps(processors, &signals, &mut enrich);
    steps.append(&mut redactions.steps);
    let mut redact = Yaml::map();
    if steps::hash(&steps) {
        redact.set("hash", json!({"key": "${env:TAILWATER_HASH_KEY}"}));
    }
    enrich.set("steps", Value::Array(steps));
    enrich.set("redact", redact);
    enrich.set("pii", redactions.pii());
    enrich
}

fn without_equal(id: &str, enrich: &mut Yaml) {
    let (weight, why) = match kind(id) {
        "batch" => (
            Weight::Note,
            "not needed: ingest packs records by bytes and time, exporters have `batch`",
        ),
        "memory_limiter" => (
            Weight::Note,
            "not needed: every buffer is bounded, see `ingest.memory_limit` and `sampler.memory_limit`",
        ),
        "groupbytrace" => (Weight::Note, "not needed: a trace is decided whole"),
        "probabilistic_sampler" => (
            Weight::Lost,
            "head sampling before tail sampling; let everything in and use a policy of type probabilistic",
        ),
        "resourcedetection" => (Weight::Lost, "run it in the agents, before Tailwater"),
        _ => (
            Weight::Lost,
            "no equal here; run it in a Collector before or behind Tailwater",
        ),
    };
    enrich.add_remark(weight, format!("processor {id}: {why}"));
}

/// Policies that ask for attributes which were changed before sampling, there.
pub(super) fn asked_after(before: &[&str], from: &Value, sampling: &Value, enrich: &mut Yaml) {
    let policies = sampling.get("policies").unwrap_or(&Value::Null);
    for id in before {
        let section = at(from, &["processors", id]).unwrap_or(&Value::Null);
        for key in steps::changed(section) {
            if mentions(policies, key) {
                enrich.lost(format!(
                    "processor {id}: it changes {key} before policies ask for it; here they see it as it came"
                ));
            }
        }
        if kind(id) == "transform" && concerns(id, section, "traces") {
            enrich.changed(format!(
                "processor {id}: it changes spans before policies see them; here they see them as they came"
            ));
        }
        if kind(id) == "filter" && concerns(id, section, "traces") {
            enrich.changed(format!(
                "processor {id}: it drops spans before policies see them; here policies see all spans, and it drops those that were kept"
            ));
        }
        if redaction::is_it(id) && redaction::concerns(section) {
            enrich.changed(format!(
                "processor {id}: it masks and removes values before policies ask for them; here they see them as they came"
            ));
        }
    }
}

fn mentions(value: &Value, key: &str) -> bool {
    match value {
        Value::String(text) => text == key || text.contains(&format!("\"{key}\"")),
        Value::Array(items) => items.iter().any(|item| mentions(item, key)),
        Value::Object(_) => entries(Some(value)).any(|(_, value)| mentions(value, key)),
        _ => false,
    }
}
