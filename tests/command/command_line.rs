//! The binary as its users meet it: what it says, its exit codes, and that it drains.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn tailwater(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
    command.current_dir(dir).args(args).stdin(Stdio::null());
    for variable in ["TAILWATER_CONFIG", "TAILWATER_LOG", "TAILWATER_INSTANCE"] {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn output(dir: &Path, args: &[&str]) -> Output {
    tailwater(dir, args).output().unwrap()
}

/// A running `tailwater`, killed when the test is over.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl Running {
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        Self::of(tailwater(dir, args))
    }

    /// By another program, such as a shell that ends as Tailwater.
    pub(crate) fn start_with(dir: &Path, args: &[&str], program: &str) -> Self {
        let mut command = Command::new(program);
        command.current_dir(dir).args(args).stdin(Stdio::null());
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        command.stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            seen: String::new(),
        }
    }

    /// Waits for a line with this in it, and gives what follows it up to the next space or slash.
    pub(crate) fn says(&mut self, what: &str) -> String {
        self.says_times(what, 1);
        let (_, rest) = self.seen.split_once(what).unwrap();
        rest.split([' ', '/', '\n']).next().unwrap().to_owned()
    }

    /// Waits until this was said so often.
    pub(crate) fn says_times(&mut self, what: &str, times: usize) {
        let deadline = Instant::now() + LONG;
        while self.seen.matches(what).count() < times {
            match self.lines.recv_timeout(deadline - Instant::now()) {
                Ok(line) => self.seen.extend([&line, "\n"]),
                Err(RecvTimeoutError::Timeout) => panic!("`{what}` is not in\n{}", self.seen),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended without `{what}`:\n{}", self.seen)
                }
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    /// The exit code, and everything it said.
    pub(crate) fn ends(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + LONG;
        loop {
            // Its stderr closes when it ends.
            match self.lines.recv_timeout(deadline - Instant::now()) {
                Ok(line) => self.seen.extend([&line, "\n"]),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("did not end:\n{}", self.seen),
            }
        }
        let status = self.child.wait().unwrap();
        (status.code(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn http(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn get(address: &str, path: &str) -> String {
    http(
        address,
        &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    )
}

/// Waits until `GET path` answers with this in it.
pub(crate) fn answers(address: &str, path: &str, what: &str) {
    let deadline = Instant::now() + LONG;
    loop {
        let answer = get(address, path);
        if answer.contains(what) {
            return;
        }
        assert!(Instant::now() < deadline, "no `{what}` in {answer}");
        std::thread::yield_now();
    }
}

/// Free ports, a bus in the test's own directory, short windows.
pub(crate) fn configure(dir: &Path, more: &str) {
    let yaml = format!(
        "ingest: {{grpc: {{listen: \"127.0.0.1:0\"}}, http: {{listen: \"127.0.0.1:0\"}}}}
sampler: {{decision_wait: 1s, idle_allowance: 100ms}}
export: {{backends: [{{name: kept, file: {{path: ./kept.jsonl}}}}]}}
instance: command-line
{more}"
    );
    std::fs::write(dir.join("t.yaml"), yaml).unwrap();
}

pub(crate) const FREE_PORTS: &str = "admin: {health: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\"}
bus: {topics: {partitions: 2}}";

pub(crate) const TRACE_ID: &str = "5b8efff798038103d269b633813fc60c";

pub(crate) fn send_error_trace(otlp: &str) {
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{TRACE_ID}","spanId":"eee19b7ec3c1b174","name":"pay","kind":2,"startTimeUnixNano":"1760000000000000000","endTimeUnixNano":"1760000001000000000","status":{{"code":2}}}}]}}]}}]}}"#
    );
    let request = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = http(otlp, &request);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_trace_goes_through_and_the_process_drains() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), FREE_PORTS);
    let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    let otlp = process.says("OTLP/HTTP on ");
    let admin = process.says("http://");
    answers(&admin, "/readyz", "\"ready\":true");
    send_error_trace(&otlp);
    let delivered = r#"tailwater_export_delivered_items_total{backend="kept",signal="traces"} 1"#;
    answers(&admin, "/metrics", delivered);
    process.signal("TERM");
    let (code, said) = process.ends();
    assert_eq!(code, Some(0), "{said}");
    let kept = std::fs::read_to_string(dir.path().join("kept.jsonl")).unwrap();
    assert_eq!(kept.matches(TRACE_ID).count(), 1, "{kept}");
}

#[test]
fn a_second_signal_stops_at_once() {
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), FREE_PORTS);
    let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    let otlp = process.says("OTLP/HTTP on ");
    let admin = process.says("http://");
    answers(&admin, "/readyz", "\"ready\":true");
    // A request whose body never comes: ingest waits for it while draining.
    let mut socket = TcpStream::connect(&otlp).unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 12];
    socket.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100");
    process.signal("INT");
    process.says("draining");
    process.signal("INT");
    let (code, said) = process.ends();
    assert_eq!(code, Some(130), "{said}");
}

