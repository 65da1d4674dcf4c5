//! The published schema, held against configurations by an independent validator, and against what `check` says of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::Config;

struct Schema {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Schema {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        let url = "http://localhost/tailwater.schema.json";
        compiler
            .add_resource(url, super::document())
            .expect("the schema is JSON");
        let index = compiler
            .compile(url, &mut schemas)
            .unwrap_or_else(|error| panic!("the schema is no schema: {error:#}"));
        Self { schemas, index }
    }

    fn takes(&self, yaml: &str) -> Result<(), String> {
        let value = runtime::config::read_foreign("test", yaml).expect("it is YAML");
        let judged = self.schemas.validate(&value, self.index);
        judged.map_err(|error| format!("{error:#}\n{yaml}"))
    }
}

/// As on a machine where one variable is set.
fn is_valid(yaml: &str) -> bool {
    let environment = |name: &str| (name == "P").then(|| "45".to_owned());
    runtime::config::load("test", yaml, &environment, Config::validate).is_ok()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// In the folder and in those within it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    (entries.flatten())
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .collect()
}

#[test]
fn every_configuration_of_ours_is_taken() {
    let (schema, root) = (Schema::new(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let mut texts = Vec::new();
    let examples = std::fs::read_dir(root.join("deploy/examples")).expect("there are examples");
    texts.extend(examples.flatten().map(|file| read(&file.path())));
    let documents = files(&root.join("docs"));
    let sections = super::document()["properties"].clone();
    assert!(documents.len() >= 10, "{documents:?}");
    for document in documents.into_iter().chain([root.join("README.md")]) {
        let text = read(&document);
        let blocks = text.split("```yaml\n").skip(1);
        let blocks = blocks.filter_map(|block| block.split_once("```"));
        for (yaml, _) in blocks {
            if yaml.starts_with("- {") || yaml.starts_with("- name") {
                texts.push(format!("sampler:\n  policies:\n{yaml}"));
                continue;
            }
            let ours = |key: &str| sections.get(key).is_some();
            let Ok(Value::Object(block)) = runtime::config::read_foreign("docs", yaml) else {
                continue;
            };
            // Others are a Collector's, or of Kubernetes.
            if block.keys().all(|key| ours(key)) {
                texts.push(yaml.to_owned());
            }
        }
    }
    assert!(texts.len() >= 10, "{}", texts.len());
    for text in texts {
        schema
            .takes(&text)
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// The schema and `check` agree about these.
#[test]
fn what_is_right_is_taken_and_what_is_wrong_refused() {
    let schema = Schema::new();
    let mut disagreements = Vec::new();
    let mut check = |valid: bool, yaml: &str| {
        let judged = schema.takes(yaml);
        if is_valid(yaml) != valid {
            disagreements.push(format!("check, where {valid} is right: {yaml}"));
        }
        if judged.is_ok() != valid {
            let why = judged.err().unwrap_or_default();
            disagreements.push(format!("the schema, where {valid} is right: {yaml}\n{why}"));
        }
    };
    let policy = |policy: &str| format!("sampler: {{policies: [{policy}]}}");
    // Values.
    check(
        true,
        "sampler: {decision_wait: 1m 30s, memory_limit: 1.5GiB}",
    );
    check(
        true,
        "sampler: {memory_limit: 1000000000, decision_wait_after_root_received: 0}",
    );
    check(true, "export: {backends: [{name: a, stdout: }]}");
    check(
        true,
        "bus: {kafka: {brokers: [\"a:1\"], properties: {linger.ms: 5, enable.random.seed: true}}}",
    );
    check(
        true,
        "enrich: {set: {resource: {a: 1, b: true, c: 1.5, d: text}}}",
    );
    check(
        true,
        "ingest: {grpc: {listen: \"localhost:1\"}, http: {listen: \":2\"}}\nadmin: {health: off, metrics: \"[::1]:3\"}",
    );
    check(true, "ingest:\nbus:\n");
    check(true, "sampler: {policies: default}");
    check(true, &policy("{name: 5, type: always_sample}"));
    // References wherever a value stands.
    check(
        true,
        "bus: {topics: {partitions: \"${env:N:-3}\", prefix: \"x${env:P}\"}}",
    );
    check(
        true,
        "sampler: {fleet: \"${env:F:-true}\", decision_wait: \"${env:P}s\", delivery: \"${env:D:-at_least_once}\", memory_limit: \"${env:P}MiB\"}",
    );
    check(
        true,
        "ingest: {grpc: {listen: \"127.0.0.1:${env:P}\"}}\nlog: {format: \"${env:F:-json}\"}",
    );
    check(
        true,
        &policy(
            "{name: \"n${env:P}\", type: \"${env:T:-latency}\", latency: {threshold_ms: \"${env:P}\"}}",
        ),
    );
    check(
        true,
        "export: {backends: [{name: a, concurrency: \"${env:C:-5}\", stdout: {}, signals: [\"${env:S:-logs}\"]}]}",
    );
    // Wrong kinds, keys and values.
    check(false, "ingest: 5");
    check(false, "sampler: {policies: []}");
    check(false, "sampler: {policies: defaults}");
    check(false, "sampler: {decision_wiat: 1s}");
    check(false, "receivers: {otlp: {}}");
    for wrong in ["30", "1 parsec", "soon", "-1s", "[1s]"] {
        check(false, &format!("sampler: {{decision_wait: {wrong}}}"));
    }
    for wrong in ["lots", "5 MiBs", "-1", "true"] {
        check(false, &format!("sampler: {{memory_limit: {wrong}}}"));
    }
    for wrong in ["0", "1025", "-1", "1.5", "many", "\"5\""] {
        check(false, &format!("bus: {{topics: {{partitions: {wrong}}}}}"));
    }
    check(
        false,
        "bus: {kafka: {brokers: [\"a:1\"], replication_factor: 0}}",
    );
    check(false, "bus: {kafka: {brokers: []}}");
    for wrong in ["localhost", "http://localhost:1", "example.com:1"] {
        check(false, &format!("ingest: {{grpc: {{listen: \"{wrong}\"}}}}"));
        check(false, &format!("admin: {{health: \"{wrong}\"}}"));
    }
    check(false, "log: {format: yaml}");
    check(false, "sampler: {delivery: sometimes, late_errors: follow}");
    check(false, "export: {backends: []}");
    check(
        false,
        "export: {backends: [{name: a, stdout: {}, concurrency: 257}]}",
    );
    check(
        false,
        "export: {backends: [{name: a, stdout: {}, signals: [profiles]}]}",
    );
    check(false, "export: {backends: [{name: a b, stdout: {}}]}");
    check(
        false,
        &policy("{name: a, type: latncy, latency: {threshold_ms: 5}}"),
    );
    check(false, &policy("{name: a, type: latency}"));
    check(false, &policy("{name: a, latency: {threshold_ms: 5}}"));
    check(
        false,
        &policy("{name: a, type: probabilistic, probabilistic: {sampling_percentage: 101}}"),
    );
    check(
        false,
        &policy("{name: a, type: status_code, status_code: {status_codes: [FAILED]}}"),
    );
    check(
        false,
        &policy("{name: a, type: status_code, status_code: {status_codes: []}}"),
    );
    check(false, &policy("{name: a, type: always_sample, mode: dry}"));
    // References to nothing.
    check(false, "sampler: {fleet: \"${HOME}\"}");
    check(false, "sampler: {fleet: \"$${env:F}\"}");
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

/// Editors show what is written beside a value.
#[test]
fn descriptions_and_defaults_stay_beside_what_may_be_written() {
    let document = super::document();
    let topics = &document["$defs"]["RawTopics"]["properties"]["partitions"];
    assert_eq!(topics["default"], 16);
    assert!(topics["description"].is_string(), "{topics:#}");
    assert_eq!(topics["anyOf"][0]["maximum"], 1024);
}
