//! What `tailwater check` refuses and doubts, and which variables each stage asks for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn tailwater(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
    command.current_dir(dir).args(args).stdin(Stdio::null());
    command.env_clear().envs(variables.iter().copied());
    command
}

/// The exit code, what stands on standard output, and on standard error.
fn run(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = tailwater(dir, args, variables).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Checks a text: the exit code, and what has to be said of it.
#[track_caller]
fn check(yaml: &str, code: i32, expected: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t.yaml"), yaml).unwrap();
    let (got, _, said) = run(dir.path(), &["check", "t.yaml"], &[]);
    assert_eq!(got, Some(code), "{yaml}\n{said}");
    for part in expected {
        assert!(said.contains(part), "no `{part}` in\n{said}");
    }
    said
}

#[test]
fn what_promotion_takes_is_said_before_it_is_paid() {
    let dir = tempfile::tempdir().unwrap();
    let section = "sampler: {memory_limit: 64MiB, promote: [tenant.id]}\n";
    std::fs::write(dir.path().join("t.yaml"), section).unwrap();
    let (code, said, _) = run(dir.path(), &["check", "t.yaml"], &[]);
    let expected = "promotes tenant.id: at most 276 bytes a trace, 16MiB in all";
    assert!(code == Some(0) && said.contains(expected), "{said}");
    check(
        "sampler:\n  promote: [tenant.id, '', tenant.id]\n",
        3,
        &["sampler.promote[1]", "sampler.promote[2]", "2 problems"],
    );
}

/// What is printed is a configuration again, without credentials.
#[test]
fn presets_are_shown_as_what_they_stand_for() {
    let dir = tempfile::tempdir().unwrap();
    let backends = "export:\n  backends:\n    - {name: dd, datadog: {site: datadoghq.eu, api_key: hidden}, signals: [traces]}\n    - {name: loki, loki: {endpoint: 'http://loki:3100', tenant: shop}}\n    - {name: out, stdout: {}}\n";
    std::fs::write(dir.path().join("t.yaml"), backends).unwrap();
    let (code, out, said) = run(dir.path(), &["check", "--expand", "t.yaml"], &[]);
    assert_eq!(code, Some(0), "{said}");
    for part in [
        "otlp_http",
        "endpoint: \"https://otlp.datadoghq.eu\"",
        "dd-api-key: \"****\"",
        "bytes: 3000000B",
        "endpoint: \"http://loki:3100/otlp\"",
        "x-scope-orgid: shop",
        "signals: [logs]",
        "stdout: {}",
    ] {
        assert!(out.contains(part), "no `{part}` in\n{out}");
    }
    for part in ["hidden", "datadog:", "loki:\n"] {
        assert!(!out.contains(part), "`{part}` in\n{out}");
    }
    check(&out, 0, &[]);
}

#[test]
fn what_is_valid_and_hardly_meant_is_said_with_its_place() {
    let said = check("bus: {topics: {partitions: 4}}\n", 0, &[]);
    assert_eq!(said, "");
    check(
        "enrich:\n  redact:\n    hash: {keys: [card.number], key: secret}\n",
        0,
        &[
            "warning: enrich.redact.hash.key: is short",
            "t.yaml:3:38",
            "1 warning in t.yaml",
        ],
    );
    check(
        "enrich: {redact: {hash: {keys: [card.number], key: \"${env:NO_KEY:-}\"}}}\n",
        0,
        &["enrich.redact.hash.key: is empty"],
    );
    check(
        "export:\n  backends:\n  - name: vendor\n    otlp_http:\n      endpoint: https://otlp.example.com/v1/metrics\n      tls: {insecure_skip_verify: true}\n",
        0,
        &[
            "t.yaml:5:17",
            "ends in /v1/metrics",
            "t.yaml:6:35",
            "takes any certificate",
            "2 warnings in t.yaml",
        ],
    );
}

#[test]
fn policies_that_keep_nothing_or_look_at_nothing_are_doubted() {
    let policies = |list: &str| format!("sampler:\n  policies: [{list}]\n");
    let drop = "{name: d, type: drop, drop: {drop_sub_policy: [{name: p, type: string_attribute, string_attribute: {key: http.route, values: [/health]}}]}}";
    let shadow = "{name: s, type: always_sample, mode: shadow}";
    let acting = "{name: a, type: latency, latency: {threshold_ms: 1}}";
    check(&policies(drop), 0, &["t.yaml:2:3", "all of type drop:"]);
    check(&policies(shadow), 0, &["all in mode shadow:"]);
    check(
        &policies(&format!("{drop}, {shadow}")),
        0,
        &["all of type drop or in mode shadow"],
    );
    let said = check(&policies(&format!("{drop}, {shadow}, {acting}")), 0, &[]);
    assert_eq!(said, "");
    for (condition, expected) in [
        ("true", "`true` is true of everything"),
        ("2 > 3", "`2 > 3` is true of nothing"),
        ("Len([1, 2]) == 2", "is true of everything"),
        (
            "name == name",
            "`name == name` compares a value with itself",
        ),
        (
            "status.code == 2 and not (attributes[\\\"a\\\"] < attributes[\\\"a\\\"])",
            "compares a value with itself",
        ),
        (
            "not (1 == 1) and span.name == \\\"x\\\"",
            "is true of nothing",
        ),
        ("Int(\\\"x\\\") + 1 == 1", "fails on everything"),
    ] {
        let kinds = [
            format!(
                "{{name: c, type: ottl_condition, ottl_condition: {{span: [\"{condition}\"]}}}}"
            ),
            format!("{{name: c, type: condition, condition: {{conditions: [\"{condition}\"]}}}}"),
        ];
        for policy in kinds {
            check(&policies(&policy), 0, &["t.yaml:2:", expected]);
        }
    }
    let itself = "{name: c, type: condition, condition: {conditions: [\"trace.span_count > 1 and root.name == root.name\"]}}";
    check(
        &policies(itself),
        0,
        &["t.yaml:2:", "compares a value with itself"],
    );
    let telemetry = "{name: c, type: condition, condition: {conditions: ['span.name == \"x\"', 'trace.span_count > 1']}}";
    assert_eq!(check(&policies(telemetry), 0, &[]), "");
}

#[test]
fn a_file_that_says_nothing_or_isn_t_ours_is_refused() {
    for nothing in ["", "# bus: {}\n", "---\n", "{}\n"] {
        check(
            nothing,
            3,
            &["there is nothing in this file", "policies: default"],
        );
    }
    check(
        "sampler: {policies: []}\n",
        3,
        &["t.yaml:1:11", "policies: default"],
    );
    assert_eq!(check("sampler: {policies: default}\n", 0, &[]), "");
    for (theirs, expected) in [
        (
            "receivers: {otlp: {endpoint: \"${HOST}:1\"}}\nservice: {}\n",
            "did you mean `tailwater import collector FILE`?",
        ),
        (
            "exporters: {otlp: {endpoint: \"${env:NOT_SET}\"}}\n",
            "did you mean `tailwater import collector FILE`?",
        ),
        (
            "RulesVersion: 2\nSamplers: {}\n",
            "did you mean `tailwater import refinery FILE`?",
        ),
    ] {
        let said = check(theirs, 3, &[expected, "t.yaml:1:1"]);
        assert!(said.ends_with("1 problem in t.yaml\n"), "{said}");
    }
    // Among sections of ours it is one more unknown key.
    check(
        "bus: {topics: {partitions: 0}}\nservice: {}\n",
        3,
        &[
            "tailwater import collector",
            "bus.topics.partitions",
            "2 problems",
        ],
    );
}

#[test]
fn everything_is_reported_however_wrong_a_section_is() {
    check(
        "ingest: [4317]\nbus:\n  topics: {partitions: 0}\nsampler:\n  epoch_interval: 1m\n  policies:\n  - errors\n  - {name: n, type: numeric, latency: {}}\nexport: {backends: 1}\nlog: {level: loud}\n",
        3,
        &[
            "t.yaml:1:9",
            "t.yaml:3:24",
            "t.yaml:5:19",
            "t.yaml:7:5",
            "t.yaml:8:21",
            "t.yaml:9:20",
            "t.yaml:10:14",
            "7 problems in t.yaml",
        ],
    );
}

const WITH_VARIABLES: &str = "
ingest: {grpc: {listen: \"localhost:0\"}, http: {listen: \"localhost:0\"}}
enrich: {redact: {hash: {keys: [user.id], key: \"${env:HASH_KEY}\"}}}
export:
  backends:
  - name: vendor
    otlp_http: {endpoint: https://otlp.example.com, headers: {api-key: \"${env:VENDOR_KEY}\"}}
admin: {health: \"localhost:0\", metrics: \"off\", listen: \"off\"}
bus: {embedded: {dir: \"${env:DATA}\"}, topics: {partitions: 1}}
instance: check
";

#[test]
fn each_stage_asks_for_the_variables_that_it_uses() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t.yaml"), WITH_VARIABLES).unwrap();
    let data = ("DATA", "./data");
    let asked = |command: &str, variables: &[(&str, &str)], expected: &[&str], not: &[&str]| {
        let args = [command, "--config", "t.yaml"];
        let (code, _, said) = run(dir.path(), &args, variables);
        assert_eq!(code, Some(3), "{command}: {said}");
        for name in expected {
            assert!(
                said.contains(&format!("variable {name} is not set")),
                "{command}: {said}"
            );
        }
        for name in not {
            assert!(!said.contains(name), "{command}: {said}");
        }
    };
    for command in ["run", "check"] {
        asked(command, &[data], &["HASH_KEY", "VENDOR_KEY"], &[]);
    }
    asked("export", &[data], &["VENDOR_KEY"], &["HASH_KEY"]);
    asked("enrich", &[data], &["HASH_KEY"], &["VENDOR_KEY"]);
    // The bus is everybody's.
    asked("ingest", &[], &["DATA"], &["HASH_KEY", "VENDOR_KEY"]);
    asked("sample", &[], &["DATA"], &["HASH_KEY", "VENDOR_KEY"]);
    let command = tailwater(dir.path(), &["ingest", "--config", "t.yaml"], &[data]);
    until(command, "OTLP/gRPC on 127.0.0.1:", |_| ());
}

/// Starts a process, and ends it when it has said this, with what follows on that line given to `then`; everything that it said.
fn until(mut command: Command, what: &str, then: impl FnOnce(&str)) -> String {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut said, mut then) = (String::new(), Some(then));
    // The end of the process ends the lines.
    for line in lines.map_while(Result::ok) {
        said.extend([&line, "\n"]);
        if let Some((_, rest)) = line.split_once(what)
            && let Some(then) = then.take()
        {
            then(rest);
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(then.is_none(), "no `{what}` in\n{said}");
    said
}

/// What a process without the rules of redaction would show isn't shown.
#[test]
fn why_isn_t_answered_by_a_process_that_could_not_redact() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = WITH_VARIABLES
        .replace("listen: \"off\"", "listen: \"localhost:0\"")
        .replace(
            "{redact: {hash",
            "{redact: {mask: [{name: m, pattern: \"${env:PATTERN}\"}], hash",
        );
    std::fs::write(dir.path().join("t.yaml"), yaml).unwrap();
    let answer = |variables: &[(&str, &str)]| {
        let command = tailwater(dir.path(), &["ingest", "--config", "t.yaml"], variables);
        let mut answer = String::new();
        // The pages stand behind health.
        until(command, "readyz · http://", |rest| {
            let address = rest.split('/').next().unwrap();
            let mut socket = TcpStream::connect(address).unwrap();
            let request = format!(
                "GET /why/{:032x} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n",
                7
            );
            socket.write_all(request.as_bytes()).unwrap();
            socket.read_to_string(&mut answer).unwrap();
        });
        answer
    };
    let data = ("DATA", "./data");
    let refused = answer(&[data]);
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(
        refused.contains("enrich.redact.mask[0].pattern"),
        "{refused}"
    );
    // A hash without its key is a hash all the same.
    let answered = answer(&[data, ("PATTERN", "[0-9]+")]);
    assert!(answered.contains("nothing is known"), "{answered}");
}

#[test]
fn a_start_logs_what_check_warns_of_the_sections_it_uses() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens there, so that nothing more happens.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let yaml = format!(
        "bus: {{kafka: {{brokers: [\"{closed}\"]}}}}\nenrich: {{redact: {{hash: {{keys: [user.id]}}}}}}\nsampler: {{policies: [{{name: s, type: always_sample, mode: shadow}}]}}\nadmin: {{health: \"off\", metrics: \"off\", listen: \"off\"}}\n"
    );
    std::fs::write(dir.path().join("t.yaml"), yaml).unwrap();
    let command = tailwater(dir.path(), &["enrich", "--config", "t.yaml"], &[]);
    // What comes after the warnings.
    let said = until(command, "waiting for it", |_| ());
    assert!(said.contains("WARN"), "{said}");
    assert!(said.contains("enrich.redact.hash.key: is empty"), "{said}");
    assert!(said.contains("t.yaml:2:"), "{said}");
    assert!(!said.contains("shadow"), "{said}");
}

#[test]
fn connecting_to_a_bus_that_isn_t_there_fails_within_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let yaml = format!("bus: {{kafka: {{brokers: [\"{closed}\"], replication_factor: 3}}}}\n");
    std::fs::write(dir.path().join("t.yaml"), yaml).unwrap();
    let began = Instant::now();
    let (code, out, said) = run(dir.path(), &["check", "--connect", "t.yaml"], &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
    assert!(said.contains("the bus can't be used"), "{said}");
    assert!(said.contains(&closed.to_string()), "{said}");
    // What could be said without it was said.
    assert!(out.contains("kafka at"), "{out}");
    // An embedded bus has no brokers, and isn't made.
    std::fs::write(dir.path().join("t.yaml"), "bus: {embedded: {dir: ./bus}}\n").unwrap();
    let (code, _, said) = run(dir.path(), &["check", "--connect", "t.yaml"], &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!dir.path().join("bus").exists());
}
