//! What is reported beside values that couldn't be read, and beside what is valid.

#![allow(clippy::unwrap_used)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Duration, Loaded, Problems, Source};

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Whole {
    bus: Bus,
    sampler: Sampler,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Bus {
    embedded: Option<Embedded>,
    partitions: Option<u16>,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Embedded {
    dir: String,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {"num_traces": "leave it out"}))]
struct Sampler {
    decision_wait: Duration,
    policies: Vec<Policy>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Policy {
    Latency(Latency),
    AlwaysSample(Always),
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Latency {
    name: String,
    threshold_ms: u64,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Always {
    name: String,
}

/// Loads a text of which these sections are used; `DIR` is the only variable that is set.
fn load(yaml: &str, used: &[&str]) -> Result<Loaded<String>, ConfigError> {
    let source = Source {
        file: "t.yaml",
        text: yaml,
        environment: &|name| (name == "DIR").then(|| "/data".to_owned()),
        uses: &|section| used.contains(&section),
        empty: Some("nothing is in it"),
    };
    source.load(|whole: &Whole, problems: &mut Problems| {
        if whole.bus.partitions == Some(0) {
            problems.push("bus.partitions", "must be at least 1");
        }
        if whole.bus.partitions == Some(1) {
            problems.warn("bus.partitions", "few");
        }
        if whole.sampler.policies.len() > 1 {
            problems.warn("sampler.policies[1]", "one is enough");
        }
        for (index, policy) in whole.sampler.policies.iter().enumerate() {
            let at = |key: &str| format!("sampler.policies[{index}].{key}");
            if let Policy::Latency(latency) = policy {
                if latency.name.is_empty() {
                    problems.push(at("name"), "empty");
                }
                if latency.threshold_ms == 0 {
                    problems.push(at("threshold_ms"), "must be above 0");
                }
            }
        }
        serde_json::to_string(whole).unwrap()
    })
}

const BOTH: &[&str] = &["bus", "sampler"];

/// The messages and helps, each a line.
#[track_caller]
fn check_messages(yaml: &str, expected: &[&str]) {
    let report = load(yaml, BOTH).unwrap_err().to_string();
    let lines: Vec<_> = (report.lines())
        .filter_map(|line| match line.strip_prefix("error: ") {
            Some(message) => Some(message),
            None => line.trim_start().strip_prefix("= "),
        })
        .collect();
    assert_eq!(lines, expected, "\n--- of\n{yaml}\n--- got\n{report}");
}

#[test]
fn a_section_of_the_wrong_kind_hides_no_other_problem() {
    // The whole section, or a part of it.
    check_messages(
        "bus: 5\nsampler: {policies: [{name: a, type: latency, threshold_ms: 0}]}\n",
        &[
            "bus: expected keys with values, found `5`",
            "sampler.policies[0].threshold_ms: must be above 0",
        ],
    );
    check_messages(
        "bus: {embedded: [1], partitions: 0}\nsampler: []\nother: {a: 1}\n",
        &[
            "bus.embedded: expected keys with values, found a list",
            "bus.partitions: must be at least 1",
            "sampler: expected keys with values, found a list",
            "unknown key `other`",
            "help: known here: bus, sampler",
        ],
    );
    // An item of a list: the others keep their numbers.
    check_messages(
        "bus: {partitions: 0}\nsampler:\n  policies:\n  - 7\n  - {name: b, type: latncy}\n  - {name: c, type: latency}\n  - {name: d, type: latency, threshold_ms: [1]}\n  - {name: e, type: latency, threshold_ms: 0}\n",
        &[
            "bus.partitions: must be at least 1",
            "sampler.policies[0]: expected keys with values, found `7`",
            "sampler.policies[1].type: `latncy` is none of: latency, always_sample",
            "help: did you mean `latency`?",
            "sampler.policies[2]: the key `threshold_ms` is missing",
            "sampler.policies[3].threshold_ms: expected a whole number, found a list",
            "sampler.policies[4].threshold_ms: must be above 0",
        ],
    );
    // Variables that aren't set, and references that are none.
    check_messages(
        "bus: {embedded: {dir: \"${env:NONE}\"}, partitions: 0}\nsampler: \"${env:NONE}${HOME}\"\n",
        &[
            "the environment variable NONE is not set; set it, or give a default: ${env:NONE:-...}",
            "bus.partitions: must be at least 1",
            "`${HOME}` is not a reference; write ${env:HOME} for an environment variable, $${HOME} for the text itself",
            "the environment variable NONE is not set; set it, or give a default: ${env:NONE:-...}",
        ],
    );
}

#[test]
fn what_is_wrong_by_itself_is_said_beside_a_misspelt_key() {
    check_messages(
        "bus: {embeded: 1, partitions: 0}\n",
        &[
            "unknown key `embeded` in bus",
            "help: did you mean `embedded`?",
            "bus.partitions: must be at least 1",
        ],
    );
}

#[test]
fn variables_are_asked_for_only_where_they_are_used() {
    let unused = "bus: {embedded: {dir: \"${env:DIR}\"}}\nsampler:\n  decision_wait: ${env:NONE}\n  policies: [{name: \"${env:NONE}\", type: latency, threshold_ms: 1}]\n";
    let loaded = load(unused, &["bus"]).unwrap();
    assert!(loaded.value.contains("/data"), "{}", loaded.value);
    let left_out = ["sampler.decision_wait", "sampler.policies[0].name"];
    assert_eq!(loaded.left_out, left_out);
    let used = "bus: {embedded: {dir: \"${env:NONE}\"}}\n";
    let report = load(used, &["bus"]).unwrap_err().to_string();
    assert!(report.contains("NONE is not set"), "{report}");
    // Everything else is asked of all sections.
    for wrong in [
        "decision_wait: '${NONE}'",
        "decision_wait: soon",
        "decision_wiat: 1s",
    ] {
        let report = load(&format!("sampler: {{{wrong}}}\n"), &["bus"]);
        assert!(report.is_err(), "{wrong}");
    }
}

#[test]
fn warnings_have_places_and_refuse_nothing() {
    let two = "sampler:\n  policies:\n  - {name: a, type: always_sample}\n  - {name: b, type: always_sample}\n";
    let warnings = load(two, BOTH).unwrap().warnings;
    assert_eq!(
        warnings.to_string(),
        "warning: sampler.policies[1]: one is enough\n --> t.yaml:4:5\n  |\n4 |   - {name: b, type: always_sample}\n  |     ^\n\n1 warning in t.yaml"
    );
    let lines: Vec<_> = warnings.lines().collect();
    let expected = (
        "t.yaml:4:5".to_owned(),
        "sampler.policies[1]: one is enough",
    );
    assert_eq!(lines, [expected]);
    // Of what isn't used nothing is said.
    let both = format!("{two}bus: {{partitions: 1}}\n");
    let warnings = load(&both, &["bus"]).unwrap().warnings;
    let lines: Vec<_> = warnings.lines().map(|(_, message)| message).collect();
    assert_eq!(lines, ["bus.partitions: few"]);
    // Beside errors they are said too.
    let report = load(&format!("{two}bus: 5\n"), BOTH).unwrap_err();
    assert_eq!(report.count(), 1);
    let report = report.to_string();
    assert!(report.contains("warning: sampler.policies[1]"), "{report}");
    assert!(
        report.ends_with("1 problem and 1 warning in t.yaml"),
        "{report}"
    );
}

#[test]
fn a_text_that_holds_nothing_may_be_wrong() {
    for nothing in ["", "# a: 1\n", "---\n", "{}", " \n\n"] {
        let report = load(nothing, BOTH).unwrap_err().to_string();
        assert!(report.starts_with("error: nothing is in it"), "{report}");
    }
    assert!(load("bus:\n", BOTH).is_ok());
}
