//! Configurations, and what is said of them. What is checked of one kind of backend is in its folder.
#![allow(clippy::unwrap_used)]

use runtime::config::Problems;
use schemas::Signal;

use super::*;
use crate::backends::kind::BackendKind;
use crate::backends::stdout::StdoutConfig;
use crate::backends::table::Kind;
use crate::records::limits::BatchLimits;

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Whole {
    export: RawConfig,
}

/// The configuration, the problems found by validation, and the report if the text doesn't even have the right shape.
fn load(yaml: &str) -> (Option<Config>, Vec<String>, String) {
    let mut found = Vec::new();
    let indented = yaml.trim().replace('\n', "\n  ");
    let text = format!("export:\n  {indented}\n");
    let validate = |whole: &Whole, problems: &mut Problems| {
        let config = whole.export.validate("export", problems);
        let message = |p: &runtime::config::Problem| format!("{}: {}", p.path, p.message);
        found = problems.iter().map(message).collect();
        config
    };
    match runtime::config::load("f.yaml", &text, &|_| None, validate) {
        Ok(config) => (Some(config), found, String::new()),
        Err(report) => (None, found, report.to_string()),
    }
}

pub fn problems_of(yaml: &str) -> Vec<String> {
    let (_, found, report) = load(yaml);
    assert!(!found.is_empty(), "no problem of meaning: {report}");
    found
}

