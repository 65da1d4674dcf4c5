//! What somebody meets who starts with Kafka: the configuration of the README works against one broker, in one process and in four, and a broker that
//! goes away is told in one line.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tests::kafka::Broker;
use tests::process::binary;
use tests::sending::Load;
use tests::wait_until;
use tests::world::World;

const PATIENT: Duration = Duration::from_secs(120);
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

/// The block of the README that configures Kafka.
fn readme() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("README.md")).unwrap();
    let blocks = text.split("```yaml\n").skip(1);
    let mut blocks = blocks.map(|block| block.split_once("```").expect("it ends").0);
    let found = blocks.find(|block| block.contains("kafka:"));
    found.expect("the README configures Kafka").to_owned()
}

/// For this broker and free ports; where its backends would be, nobody is. Everything else is as it stands.
fn adapted(broker: &Broker) -> String {
    let text = readme();
    for section in ["ingest:", "admin:"] {
        assert!(!text.contains(&format!("\n{section}")), "{text}");
    }
    let replace = |text: String, what: &str, by: &str| {
        assert!(text.contains(what), "no `{what}` in {text}");
        text.replace(what, by)
    };
    let text = replace(text, "127.0.0.1:9092", broker.brokers());
    let text = replace(text, "127.0.0.1:14317", "127.0.0.1:1");
    let text = replace(text, "https://otlp.example.com", "https://127.0.0.1:1");
    let text = replace(text, "decision_wait: 30s", "decision_wait: 2s");
    text + "ingest: {grpc: {listen: \"127.0.0.1:0\"}, http: {listen: \"127.0.0.1:0\"}}\n"
}

/// A process, killed at the end of the test.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    fn start(folder: &Path, command: &str) -> Self {
        let log = folder.join(format!("{command}.log"));
        let child = Command::new(binary())
            .args([command, "--config", "tailwater.yaml"])
            .current_dir(folder)
            .env("TAILWATER_HASH_KEY", "0123456789abcdef0123456789abcdef")
            .env("VENDOR_KEY", "vendor")
            .env_remove("TAILWATER_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What follows these words in its log, once they are there.
    fn says(&mut self, words: &str) -> String {
        wait_until(words, PATIENT, || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", self.said());
            self.said().contains(words)
        });
        let said = self.said();
        let (_, rest) = said.split_once(words).unwrap();
        let end = rest.find([' ', '\n', '"', '/']).unwrap_or(rest.len());
        rest[..end].to_owned()
    }

    fn wait_ready(&mut self) {
        let address = self.says("admin pages are up health=\"");
        wait_until("it to be ready", PATIENT, || {
            ask(&address, "GET /readyz HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 200")
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(address: &str, request: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}

fn send_error_trace(otlp: &str) {
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{TRACE_ID}","spanId":"b7ad6b7169203331","name":"pay","kind":2,"startTimeUnixNano":"1760000000000000000","endTimeUnixNano":"1760000001000000000","status":{{"code":2}}}}]}}]}}]}}"#
    );
    let length = body.len();
    let answer = ask(
        otlp,
        &format!(
            "POST /v1/traces HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    );
    assert!(answer.contains(" 200 "), "{answer}");
}

/// One trace through these processes, which share a folder and a file.
fn check(broker: &Broker, commands: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tailwater.yaml"), adapted(broker)).unwrap();
    let mut running: Vec<_> = (commands.iter())
        .map(|command| Running::start(folder.path(), command))
        .collect();
    for process in &mut running {
        process.wait_ready();
    }
    send_error_trace(&running[0].says("OTLP/HTTP on "));
    wait_until("the trace to be kept", PATIENT, || {
        let kept = std::fs::read_to_string(folder.path().join("kept.jsonl"));
        kept.is_ok_and(|kept| kept.contains(TRACE_ID))
    });
    for process in &running {
        assert!(!process.said().contains("ERROR"), "{}", process.said());
    }
}

#[test]
fn the_readme_s_configuration_works_against_one_broker() {
    let Ok(broker) = Broker::start() else { return };
    check(&broker, &["run"]);
    check(&broker, &["ingest", "sample", "enrich", "export"]);
}

#[test]
fn too_many_replicas_are_told_with_what_to_do() {
    let Ok(broker) = Broker::shared() else { return };
    let world = World::kafka(broker);
    let mut process = world.process("run", "replicas");
    let mut config = process.configuration();
    config["bus"]["kafka"]["replication_factor"] = 9.into();
    process.configure(&config.to_string());
    process.start();
    wait_until("it to end", PATIENT, || !process.is_running());
    let said = process.log_text();
    assert!(
        said.contains("lower bus.kafka.replication_factor (9)"),
        "{said}"
    );
}

/// Under load, and for long enough that every client and every stage has noticed.
#[test]
fn a_broker_that_goes_away_is_one_warning_and_one_line_when_it_is_back() {
    let Ok(broker) = Broker::start() else { return };
    let world = World::kafka(&broker);
    let mut process = world.process("run", "outage");
    process.start_and_wait();
    let load = Load::start(process.grpc_endpoint(), 7, 300.0);
    wait_until("traffic", PATIENT, || load.sent() > 500);
    let before = process.log_text();
    broker.kill();
    process_says(&process, "kafka can't be reached");
    let metric = |process: &tests::process::Tailwater, name| process.metrics().sum(name, &[]);
    // For so long that whatever is told again after a while would have been.
    let asked_in_vain = metric(&process, "tailwater_bus_errors_total") + 5.0;
    wait_until("the bus to be asked in vain", PATIENT, || {
        metric(&process, "tailwater_bus_errors_total") >= asked_in_vain
    });
    broker.restart();
    process_says(&process, "kafka can be reached again");
    process.wait_ready();
    // And until every stage is at work again.
    let delivered = "tailwater_export_delivered_items_total";
    let already = metric(&process, delivered);
    wait_until("what was sent to arrive", PATIENT, || {
        metric(&process, delivered) > already
    });
    let said = process.log_text();
    let during = said.strip_prefix(&before).unwrap_or(&said);
    let lines =
        |what: &str| -> Vec<&str> { during.lines().filter(|line| line.contains(what)).collect() };
    let warnings = [lines(" WARN "), lines("ERROR")].concat();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    for part in [
        "kafka can't be reached",
        "Connection refused",
        "start the brokers",
    ] {
        assert!(warnings[0].contains(part), "{warnings:?}");
    }
    assert_eq!(lines("kafka can be reached again").len(), 1, "{during}");
    assert!(during.lines().count() < 60, "{during}");
    load.stop();
}

#[track_caller]
fn process_says(process: &tests::process::Tailwater, words: &str) {
    wait_until(words, PATIENT, || process.log_text().contains(words));
}
