//! Real OpenTelemetry clients: what their SDKs send arrives whole.
//!
//! Needs Python, Node, Java with Maven, or Go, and their package registries once; what was fetched is kept in the user's cache. What isn't
//! there is skipped, loudly; with `TAILWATER_REQUIRE_CLIENTS=1` that is a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tests::clients::{self, Client};
use tests::process::Tailwater;
use tests::settle::hex;
use tests::tally::Tally;
use tests::wait_until;
use tests::world::World;

const CHILDREN: usize = 40;
const ARRIVED_WITHIN: Duration = Duration::from_secs(60);

struct Pipeline {
    world: World,
    process: Tailwater,
}

impl Pipeline {
    fn start() -> Self {
        let mut world = World::embedded();
        world.set_decision_wait(2000);
        let mut process = world.process("run", "all");
        process.start_and_wait();
        Self { world, process }
    }

    fn kept_file(&self) -> PathBuf {
        self.world.path("kept.jsonl")
    }

    fn endpoint(&self, protocol: &str) -> String {
        match protocol {
            "grpc" => self.process.grpc_endpoint(),
            _ => self.process.http_endpoint(),
        }
    }
}

/// A client over these protocols: each sends a trace with an error, which is kept whole and once.
fn check(client: Result<Client, clients::Missing>, protocols: &[&str]) {
    let Ok(client) = client else { return };
    let mut pipeline = Pipeline::start();
    let mut sent: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for protocol in protocols {
        let output = client
            .command()
            .args([*protocol, pipeline.endpoint(protocol).as_str()])
            .arg(CHILDREN.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{protocol}: {said}");
        let spans: Vec<(String, String)> =
            serde_json::from_slice(&output.stdout).expect("the ids of what was sent");
        assert_eq!(spans.len(), CHILDREN + 1, "{protocol}: {said}");
        for (trace, span) in spans {
            sent.entry(trace).or_default().insert(span);
        }
    }
    assert_eq!(sent.len(), protocols.len());
    wait_until("the traces to be kept", ARRIVED_WITHIN, || {
        Tally::of_file(&pipeline.kept_file()).traces.len() >= sent.len()
    });
    assert_eq!(pipeline.process.stop(), 0);
    let kept = Tally::of_file(&pipeline.kept_file());
    for (id, trace) in &kept.traces {
        assert!(trace.spans.values().all(|seen| seen.times == 1));
        let spans: BTreeSet<_> = trace.spans.keys().map(|span| hex(span)).collect();
        assert_eq!(sent.get(&hex(id)), Some(&spans), "trace {}", hex(id));
    }
    assert_eq!(kept.traces.len(), sent.len());
}

#[test]
fn python() {
    check(clients::python(), &["grpc", "http/protobuf"]);
}

#[test]
fn node() {
    check(clients::node(), &["grpc", "http/protobuf", "http/json"]);
}

#[test]
fn java() {
    check(clients::java(), &["grpc", "http/protobuf"]);
}

#[test]
fn go() {
    check(clients::go(), &["grpc", "http/protobuf"]);
}

/// What a page said of what it sent.
#[derive(serde::Deserialize)]
struct Page {
    delivered: bool,
    spans: Vec<(String, String)>,
}

/// A page at an origin that is let in delivers, preflight and own header included; the browser keeps the same page at another port from it.
#[test]
fn browser() {
    let Ok(client) = clients::browser() else {
        return;
    };
    let [welcome, stranger] = [(); 2].map(|()| tests::free_port().unwrap());
    let mut world = World::embedded();
    world.set_decision_wait(1000);
    let origins = [format!("http://127.0.0.1:{welcome}")];
    let cors = json!({"origins": origins, "headers": ["x-page"]});
    let mut process = world.process("run", "all");
    let mut config = process.configuration();
    config["ingest"]["http"]["cors"] = cors;
    process.configure(&format!("{config:#}"));
    process.start_and_wait();
    let send = |port: u16| -> Page {
        let mut command = client.command();
        command.args([
            port.to_string(),
            process.http_endpoint(),
            CHILDREN.to_string(),
        ]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).expect("what the page said")
    };
    let refused = send(stranger);
    assert!(!refused.delivered && refused.spans.len() == CHILDREN + 1);
    let page = send(welcome);
    assert!(page.delivered);
    wait_until("the trace to be kept", ARRIVED_WITHIN, || {
        !Tally::of_file(&world.path("kept.jsonl")).traces.is_empty()
    });
    assert_eq!(process.stop(), 0, "{}", process.log_text());
    let kept = Tally::of_file(&world.path("kept.jsonl"));
    let [(id, trace)] = &kept.traces.iter().collect::<Vec<_>>()[..] else {
        panic!("{} traces were kept", kept.traces.len())
    };
    assert!(trace.spans.values().all(|seen| seen.times == 1));
    let found: BTreeSet<_> = trace
        .spans
        .keys()
        .map(|span| (hex(*id), hex(span)))
        .collect();
    assert_eq!(found, page.spans.into_iter().collect());
}

/// The Collector's own load generator, a hundred traces over each protocol.
#[test]
fn telemetrygen() {
    let Ok(binary) = clients::telemetrygen() else {
        return;
    };
    let mut pipeline = Pipeline::start();
    for http in [false, true] {
        let port = if http {
            pipeline.process.http
        } else {
            pipeline.process.grpc
        };
        let mut command = Command::new(&binary);
        command.args([
            "traces",
            "--traces",
            "100",
            "--child-spans",
            "3",
            "--rate",
            "0",
        ]);
        command.args(["--status-code", "Error", "--otlp-insecure"]);
        command.args(["--otlp-endpoint", &format!("127.0.0.1:{port}")]);
        if http {
            command.arg("--otlp-http");
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
    wait_until("200 traces to be kept", ARRIVED_WITHIN, || {
        let kept = Tally::of_file(&pipeline.kept_file());
        kept.traces.len() == 200 && kept.traces.values().all(|trace| trace.spans.len() == 4)
    });
    assert_eq!(pipeline.process.stop(), 0);
}
