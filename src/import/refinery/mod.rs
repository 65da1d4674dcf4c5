//! From Honeycomb's Refinery: a rules file of version 2, the sampler of one environment.
//!
//! In Refinery the first rule that matches decides; here any policy that matches keeps, and `drop` wins. So each rule becomes a
//! policy that also asks that no earlier rule matched. Source: `rules.md` and `sample/rules.go` of Refinery 3.

mod condition;
mod field;
mod operand;
mod ottl;
mod rule;
mod sampler;
mod test;

use serde_json::{Value, json};

use self::rule::{Matching, Rule, not};
use super::value::{entries, items};
use super::yaml::Yaml;

/// # Errors
/// It is not a rules file of version 2, or has no such environment.
pub(super) fn import(from: &Value, environment: &str) -> Result<Yaml, String> {
    let Some(samplers) = from.get("Samplers") else {
        return Err(
            "there are no `Samplers` in it: this reads Refinery's rules file, version 2".to_owned(),
        );
    };
    let names: Vec<&str> = entries(Some(samplers)).map(|(name, _)| name).collect();
    let nothing = Value::Null;
    let chosen = match samplers.get(environment) {
        Some(chosen) => chosen,
        None if names.is_empty() => &nothing,
        None => {
            return Err(format!(
                "it has no environment {environment:?}; there are: {}. Choose one with --environment",
                names.join(", ")
            ));
        }
    };
    let mut ours = Yaml::map();
    for (key, value) in entries(Some(from)) {
        match key {
            "Samplers" => {}
            "RulesVersion" if value == &json!(2) => {}
            "RulesVersion" => ours.changed(format!(
                "RulesVersion is {value}; the file is read as version 2"
            )),
            _ => ours.remark(format!("{key}: no equal here")),
        }
    }
    let mut list = Yaml::list();
    for name in names.iter().filter(|name| **name != environment) {
        list.remark(format!(
            "environment {name}: not translated; --environment {name} does, for samplers of its own on a bus of its own"
        ));
    }
    let used = sampler::chosen(environment, chosen, &mut list);
    match used {
        Some(("RulesBasedSampler", rules)) => by_rules(rules, &mut list),
        _ => {
            let policy = sampler::policy(environment.trim_matches('_'), used, &mut list);
            list.push(policy);
        }
    }
    let mut section = Yaml::map();
    section.remark("Refinery decides SendDelay (2s) after the root, or TraceTimeout (60s) after the first span: these stand in its other file");
    section.set("decision_wait", "60s");
    section.set("decision_wait_after_root_received", "2s");
    section.set("policies", list);
    ours.set("sampler", section);
    // Refinery knows no references to the environment.
    ours.change_texts(&literal);
    Ok(ours)
}

/// A text that is read as itself: `$$` and `${` are more than that in our configuration.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '$' && matches!(rest.peek(), Some('$' | '{')) {
            out.push('$');
        }
    }
    out
}

/// What those rules ask that a trace has not satisfied before it comes to the present one.
#[derive(Default)]
struct Earlier {
    not_matched: Vec<Value>,
    every_trace_met_one: bool,
}

fn by_rules(section: &Value, list: &mut Yaml) {
    for (key, value) in entries(Some(section)) {
        match key {
            "Rules" => {}
            "CheckNestedFields" if value == &Value::Bool(false) => {}
            "CheckNestedFields" => list.changed(
                "CheckNestedFields: OTTL looks into nested values by paths such as attributes[\"a\"][\"b\"]; conditions here look at whole attributes",
            ),
            _ => list.remark(format!("RulesBasedSampler: `{key}` has no equal here")),
        }
    }
    let mut earlier = Earlier::default();
    let mut names: Vec<String> = Vec::new();
    for (index, raw) in items(section.get("Rules")).iter().enumerate() {
        let mut name = raw
            .get("Name")
            .and_then(Value::as_str)
            .filter(|name| !name.trim().is_empty())
            .map_or_else(|| format!("rule {}", index + 1), str::to_owned);
        if names.contains(&name) {
            list.remark(format!("rule {name:?}: a second one of this name"));
            name = format!("{name} ({})", index + 1);
        }
        names.push(name.clone());
        add(&name, raw, &mut earlier, list);
    }
    if !earlier.every_trace_met_one {
        list.remark("Refinery keeps what no rule matches");
        list.push(sampled_by("no rule matched", earlier.not_matched, None));
    }
}

