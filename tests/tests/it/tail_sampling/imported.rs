//! What is imported of a Collector's configuration keeps the traces that the Collector's processor keeps by it.

use std::process::Command;

use fastrand::Rng;
use runtime::config::read_foreign;
use serde_json::{Value, json};
use tests::process::binary;
use tests::tail_sampling;

use super::{SEED, TRACES, corpus, kept, number, policies};

/// How many of the policies by hand are imported: each starts a process.
const CASES: usize = 24;

#[test]
fn an_import_keeps_what_the_collector_keeps() {
    let Ok(reference) = tail_sampling::reference() else {
        return;
    };
    let seed = number("TAILWATER_SEED").unwrap_or(SEED);
    println!("TAILWATER_SEED={seed}");
    let mut rng = Rng::with_seed(seed);
    let requests = corpus::requests(&mut rng, TRACES);
    let mut cases = odd();
    let mut by_hand = policies::by_hand();
    rng.shuffle(&mut by_hand);
    cases.extend(by_hand.into_iter().take(CASES));
    let theirs = tail_sampling::kept(&reference, &cases, &requests).unwrap();
    for (case, theirs) in cases.iter().zip(theirs) {
        let theirs = theirs.unwrap_or_else(|error| panic!("refused: {error}\n{case:#}"));
        let imported = import(case);
        let ours = kept(&imported, &requests);
        assert_eq!(ours, theirs, "seed {seed}\n{case:#}\nbecame\n{imported:#}");
    }
}

/// What the Collector takes and a configuration of ours wouldn't.
fn odd() -> Vec<Value> {
    let some =
        json!({"name": "some", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}});
    let case = |policies: Value| json!({"decision_wait": "1m1.5s", "num_traces": 100_000, "policies": policies});
    vec![
        case(
            json!([some, {"name": "most", "type": "probabilistic", "probabilistic": {"sampling_percentage": 250}}]),
        ),
        case(
            json!([some, {"name": "none", "type": "probabilistic", "probabilistic": {"sampling_percentage": 0}}]),
        ),
        case(json!([{"name": "parts", "type": "composite", "composite": {
            "max_total_spans_per_second": 1_000_000_000,
            "policy_order": ["slow", "some"],
            "composite_sub_policy": [some, {"name": "slow", "type": "latency", "latency": {"threshold_ms": 15}}],
            "rate_allocation": [{"policy": "some", "percent": 40}, {"policy": "slow", "percent": 40}]}}])),
    ]
}

/// The section `sampler` of what `tailwater import` makes of a configuration around the processor.
fn import(section: &Value) -> Value {
    let theirs = json!({
        "receivers": {"otlp": {"protocols": {"grpc": {}}}},
        "processors": {"tail_sampling": section, "batch": {}},
        "exporters": {"debug": {}},
        "service": {"pipelines": {"traces":
            {"receivers": ["otlp"], "processors": ["tail_sampling", "batch"], "exporters": ["debug"]}}},
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("otelcol.yaml");
    std::fs::write(&file, theirs.to_string()).unwrap();
    let output = Command::new(binary())
        .args(["import", "collector"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{theirs:#}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let imported = read_foreign("imported", &text).unwrap();
    imported["sampler"].clone()
}