#[test]
fn without_brokers_it_is_alive_and_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    // A port that nobody listens on.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let health = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let more = format!(
        "bus: {{kafka: {{brokers: [\"{closed}\"]}}}}\nadmin: {{health: \"{health}\", metrics: off}}"
    );
    configure(dir.path(), &more);
    let mut process = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    process.says("the bus can't be reached");
    let health = health.to_string();
    answers(&health, "/readyz", "waiting for the bus");
    assert!(get(&health, "/readyz").starts_with("HTTP/1.1 503"));
    assert!(get(&health, "/healthz").starts_with("HTTP/1.1 200"));
    process.signal("TERM");
    let (code, said) = process.ends();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_is_taken_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let check = |more: &str, expected: &str| {
        configure(dir.path(), more);
        let output = output(dir.path(), &["run", "--config", "t.yaml"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(expected), "no `{expected}` in {said}");
    };
    check(&format!("admin: {{health: \"{address}\"}}"), "admin.health");
    check(
        &format!("admin: {{health: off, metrics: \"{address}\"}}"),
        "admin.metrics",
    );

    // The embedded log has one owner.
    configure(dir.path(), FREE_PORTS);
    let mut owner = Running::start(dir.path(), &["run", "--config", "t.yaml"]);
    owner.says("http://");
    check(FREE_PORTS, "tailwater-data");
}

#[test]
fn exit_codes_tell_what_was_wrong() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("bad.yaml"),
        "sampler: {decision_wiat: 30s}\nbus: {topics: {partitions: 0}}\n",
    )
    .unwrap();
    let check = |args: &[&str], code: i32, expected: &str| {
        let output = output(dir.path(), args);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(
            said.contains(expected),
            "{args:?}: no `{expected}` in {said}"
        );
    };
    check(
        &["check"],
        0,
        "errors (status_code), slow (latency), some (probabilistic)",
    );
    check(&["check", "bad.yaml"], 3, " --> bad.yaml:1:11");
    check(&["check", "bad.yaml"], 3, "did you mean `decision_wait`?");
    check(
        &["run", "--config", "bad.yaml"],
        3,
        "did you mean `decision_wait`?",
    );
    check(&["ingest", "--config", "none.yaml"], 3, "none.yaml");
    check(&["check", "."], 3, "cannot read the configuration .");
    std::fs::write(dir.path().join("binary.yaml"), b"bus: \xff\xfe").unwrap();
    check(&["check", "binary.yaml"], 3, "UTF-8");
    let two = "bus: {kafka: {brokers: [\"a:1\"]}, embedded: {dir: x}}\nexport: {backends: [{name: a, stdout: {}, file: {path: x}}]}";
    std::fs::write(dir.path().join("two.yaml"), two).unwrap();
    check(&["check", "two.yaml"], 3, "both embedded and kafka");
    check(&["check", "two.yaml"], 3, "this one is file and stdout");
    check(&["frobnicate"], 2, "frobnicate");
    check(&["schema"], 0, "\"$schema\"");
    check(&["--version"], 0, env!("CARGO_PKG_VERSION"));
}

#[test]
fn tests_in_a_configuration_are_run_by_check() {
    let dir = tempfile::tempdir().unwrap();
    let check = |file: &str, expect: &str, code: i32, said: &[&str]| {
        let yaml = format!(
            "sampler: {{policies: [{{name: errors, type: status_code, status_code: {{status_codes: [ERROR]}}}}, {{name: long, type: latency, latency: {{threshold_ms: 100}}}}]}}
tests:
  - name: a failed payment
    trace:
      - {{service: frontend, name: POST /pay, kind: SERVER, duration: 80ms}}
      - {{service: payment, name: charge, status: ERROR, start: 10ms, duration: 40ms, attributes: {{retries: 2}}}}
    expect: {expect}
  - name: quick and fine
    trace: [{{name: GET /, duration: 5ms}}]
    expect: {{verdict: drop}}
"
        );
        std::fs::write(dir.path().join(file), yaml).unwrap();
        let output = output(dir.path(), &["check", file]);
        let all = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{all}");
        for line in said {
            assert!(all.contains(line), "no `{line}` in {all}");
        }
    };
    check(
        "good.yaml",
        "{verdict: keep, policy: errors}",
        0,
        &["ok      a failed payment", "tests: 2 passed, 0 failed"],
    );
    check(
        "other.yaml",
        "{verdict: keep, policy: long}",
        3,
        &[
            "FAILED  a failed payment",
            "- expected  keep, by policy long",
            "+ found     keep, by policy errors",
            "tests: 1 passed, 1 failed",
        ],
    );
    check(
        "wrong.yaml",
        "{verdict: keep, policy: erors}",
        3,
        &["wrong.yaml:7:", "there is no policy \"erors\""],
    );
}