/// What is wrong with a backend, one thing: its path and the beginning of the message.
#[track_caller]
pub fn check_problem(backend: &str, expected: &str) {
    let found = problems_of(&format!("backends: [{{name: a, {backend}}}]"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with(expected),
        "{} is not {expected}",
        found[0]
    );
}

/// A section without problems.
#[track_caller]
pub fn valid(yaml: &str) -> Config {
    let (config, _, report) = load(yaml);
    config.expect(&report)
}

/// The first backend as it is written.
pub fn written(yaml: &str) -> RawBackend {
    let text = format!("export: {{{yaml}}}");
    let mut found = None;
    let take = |whole: &Whole, _: &mut Problems| found = whole.export.backends.first().cloned();
    runtime::config::load("f.yaml", &text, &|_| None, take).unwrap();
    found.unwrap()
}

/// The warnings of a backend that is valid, each as path and message.
#[track_caller]
pub fn check_warning(backend: &str, expected: Option<(&str, &str)>) {
    let text = format!("export: {{backends: [{{name: a, {backend}}}]}}");
    let mut found = Vec::new();
    let validate = |whole: &Whole, problems: &mut Problems| {
        whole.export.validate("export", problems);
        found = problems.warnings().cloned().collect();
    };
    runtime::config::load("f.yaml", &text, &|_| None, validate).unwrap();
    assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
    for (warning, (path, message)) in found.iter().zip(expected) {
        assert_eq!(warning.path, format!("export.backends[0].{path}"));
        assert!(warning.message.contains(message), "{}", warning.message);
    }
}

#[test]
fn the_contract_is_valid() {
    let config = valid(
        r#"
backends:
  - {name: tempo, otlp_grpc: {endpoint: "http://127.0.0.1:14317"}}
  - {name: kept, file: {path: ./kept.jsonl}}
  - {name: terminal, stdout: {}, signals: [traces]}
  - name: datadog
    otlp_http: {endpoint: "https://trace.agent/base/", headers: {dd-api-key: secret}, compression: zstd, encoding: json}
    batch: {bytes: 1MiB, items: 1000, timeout: 1s}
    retry: {initial_interval: 1s, max_interval: 60s, max_elapsed_time: 5m}
"#,
    );
    assert_eq!(config.backends.len(), 4);
    assert_eq!(config.backends[2].signals, [Signal::Traces]);
    let Kind::OtlpHttp(http) = &config.backends[3].kind else {
        panic!("{:?}", config.backends[3].kind)
    };
    assert_eq!(
        http.endpoint(Signal::Logs),
        "https://trace.agent/base/v1/logs"
    );
    let shown = format!("{config:?}");
    assert!(!shown.contains("secret"), "credentials show: {shown}");
}

/// Key by key.
#[test]
fn what_batch_leaves_out_is_the_default_of_the_kind() {
    let config = valid(
        r#"
backends:
  - {name: a, stdout: {}}
  - {name: b, stdout: {}, batch: {items: 7}}
  - {name: c, stdout: {}, batch: {bytes: 1MiB, items: 0, timeout: 1s}}
"#,
    );
    let usual = <StdoutConfig as BackendKind>::BATCH;
    let expected = [
        usual,
        BatchLimits { items: 7, ..usual },
        BatchLimits {
            bytes: 1 << 20,
            items: usize::MAX,
            timeout: std::time::Duration::from_secs(1),
            waiting_bytes: None,
        },
    ];
    let found: Vec<_> = config
        .backends
        .iter()
        .map(|backend| backend.batch(Signal::Logs))
        .collect();
    assert_eq!(found, expected);
}

/// For the summary at the start.
#[test]
fn where_each_kind_sends_to_is_shown_as_written() {
    let config = valid(
        r#"
backends:
  - {name: a, otlp_grpc: {endpoint: "tempo:4317"}}
  - {name: b, otlp_http: {endpoint: "https://h/otlp"}}
  - {name: c, otlp_http: {logs_endpoint: "https://logs.h/in"}, signals: [logs]}
  - {name: d, file: {path: ./kept.jsonl}}
  - {name: e, stdout: {}}
"#,
    );
    let shown = |backend: &Backend| (backend.kind.name(), backend.target.clone());
    let shown: Vec<_> = config.backends.iter().map(shown).collect();
    let expected = [
        ("otlp_grpc", Some("tempo:4317")),
        ("otlp_http", Some("https://h/otlp")),
        ("otlp_http", Some("https://logs.h/in")),
        ("file", Some("./kept.jsonl")),
        ("stdout", None),
    ];
    assert_eq!(
        shown,
        expected.map(|(kind, target)| (kind, target.map(str::to_owned)))
    );
}

#[test]
fn the_default_is_valid() {
    assert_eq!(valid("{}").backends.len(), 2);
}

/// `a, b and c`: all of them.
fn kinds() -> String {
    let (last, others) = Kind::NAMES.split_last().unwrap();
    format!("{} and {last}", others.join(", "))
}

#[test]
fn problems_carry_their_path() {
    let b = "export.backends[0]";
    check_problem(
        "signals: [traces]",
        &format!(
            "{b}: a backend is exactly one of {}, this one is none",
            kinds()
        ),
    );
    check_problem(
        "stdout: {}, file: {path: x}",
        &format!(
            "{b}: a backend is exactly one of {}, this one is file and stdout",
            kinds()
        ),
    );
    check_problem(
        "stdout: {}, signals: []",
        &format!("{b}.signals: no signal"),
    );
    check_problem(
        "stdout: {}, concurrency: 0",
        &format!("{b}.concurrency: 0 is not"),
    );
    check_problem(
        "stdout: {}, batch: {bytes: 1}",
        &format!("{b}.batch.bytes: 1 bytes is not"),
    );
    check_problem(
        "stdout: {}, retry: {initial_interval: 0s}",
        &format!("{b}.retry.initial_interval: 0 would"),
    );
    check_problem(
        "stdout: {}, retry: {max_interval: 1s}",
        &format!("{b}.retry.max_interval: is shorter"),
    );
    check_problem(
        "stdout: {}, retry: {multiplier: 0.5}",
        &format!("{b}.retry.multiplier: 0.5 is not"),
    );
    check_problem(
        "stdout: {}, retry: {poison_after: 0s}",
        &format!("{b}.retry.poison_after: 0 would"),
    );
    check_problem(
        "stdout: {}, credentials: {probe: 0s}",
        &format!("{b}.credentials.probe: is not"),
    );
    check_problem(
        "stdout: {}, retry: {randomization_factor: 2}",
        &format!("{b}.retry.randomization_factor: 2 is not"),
    );
}

#[test]
fn names_are_unique_and_plain() {
    let found = problems_of(
        "backends: [{name: a, stdout: {}}, {name: a, file: {path: x}}, {name: 'b/c', file: {path: x}}]",
    );
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("export.backends[1].name: `a` is also"));
    assert!(found[1].starts_with("export.backends[2].name: `b/c` is not"));
    assert!(found[2].starts_with("export.backends[2].file.path: backend 1 writes"));
}

#[test]
fn unknown_keys_are_errors() {
    for (yaml, expected) in [
        ("backends: [{name: a, stdout: {}, batc: {}}]", "batc"),
        ("backends: [{name: a, stdout: {color: true}}]", "color"),
        (
            "backends: [{name: a, otlp_grpc: {endpoint: 'http://x', headers: {a: b}, tsl: {}}}]",
            "tsl",
        ),
        (
            "backends: [{name: a, stdout: {}, signals: [traces, profiles]}]",
            "profiles",
        ),
    ] {
        let (_, _, report) = load(yaml);
        assert!(report.contains(expected), "{report}");
    }
}

#[test]
fn concurrency_may_come_from_a_variable() {
    let config = valid(
        "backends: [{name: a, concurrency: \"${env:C:-5}\", otlp_grpc: {endpoint: 'http://h'}}]",
    );
    assert_eq!(config.backends[0].concurrency.max, 5);
    let config =
        valid("backends: [{name: a, concurrency: auto, otlp_grpc: {endpoint: 'http://h'}}]");
    assert_eq!(config.backends[0].concurrency.max, 32);
}