/// The policy of a rule, after the remarks on it.
fn add(name: &str, raw: &Value, earlier: &mut Earlier, list: &mut Yaml) {
    if earlier.every_trace_met_one {
        list.remark(format!(
            "rule {name:?}: never reached, a rule before it matches every trace"
        ));
        return;
    }
    let rule = Rule::read(name, raw);
    for note in &rule.notes {
        list.remark(format!("rule {name:?}: {note}"));
    }
    for change in &rule.changes {
        list.changed(format!("rule {name:?}: {change}"));
    }
    let matches = match rule.matching {
        Matching::Always => Vec::new(),
        Matching::All(subs) => subs,
        Matching::Never(reason) => {
            list.changed(format!(
                "rule {name:?}: left out, in Refinery it never matches: {reason}"
            ));
            return;
        }
        Matching::Unknown(reason) => {
            list.lost(format!(
                "rule {name:?}: left out, the rules behind it decide: {reason}; as it was:\n  {raw}"
            ));
            return;
        }
    };
    let asked = earlier
        .not_matched
        .iter()
        .cloned()
        .chain(matches.clone())
        .collect();
    let policy = decided(name, raw, asked, list);
    list.push(policy);
    earlier.every_trace_met_one = matches.is_empty();
    earlier.not_matched.push(not(all(name, matches)));
}

/// What a rule comes to, given the sub-policies that say that it is the one.
fn decided(name: &str, raw: &Value, mut asked: Vec<Value>, list: &mut Yaml) -> Value {
    let drops = raw.get("Drop").and_then(Value::as_bool) == Some(true);
    if let Some(of) = raw.get("Sampler").filter(|of| !of.is_null()) {
        for unused in ["SampleRate", "Drop"]
            .iter()
            .filter(|key| raw.get(**key).is_some())
        {
            list.remark(format!(
                "rule {name:?}: `{unused}` was left out, its Sampler decides"
            ));
        }
        let of = sampler::chosen(name, of, list);
        let rate = sampler::policy("rate", of, list);
        return sampled_by(name, asked, Some(rate));
    }
    let rate = raw.get("SampleRate").map_or(Some(0.0), sampler::number);
    if !drops && rate.is_some_and(|rate| rate < 1.0) {
        list.changed(format!(
            "rule {name:?}: without SampleRate, Drop and Sampler, Refinery drops what it matches, and so does this"
        ));
    }
    if drops || rate.is_some_and(|rate| rate < 1.0) {
        if drops && rate.is_some_and(|rate| rate >= 1.0) {
            list.remark(format!(
                "rule {name:?}: `SampleRate` was left out, it drops"
            ));
        }
        if asked.is_empty() {
            asked.push(json!({"name": "all", "type": "always_sample"}));
        }
        return composed(name, "drop", asked);
    }
    sampled_by(name, asked, sampler::one_in("rate", raw.get("SampleRate")))
}

fn sampled_by(name: &str, mut asked: Vec<Value>, rate: Option<Value>) -> Value {
    match (rate, asked.is_empty()) {
        (Some(Value::Object(mut rate)), true) => {
            rate.insert("name".to_owned(), json!(name));
            Value::Object(rate)
        }
        (rate, _) => {
            asked.extend(rate);
            match asked.is_empty() {
                true => json!({"name": name, "type": "always_sample"}),
                false => composed(name, "and", asked),
            }
        }
    }
}

/// One sub-policy for all of them.
fn all(name: &str, matches: Vec<Value>) -> Value {
    match <[Value; 1]>::try_from(matches) {
        Ok([one]) => one,
        Err(several) => composed(&format!("{name}, all"), "and", several),
    }
}

fn composed(name: &str, kind: &str, subs: Vec<Value>) -> Value {
    json!({"name": name, "type": kind, kind: {format!("{kind}_sub_policy"): subs}})
}

#[cfg(test)]
mod tests;