#[test]
fn a_collector_s_configuration_is_imported_and_what_comes_out_checks() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = "processors: {tail_sampling: {decision_wait: 5s, num_traces: 9, policies: [{name: e, type: status_code, status_code: {status_codes: [ERROR]}}]}}\n";
    std::fs::write(dir.path().join("otelcol.yaml"), theirs).unwrap();
    let imported = output(dir.path(), &["import", "collector", "otelcol.yaml"]);
    assert_eq!(imported.status.code(), Some(0));
    let said = String::from_utf8_lossy(&imported.stderr).into_owned();
    assert!(said.contains("1 to look at"), "{said}");
    std::fs::write(dir.path().join("ours.yaml"), &imported.stdout).unwrap();
    let checked = output(dir.path(), &["check", "ours.yaml"]);
    assert_eq!(checked.status.code(), Some(0));
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("e (status_code)"), "{said}");
    let none = output(dir.path(), &["import", "refinery", "otelcol.yaml"]);
    assert_eq!(none.status.code(), Some(3));
}

/// Imports `theirs`, a file of `from`; the exit code, what is said of it, and what `check` says of the result.
#[track_caller]
fn check_import(from: &str, theirs: &str, code: i32, said: &[&str], valid: bool) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("theirs.yaml"), theirs).unwrap();
    let imported = output(dir.path(), &["import", from, "theirs.yaml"]);
    let errors = String::from_utf8_lossy(&imported.stderr).into_owned();
    assert_eq!(imported.status.code(), Some(code), "{errors}");
    for said in said {
        assert!(errors.contains(said), "no `{said}` in {errors}");
    }
    let text = String::from_utf8_lossy(&imported.stdout);
    if text.is_empty() {
        assert!(!valid, "{errors}");
        return;
    }
    std::fs::write(dir.path().join("ours.yaml"), &imported.stdout).unwrap();
    let checked = output(dir.path(), &["check", "ours.yaml"]);
    assert_eq!(checked.status.success(), valid, "{text}");
}

/// What is not carried over is said on standard error, and ends with 1; the configuration is there all the same.
#[test]
fn an_import_says_what_is_not_carried_over() {
    let collector = |pipelines: &str| {
        format!(
            "receivers: {{otlp: {{protocols: {{grpc: , http: }}}}}}\nprocessors:\n  tail_sampling: {{decision_wait: 2.5s, policies: [{{name: slow, type: latency, latency: {{threshold_ms: 700}}}}]}}\nexporters: {{otlphttp/keep: {{endpoint: 'http://keep:4318'}}, otlphttp/all: {{endpoint: 'http://all:4318'}}}}\nservice:\n  pipelines:\n{pipelines}"
        )
    };
    let sampled = "    traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlphttp/keep]}\n";
    let logs = "    logs: {receivers: [otlp], exporters: [otlphttp/all]}\n";
    let equal = ["everything in theirs.yaml has its equal"];
    check_import(
        "collector",
        &collector(&format!("{sampled}{logs}")),
        0,
        &equal,
        true,
    );
    let all = "    traces/all: {receivers: [otlp], exporters: [otlphttp/all]}\n";
    let lost = [
        "not carried over: pipeline traces/all: not sampled there",
        "1 to look at",
        "error: the result doesn't do all that theirs.yaml does: 1 not carried over",
    ];
    check_import(
        "collector",
        &collector(&format!("{sampled}{all}")),
        1,
        &lost,
        true,
    );
    // A policy that is wrong there is wrong here.
    let wrong = "tail_sampling: {policies: [{name: odd, type: ottl_condition, ottl_condition: {span: ['name ==']}}]}\n";
    let invalid = ["error: the result doesn't pass `tailwater check` yet: see its end"];
    check_import("collector", wrong, 1, &invalid, false);
}

#[test]
fn rules_of_refinery_are_imported_by_environment() {
    let rules = |conditions: &str| {
        format!(
            "RulesVersion: 2\nSamplers:\n  __default__:\n    RulesBasedSampler:\n      Rules:\n        - {{Name: failed, SampleRate: 1, Conditions: {conditions}}}\n        - {{Name: rest, SampleRate: 40}}\n"
        )
    };
    check_import(
        "refinery",
        &rules("[{Field: error, Operator: exists}]"),
        0,
        &[],
        true,
    );
    let changed = ["changed: rule \"failed\": ?.NUM_DESCENDANTS counts span events and links too"];
    check_import(
        "refinery",
        &rules("{Field: '?.NUM_DESCENDANTS', Operator: '>', Value: 90}"),
        0,
        &changed,
        true,
    );
    let lost = [
        "not carried over: rule \"failed\": left out",
        "meta.span_link_count",
    ];
    check_import(
        "refinery",
        &rules("[{Field: meta.span_link_count, Operator: '>', Value: 5}]"),
        1,
        &lost,
        true,
    );
    check_import(
        "refinery",
        "RulesVersion: 2\nSamplers: {prod: {}}\n",
        3,
        &["--environment"],
        false,
    );
}
