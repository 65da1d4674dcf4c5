//! Configurations, and what is said of them.
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

fn problems_of(yaml: &str) -> Vec<String> {
    let (_, found, report) = load(yaml);
    assert!(!found.is_empty(), "no problem of meaning: {report}");
    found
}

#[track_caller]
fn check_one(backend: &str, expected: &str) {
    let found = problems_of(&format!("backends: [{{name: a, {backend}}}]"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with(expected),
        "{} is not {expected}",
        found[0]
    );
}

fn valid(yaml: &str) -> Config {
    let (config, _, report) = load(yaml);
    config.expect(&report)
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
        },
    ];
    let found: Vec<_> = config
        .backends
        .iter()
        .map(|backend| backend.batch)
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

#[test]
fn an_endpoint_without_a_scheme_is_encrypted_unless_insecure() {
    for (tls, scheme) in [("{}", "https"), ("{insecure: true}", "http")] {
        let yaml =
            format!("backends: [{{name: a, otlp_grpc: {{endpoint: 'tempo:4317', tls: {tls}}}}}]");
        let Kind::OtlpGrpc(grpc) = &valid(&yaml).backends[0].kind else {
            panic!("not gRPC")
        };
        assert_eq!(grpc.endpoint.scheme_str(), Some(scheme));
        assert_eq!(grpc.endpoint.authority().unwrap(), "tempo:4317");
    }
}

#[test]
fn an_endpoint_of_a_signal_is_taken_as_it_is() {
    let config = valid(
        "backends: [{name: a, signals: [traces], otlp_http: {traces_endpoint: 'http://h/insert/x?y=1'}}]",
    );
    let Kind::OtlpHttp(http) = &config.backends[0].kind else {
        panic!("not HTTP")
    };
    assert_eq!(http.endpoint(Signal::Traces), "http://h/insert/x?y=1");
}

#[test]
fn problems_carry_their_path() {
    let b = "export.backends[0]";
    check_one(
        "signals: [traces]",
        &format!(
            "{b}: a backend is exactly one of otlp_grpc, otlp_http, file and stdout, this one is none"
        ),
    );
    check_one(
        "stdout: {}, file: {path: x}",
        &format!(
            "{b}: a backend is exactly one of otlp_grpc, otlp_http, file and stdout, this one is file and stdout"
        ),
    );
    check_one(
        "otlp_grpc: {}",
        &format!("{b}.otlp_grpc.endpoint: an address is needed"),
    );
    check_one(
        "otlp_grpc: {endpoint: 'ftp://x'}",
        &format!("{b}.otlp_grpc.endpoint: `ftp://x` is neither"),
    );
    check_one(
        "otlp_http: {endpoint: 'http://u:p@x'}",
        &format!("{b}.otlp_http.endpoint: credentials"),
    );
    check_one(
        "otlp_http: {endpoint: 'http://x y'}",
        &format!("{b}.otlp_http.endpoint: `http://x y` is not an address"),
    );
    check_one(
        "otlp_http: {endpoint: 'http://x', headers: {'a b': c}}",
        &format!("{b}.otlp_http.headers.a b: `a b` is not a header name"),
    );
    check_one(
        "otlp_http: {endpoint: 'http://x', headers: {a: \"c\\nd\"}}",
        &format!("{b}.otlp_http.headers.a: the value holds"),
    );
    check_one(
        "otlp_http: {endpoint: 'http://x', headers: {Content-Type: text}}",
        &format!("{b}.otlp_http.headers.Content-Type: `content-type` is set"),
    );
    check_one(
        "otlp_grpc: {endpoint: 'https://x', tls: {insecure: true}}",
        &format!("{b}.otlp_grpc.tls.insecure: contradicts"),
    );
    check_one(
        "otlp_grpc: {endpoint: 'https://x', tls: {ca_file: /nowhere/ca.pem}}",
        &format!("{b}.otlp_grpc.tls.ca_file: can't read /nowhere/ca.pem"),
    );
    check_one(
        "otlp_grpc: {endpoint: 'https://x', timeout: 0s}",
        &format!("{b}.otlp_grpc.timeout: 0 leaves"),
    );
    check_one(
        "file: {path: ''}",
        &format!("{b}.file.path: a path is needed"),
    );
    check_one(
        "file: {path: x, rotate: {bytes: 0}}",
        &format!("{b}.file.rotate.bytes: 0 would"),
    );
    check_one(
        "stdout: {}, signals: []",
        &format!("{b}.signals: no signal"),
    );
    check_one(
        "stdout: {}, concurrency: 0",
        &format!("{b}.concurrency: 0 is not"),
    );
    check_one(
        "stdout: {}, batch: {bytes: 1}",
        &format!("{b}.batch.bytes: 1 bytes is not"),
    );
    check_one(
        "stdout: {}, retry: {initial_interval: 0s}",
        &format!("{b}.retry.initial_interval: 0 would"),
    );
    check_one(
        "stdout: {}, retry: {max_interval: 1s}",
        &format!("{b}.retry.max_interval: is shorter"),
    );
    check_one(
        "stdout: {}, retry: {multiplier: 0.5}",
        &format!("{b}.retry.multiplier: 0.5 is not"),
    );
    check_one(
        "stdout: {}, retry: {poison_after: 0s}",
        &format!("{b}.retry.poison_after: 0 would"),
    );
    check_one(
        "stdout: {}, credentials: {probe: 0s}",
        &format!("{b}.credentials.probe: is not"),
    );
    check_one(
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

/// The warnings of a backend that is valid, each as path and message.
#[track_caller]
fn check_warning(backend: &str, expected: Option<(&str, &str)>) {
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
fn an_endpoint_that_is_one_of_a_signal_already_is_doubted() {
    let doubled = |path: &'static str| Some(("otlp_http.endpoint", path));
    for (endpoint, expected) in [
        (
            "https://h/v1/traces",
            doubled("as in https://h/v1/traces/v1/traces"),
        ),
        (
            "https://h:4318/otlp/v1/traces/",
            doubled("ends in /v1/traces"),
        ),
        ("http://h/v1/logs", doubled("ends in /v1/logs")),
        ("h/v1/metrics?token=x", doubled("ends in /v1/metrics")),
        ("https://h/V1/Traces", doubled("ends in /v1/traces")),
        ("https://h/v1/traces/v2", None),
        ("https://h/api/otlp", None),
        ("https://h", None),
    ] {
        check_warning(&format!("otlp_http: {{endpoint: '{endpoint}'}}"), expected);
    }
    // Whole addresses are what they are, and then nothing is appended.
    check_warning(
        "signals: [traces], otlp_http: {traces_endpoint: 'https://h/v1/traces', endpoint: 'https://h/v1/traces'}",
        None,
    );
    check_warning(
        "otlp_grpc: {endpoint: 'https://h:4317/v1/traces'}",
        Some(("otlp_grpc.endpoint", "path of OTLP over HTTP")),
    );
    check_warning("otlp_grpc: {endpoint: 'https://h:4317'}", None);
}

#[test]
fn certificates_that_nobody_looks_at_are_doubted() {
    for kind in ["otlp_grpc", "otlp_http"] {
        let skips =
            format!("{kind}: {{endpoint: 'https://h', tls: {{insecure_skip_verify: true}}}}");
        let path = format!("{kind}.tls.insecure_skip_verify");
        check_warning(&skips, Some((&path, "takes any certificate")));
        let checks =
            format!("{kind}: {{endpoint: 'https://h', tls: {{insecure_skip_verify: false}}}}");
        check_warning(&checks, None);
    }
}
