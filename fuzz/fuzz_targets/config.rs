//! Configuration: any text is read or has problems, each with a place that is there; what was read is the same when it is written and read again.
//!
//! The types of the stages need the whole of Tailwater, so the one here has what they are made of: sections, lists, maps, alternatives and all
//! kinds of values.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use runtime::config::{
    ByteRate, ByteSize, Duration, Problems, Secret, Source, load, peek, read_foreign,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Whole {
    bus: Bus,
    sampler: Sampler,
    tenants: BTreeMap<String, Tenant>,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Bus {
    embedded: Option<Embedded>,
    properties: BTreeMap<String, String>,
    #[schemars(range(min = 1))]
    partitions: Option<u16>,
    level: Level,
    #[serde(skip_serializing)]
    password: Secret,
}

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Embedded {
    dir: String,
    bytes: ByteSize,
    retention: Duration,
}

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
    share: Option<f64>,
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
    offset: Option<i64>,
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

#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Tenant {
    rate: Option<ByteRate>,
    enabled: bool,
}

const FILE: &str = "t.yaml";

fn environment(name: &str) -> Option<String> {
    match name {
        "A" => Some("16".to_owned()),
        "EVIL" => Some("x\nsampler: {decision_wait: 1s}".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// Something wrong, and something doubtful, wherever a policy stands.
fn validate(whole: &Whole, problems: &mut Problems) -> String {
    for (index, policy) in whole.sampler.policies.iter().enumerate() {
        match policy {
            Policy::Latency(latency) if latency.threshold_ms == 0 => {
                let path = format!("sampler.policies[{index}].threshold_ms");
                problems.push(path, "must be above 0");
            }
            Policy::Latency(_) => {}
            Policy::AlwaysSample(_) => {
                problems.warn(format!("sampler.policies[{index}].name"), "is doubtful");
            }
        }
    }
    for name in whole.bus.properties.keys() {
        problems.warn(format!("bus.properties.{name}"), "is doubtful");
    }
    serde_json::to_string(whole).expect("plain values")
}

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // A file that never ends, or waits, is for whoever names it.
    if ["/dev", "/proc", "/sys"]
        .iter()
        .any(|path| text.contains(path))
    {
        return;
    }
    let source = Source {
        file: FILE,
        text,
        environment: &environment,
        uses: &|section| section != "sampler",
        empty: Some("there is nothing in it"),
    };
    match source.load(validate) {
        Ok(loaded) => {
            loaded
                .warnings
                .lines()
                .for_each(|(place, _)| check_place(text, &place));
            let _ = loaded.warnings.to_string();
            if loaded.left_out.is_empty() {
                check_again(&loaded.value);
            }
        }
        Err(error) => {
            assert!(error.count() > 0);
            error
                .lines()
                .for_each(|(place, _)| check_place(text, &place));
            assert!(error.to_string().ends_with(&format!("in {FILE}")));
        }
    }
    match read_foreign(FILE, text) {
        Ok(_) => {}
        Err(error) => error
            .lines()
            .for_each(|(place, _)| check_place(text, &place)),
    }
    let _ = peek(text, &["bus", "level"], &environment);
});

/// A place in the text, or just behind its end.
fn check_place(text: &str, place: &str) {
    let Some(place) = place
        .strip_prefix(FILE)
        .and_then(|place| place.strip_prefix(':'))
    else {
        return;
    };
    let (line, column) = place.split_once(':').expect("line:column");
    let (line, column): (usize, usize) = (
        line.parse().expect("a number"),
        column.parse().expect("a number"),
    );
    // As YAML counts them.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    assert!(
        (1..=lines.len()).contains(&line),
        "{place} of {} lines",
        lines.len()
    );
    let length = lines[line - 1].chars().count();
    assert!(
        (1..=length + 1).contains(&column),
        "{place} of {length} characters"
    );
}

/// JSON is YAML, and what we write of each value is what we read as it.
fn check_again(json: &str) {
    // A reference, once more.
    if json.contains('$') {
        return;
    }
    let again = load(
        FILE,
        json,
        &environment,
        |whole: &Whole, _: &mut Problems| serde_json::to_string(whole).expect("plain values"),
    );
    match again {
        Ok(again) => assert_eq!(again, json),
        Err(error) => panic!("{error}"),
    }
}
