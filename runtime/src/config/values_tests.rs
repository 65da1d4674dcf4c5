//! Values as they come from variables and from merge keys.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByteSize, Problems, load};

/// Of the type of a value that may be anything, such as those that enrich sets.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
enum Anything {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Level {
    Debug,
    Info,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Loose {
    set: BTreeMap<String, Anything>,
    open: BTreeMap<String, serde_json::Value>,
    count: Option<u32>,
    size: ByteSize,
    level: Option<Level>,
}

fn read_loose(yaml: &str) -> String {
    let environment = |name: &str| {
        let held = match name {
            "ACCOUNT" => "007",
            "VERSION" => "2.50",
            "HASH" => "81e4",
            "YES" => "true",
            "NOTHING" => "null",
            "TILDE" => "~",
            "HEX" => "0x1F",
            "COUNT" => "12",
            _ => return None,
        };
        Some(held.to_owned())
    };
    let validate = |loose: &Loose, _: &mut Problems| serde_json::to_string(loose).unwrap();
    let loaded = load("t.yaml", yaml, &environment, validate);
    loaded.unwrap_or_else(|error| error.to_string())
}

#[test]
fn what_a_variable_holds_is_text_in_quotes_wherever_text_is_taken() {
    for section in ["set", "open"] {
        for (written, expected) in [
            ("\"${env:ACCOUNT}\"", r#""007""#),
            ("'${env:ACCOUNT}'", r#""007""#),
            ("\"${env:VERSION}\"", r#""2.50""#),
            ("'${env:HASH}'", r#""81e4""#),
            ("\"${env:YES}\"", r#""true""#),
            ("\"${env:NOTHING}\"", r#""null""#),
            ("'${env:TILDE}'", r#""~""#),
            ("'${env:HEX}'", r#""0x1F""#),
            ("\"${env:NONE:-1e3}\"", r#""1e3""#),
            ("\"${env:COUNT}${env:COUNT}\"", r#""1212""#),
            ("\"v${env:VERSION}\"", r#""v2.50""#),
            // Without quotes it is read as if it stood there.
            ("${env:COUNT}", "12"),
            ("${env:VERSION}", "2.5"),
            ("${env:YES}", "true"),
            ("v${env:VERSION}", r#""v2.50""#),
        ] {
            let got = read_loose(&format!("{section}:\n  key: {written}\n"));
            let expected = format!("\"{section}\":{{\"key\":{expected}}}");
            assert!(got.contains(&expected), "{written}: no {expected} in {got}");
        }
    }
    // Where no text is taken, quotes say nothing: braces demand them.
    let got = read_loose(
        "{count: \"${env:COUNT}\", size: \"${env:COUNT}\", level: '${env:NONE:-debug}'}",
    );
    for expected in [r#""count":12"#, r#""size":"12B""#, r#""level":"debug""#] {
        assert!(got.contains(expected), "no {expected} in {got}");
    }
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Targets {
    targets: Vec<Target>,
    properties: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Target {
    host: String,
    port: u16,
}

fn read_targets(yaml: &str) -> String {
    let validate = |read: &Targets, problems: &mut Problems| {
        for (index, target) in read.targets.iter().enumerate() {
            if target.port == 0 {
                problems.push(format!("targets[{index}].port"), "must be above 0");
            }
        }
        serde_json::to_string(read).unwrap()
    };
    load("t.yaml", yaml, &|_| None, validate).unwrap_or_else(|error| error.to_string())
}

#[test]
fn merge_keys_bring_the_keys_of_anchors() {
    let check = |yaml: &str, expected: &[(&str, u16)]| {
        let target = |(host, port): &(&str, u16)| format!(r#"{{"host":"{host}","port":{port}}}"#);
        let expected: Vec<_> = expected.iter().map(target).collect();
        let expected = format!(r#"{{"targets":[{}],"#, expected.join(","));
        let got = read_targets(yaml);
        assert!(got.starts_with(&expected), "{yaml}\n{expected}\n{got}");
    };
    check(
        "targets: [&a {host: here, port: 1}, {<<: *a, port: 2}]",
        &[("here", 1), ("here", 2)],
    );
    // Of a list the first counts, and own keys before all, wherever they stand.
    check(
        "targets:\n- &a {host: here, port: 1}\n- &b {host: there, port: 2}\n- {port: 3, <<: [*b, *a]}\n- {<<: [*b, *a]}\n",
        &[("here", 1), ("there", 2), ("there", 3), ("there", 2)],
    );
    // Merged into what is merged.
    check(
        "targets:\n- &a\n  host: here\n  port: 1\n- &b\n  <<: *a\n  host: there\n- <<: *b\n",
        &[("here", 1), ("there", 1), ("there", 1)],
    );
    check("targets: [{<<: {host: a}, port: 5}]", &[("a", 5)]);
    // In quotes it is a key like any other.
    let got = read_targets("properties: {\"<<\": x}");
    assert!(got.contains(r#""properties":{"<<":"x"}"#), "{got}");
}

#[test]
fn what_is_merged_is_wrong_where_it_is_written() {
    let report = read_targets("targets:\n- &a\n  host: here\n  port: 0\n- <<: *a\n  hots: x\n");
    for expected in [
        "targets[0].port: must be above 0\n --> t.yaml:4:9",
        "targets[1].port: must be above 0\n --> t.yaml:4:9",
        "unknown key `hots` in targets[1]\n --> t.yaml:6:3",
    ] {
        assert!(report.contains(expected), "no {expected} in\n{report}");
    }
    for (yaml, expected) in [
        (
            "targets: [{<<: 5, host: x, port: 1}]",
            "`<<` takes keys with values",
        ),
        (
            "targets: [{<<: [[]], host: x, port: 1}]",
            "`<<` takes keys with values",
        ),
        (
            "targets: [{<<:, host: x, port: 1}]",
            "`<<` takes keys with values",
        ),
        (
            "targets: [{<<: {}, <<: {}, host: x, port: 1}]",
            "`<<` stands twice",
        ),
    ] {
        let report = read_targets(yaml);
        assert!(report.contains(expected), "{report}");
        assert!(report.ends_with("1 problem in t.yaml"), "{report}");
    }
}
