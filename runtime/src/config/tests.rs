//! From a YAML text to the exact report; one table.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByteSize, Duration, Problems, load};

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
    properties: BTreeMap<String, String>,
    #[schemars(range(min = 1))]
    partitions: Option<u16>,
    level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_level: Option<Level>,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Embedded {
    dir: String,
    bytes: ByteSize,
}

/// Documented variants: schemars writes them as alternatives.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    /// Loud.
    Debug,
    /// Less so.
    #[default]
    Info,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {"num_traces": "traces are not counted here; leave it out"}))]
struct Sampler {
    decision_wait: Duration,
    policies: Vec<Policy>,
    targets: Vec<Target>,
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

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Target {
    Address(String),
    Full(Full),
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Full {
    host: String,
    port: u16,
}

fn environment(name: &str) -> Option<String> {
    match name {
        "DIR" => Some("/data".to_owned()),
        "PORT" => Some("16".to_owned()),
        "EVIL" => Some("x\nsampler: {decision_wait: 1s}".to_owned()),
        "SECRET" => Some("hunter2".to_owned()),
        _ => None,
    }
}

/// The configuration as JSON, or the report.
fn read(yaml: &str) -> String {
    let loaded = load(
        "t.yaml",
        yaml,
        &environment,
        |whole: &Whole, problems: &mut Problems| {
            if whole.bus.partitions == Some(0) {
                problems.push("bus.partitions", "must be at least 1");
            }
            if whole.bus.properties.contains_key("group.id") {
                problems.push("bus.properties.group.id", "is ours to set");
            }
            for (index, policy) in whole.sampler.policies.iter().enumerate() {
                if let Policy::Latency(Latency {
                    threshold_ms: 0, ..
                }) = policy
                {
                    let path = format!("sampler.policies[{index}].threshold_ms");
                    problems.push(path, "must be above 0");
                }
            }
            if whole.sampler.decision_wait > Duration::from_secs(3600) {
                problems.push("sampler.decision_cache_ttl", "must be twice decision_wait");
            }
            serde_json::to_string(whole).unwrap()
        },
    );
    loaded.unwrap_or_else(|error| error.to_string())
}

fn check(yaml: &str, expected: &str) {
    let got = read(yaml);
    assert_eq!(
        got.trim_end(),
        expected.trim(),
        "\n--- of\n{yaml}\n--- got\n{got}"
    );
}

/// Only the messages and helps, each a line.
fn check_messages(yaml: &str, expected: &[&str]) {
    let report = read(yaml);
    let lines: Vec<_> = (report.lines())
        .filter_map(|line| match line.strip_prefix("error: ") {
            Some(message) => Some(message),
            None => line.trim_start().strip_prefix("= "),
        })
        .collect();
    assert_eq!(lines, expected, "\n--- of\n{yaml}\n--- got\n{report}");
}

const DEFAULTS: &str = r#"{"bus":{"embedded":null,"properties":{},"partitions":null,"level":"info"},"sampler":{"decision_wait":"0s","policies":[],"targets":[]}}"#;

#[test]
fn nothing_is_the_defaults() {
    for blank in [
        "",
        "\n",
        "# only a comment\n",
        "bus:\nsampler:\n",
        "{}",
        "---\n",
    ] {
        check(blank, DEFAULTS);
    }
}

#[test]
fn values_are_read() {
    check(
        r#"
bus:
  embedded: {dir: ./data, bytes: 10GiB}
  properties: {linger.ms: 5, enable.idempotence: true, acks: "all"}
  partitions: 48
  level: debug
sampler:
  decision_wait: 1m 30s
  policies:
    - {name: slow, type: latency, threshold_ms: 2000}
    - {name: all, type: always_sample}
  targets: [one, {host: two, port: 0x10}]
"#,
        r#"{"bus":{"embedded":{"dir":"./data","bytes":"10GiB"},"properties":{"acks":"all","enable.idempotence":"true","linger.ms":"5"},"partitions":48,"level":"debug"},"sampler":{"decision_wait":"1m 30s","policies":[{"type":"latency","name":"slow","threshold_ms":2000},{"type":"always_sample","name":"all"}],"targets":["one",{"host":"two","port":16}]}}"#,
    );
}

#[test]
fn a_key_with_nothing_behind_it_takes_the_defaults_of_its_section() {
    let got = read("bus:\n  embedded:\n  partitions: ~\n");
    assert!(
        got.contains(r#""embedded":{"dir":"","bytes":"0B"},"#),
        "{got}"
    );
    let got = read("bus: {embedded: null}");
    assert!(got.contains(r#""embedded":null"#), "{got}");
}

#[test]
fn environment_variables_are_text_and_never_structure() {
    let got = read("bus:\n  embedded: {dir: \"${env:DIR}/log\"}\n  partitions: ${env:PORT}\n");
    assert!(got.contains(r#""dir":"/data/log""#), "{got}");
    assert!(got.contains(r#""partitions":16"#), "{got}");
    // In braces YAML wants quotes; a number is still a number.
    let got = read("bus: {partitions: \"${env:NONE:-48}\"}");
    assert!(got.contains(r#""partitions":48"#), "{got}");
    let got = read("bus: {embedded: {dir: \"${env:EVIL}\"}}");
    assert!(
        got.contains(r#""dir":"x\nsampler: {decision_wait: 1s}""#),
        "{got}"
    );
    assert!(got.contains(r#""decision_wait":"0s""#), "{got}");
}

#[test]
fn anchors_are_copied_within_bounds() {
    let got = read("sampler: {targets: [&a one, *a, *a]}");
    assert!(got.contains(r#""targets":["one","one","one"]"#), "{got}");
    let mut bomb = "sampler:\n  targets:\n  - &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        bomb.push_str(&format!(
            "  - &a{n} [{}]\n",
            format!("*a{}, ", n - 1).repeat(10)
        ));
    }
    check_messages(&bomb, &["more than 100000 values, aliases included"]);
}

#[test]
fn keys_of_other_systems_are_explained() {
    let report = read("sampler:\n  num_traces: 5\n");
    assert!(report.contains("unknown key `num_traces`"), "{report}");
    assert!(
        report.contains("help: traces are not counted here; leave it out"),
        "{report}"
    );
}

#[test]
fn a_report_marks_every_problem_in_its_line() {
    check(
        r#"bus:
  embeded: {dir: x}
  partitions: many
sampler:
  decision_wait: 30
  policies:
    - {name: slow, type: latency, threshold_ms: -1}
    - {name: ${x}, type: latency, threshold_ms: 2, treshold: 1}
"#,
        "
error: not valid yaml: while parsing a flow mapping, did not find expected ',' or '}'
 --> t.yaml:8:15
  |
8 |     - {name: ${x}, type: latency, threshold_ms: 2, treshold: 1}
  |               ^
  = help: within braces or brackets, put what holds ${...} in quotes

1 problem in t.yaml",
    );
    check(
        r#"bus:
  embeded: {dir: x}
  partitions: many
sampler:
  decision_wait: 30
  policies:
    - {name: slow, type: latency, threshold_ms: -1}
    - {name: "${x}", type: latency, treshold: 1}
    - {name: "${env:NOT_SET}", type: latncy}
"#,
        "
error: unknown key `embeded` in bus
 --> t.yaml:2:3
  |
2 |   embeded: {dir: x}
  |   ^^^^^^^
  = help: did you mean `embedded`?

error: bus.partitions: expected a whole number, found `many`
 --> t.yaml:3:15
  |
3 |   partitions: many
  |               ^^^^

error: sampler.decision_wait: `30` is not a duration; write a number with a unit, such as 30s, 250ms or 1h 30m
 --> t.yaml:5:18
  |
5 |   decision_wait: 30
  |                  ^^

error: sampler.policies[0].threshold_ms: `-1` is below 0, the least that is possible
 --> t.yaml:7:49
  |
7 |     - {name: slow, type: latency, threshold_ms: -1}
  |                                                 ^^

error: sampler.policies[1]: the key `threshold_ms` is missing
 --> t.yaml:8:7
  |
8 |     - {name: \"${x}\", type: latency, treshold: 1}
  |       ^

error: `${x}` is not a reference; write ${env:x} for an environment variable, $${x} for the text itself
 --> t.yaml:8:14
  |
8 |     - {name: \"${x}\", type: latency, treshold: 1}
  |              ^^^^^^

error: unknown key `treshold` in sampler.policies[1]
 --> t.yaml:8:37
  |
8 |     - {name: \"${x}\", type: latency, treshold: 1}
  |                                     ^^^^^^^^
  = help: did you mean `threshold_ms`?

error: the environment variable NOT_SET is not set; set it, or give a default: ${env:NOT_SET:-...}
 --> t.yaml:9:14
  |
9 |     - {name: \"${env:NOT_SET}\", type: latncy}
  |              ^^^^^^^^^^^^^^^^

error: sampler.policies[2].type: `latncy` is none of: latency, always_sample
 --> t.yaml:9:38
  |
9 |     - {name: \"${env:NOT_SET}\", type: latncy}
  |                                      ^^^^^^
  = help: did you mean `latency`?

9 problems in t.yaml",
    );
}

#[test]
fn every_kind_of_problem_says_what_to_do() {
    check_messages(
        "bus: [1]",
        &["bus: expected keys with values, found a list"],
    );
    check_messages("bus: yes", &["bus: expected keys with values, found `yes`"]);
    check_messages(
        "just text",
        &["expected keys with values, found `just text`"],
    );
    check_messages(
        "bus: {level: loud}",
        &["bus.level: `loud` is none of: debug, info"],
    );
    check_messages(
        "bus: {other_level: loud}",
        &["bus.other_level: `loud` is none of: debug, info"],
    );
    check_messages(
        "bus: {level: inof}",
        &[
            "bus.level: `inof` is none of: debug, info",
            "help: did you mean `info`?",
        ],
    );
    check_messages(
        "policies: []",
        &[
            "unknown key `policies`",
            "help: `policies` belongs under `sampler`",
        ],
    );
    check_messages(
        "bus: {partitions: 70000}",
        &["bus.partitions: `70000` is above 65535, the most that is possible"],
    );
    // Narrower ranges are explained by whoever knows why.
    check_messages(
        "bus: {partitions: 0}",
        &["bus.partitions: must be at least 1"],
    );
    check_messages(
        "bus: {partitions: \"5\"}",
        &["bus.partitions: expected a whole number, found the text `5`"],
    );
    check_messages(
        "bus: {embedded: {bytes: lots}}",
        &[
            "bus.embedded.bytes: `lots` is not a size; write a number with a unit, such as 512MiB or 10GiB",
        ],
    );
    check_messages(
        "bus: {partitions: 1, partitions: 2}",
        &["`partitions` stands twice in one place, first on line 1"],
    );
    check_messages(
        "bus: {}\n---\nbus: {}\n",
        &["a second document begins here; a configuration is one document"],
    );
    check_messages(
        "? [a]\n: b\n",
        &["a key must be text; put a value with brackets or braces in quotes"],
    );
    check_messages(
        "sampler: {targets: [{host: x, prt: 1}]}",
        &[
            "sampler.targets[0]: the key `port` is missing",
            "unknown key `prt` in sampler.targets[0]",
            "help: did you mean `port`?",
        ],
    );
}

#[test]
fn what_the_environment_holds_is_never_printed() {
    let report = read("bus: {partitions: \"${env:SECRET}\", level: \"${env:SECRET}\"}");
    assert!(
        report.contains("found the text `${env:SECRET}`")
            || report.contains("found `${env:SECRET}`"),
        "{report}"
    );
    assert!(!report.contains("hunter2"), "{report}");
}

#[test]
fn problems_of_meaning_are_found_by_their_path() {
    check(
        "bus:\n  partitions: 0\n  properties:\n    group.id: x\nsampler:\n  decision_wait: 2h\n  policies:\n  - name: a\n    type: latency\n    threshold_ms: 0\n",
        "
error: bus.partitions: must be at least 1
 --> t.yaml:2:15
  |
2 |   partitions: 0
  |               ^

error: bus.properties.group.id: is ours to set
 --> t.yaml:4:15
  |
4 |     group.id: x
  |               ^

error: sampler.decision_cache_ttl: must be twice decision_wait
 --> t.yaml:5:1
  |
5 | sampler:
  | ^^^^^^^

error: sampler.policies[0].threshold_ms: must be above 0
  --> t.yaml:10:19
   |
10 |     threshold_ms: 0
   |                   ^

4 problems in t.yaml",
    );
}

#[test]
fn unknown_keys_hide_no_other_problem() {
    check_messages(
        "bus: {partitions: 0}\nsampler:\n  decision_wiat: 2h\n  policies: [{name: a, type: latency, threshold_ms: 0}]\n",
        &[
            "bus.partitions: must be at least 1",
            "unknown key `decision_wiat` in sampler",
            "help: did you mean `decision_wait`?",
            "sampler.policies[0].threshold_ms: must be above 0",
        ],
    );
    // Nor do wrong values, where the section is whole without them.
    check_messages(
        "bus: {partitions: 0}\nsampler:\n  decision_wait: soon\n  policies: [{name: a, type: latency, threshold_ms: 0}]\n",
        &[
            "bus.partitions: must be at least 1",
            "sampler.decision_wait: `soon` is not a duration; write a number with a unit, such as 30s, 250ms or 1h 30m",
            "sampler.policies[0].threshold_ms: must be above 0",
        ],
    );
    check_messages(
        "bus: {partitons: 3, level: loud}\nsampler: {decision_wait: soon, targets: 5}\n",
        &[
            "unknown key `partitons` in bus",
            "help: did you mean `partitions`?",
            "bus.level: `loud` is none of: debug, info",
            "sampler.decision_wait: `soon` is not a duration; write a number with a unit, such as 30s, 250ms or 1h 30m",
            "sampler.targets: expected a list, found `5`",
        ],
    );
    // Nor do they make a section wrong twice.
    check_messages(
        "bus: {partitons: 3, partitions: 0}\n",
        &[
            "unknown key `partitons` in bus",
            "help: did you mean `partitions`?",
        ],
    );
}

#[test]
fn a_section_that_may_be_absent_is_wrong_where_it_is_wrong() {
    let report = read("bus: {embedded: {dir: x, bytes: 5 cows}}\n");
    assert!(
        report.contains("error: bus.embedded.bytes: `5 cows` is not a size"),
        "{report}"
    );
}

/// A configuration with every kind of thing in it, damaged in ten thousand ways: each gives a value or a report, and never a panic.
#[test]
fn damaged_files_give_reports() {
    let whole = "bus:\n  embedded: {dir: \"${env:DIR}\", bytes: 1GiB}\n  properties: &p {a.b: 1, c: ~}\n  level: debug # loud\nsampler:\n  decision_wait: 1m 30s\n  policies:\n  - {name: 'slow', type: latency, threshold_ms: 0x10}\n  targets: [one, &t {host: two, port: 1}, *t]\n  text: |\n    $$ ${env:NONE:-x}\n";
    let pieces = [
        "", ":", "\n", "  ", "- ", "{", "}", "[", "]", "\"", "'", "&p ", "*p", "${", "$", "é",
        "\t", "#", "|", "!!str ", "---\n", "\0", "<<: *p",
    ];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        // xorshift64: the same damage each time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let (mut values, mut reports) = (0, 0);
    for _ in 0..10_000 {
        let mut text: Vec<char> = whole.chars().collect();
        for _ in 0..=next(3) {
            let (at, length) = (next(text.len()), next(8));
            let end = (at + length).min(text.len());
            text.splice(at..end, pieces[next(pieces.len())].chars());
        }
        let text: String = text.into_iter().collect();
        match read(&text).starts_with('{') {
            true => values += 1,
            false => reports += 1,
        }
    }
    assert!(reports > 5_000, "{reports} reports, {values} values");
}

/// Of a file from a machine that ends lines by a carriage return, alone or not, the right line is shown.
#[test]
fn lines_end_as_yaml_says() {
    for end in ["\n", "\r\n", "\r"] {
        check(
            &["bus:", "  level: info", "  partitions: many", ""].join(end),
            "
error: bus.partitions: expected a whole number, found `many`
 --> t.yaml:3:15
  |
3 |   partitions: many
  |               ^^^^

1 problem in t.yaml
",
        );
    }
}
