//! What of a record goes on, against a plain evaluation.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};

use bus::{Fetched, Header};
use bytes::Bytes;
use ottl::{Conditions, Context, ErrorMode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::routing::{Match, Mode, Route};

fn fetched(signal: Signal, tenant: &str, request: &Value) -> Fetched {
    let json = serde_json::to_vec(request).unwrap();
    Fetched {
        topic: format!("{}.clean", signal.name()).into(),
        partition: 3,
        offset: 77,
        timestamp_ms: 1_800_000_000_000,
        headers: vec![Header {
            name: schemas::headers::TENANT.into(),
            value: Bytes::copy_from_slice(tenant.as_bytes()),
        }],
        value: schemas::json::to_protobuf(signal, &json).unwrap().into(),
    }
}

fn shown(signal: Signal, value: &[u8]) -> Value {
    let mut json = Vec::new();
    schemas::json::from_protobuf(signal, value, &mut json).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// Log records of two resources; each says its number.
fn logs(severities: &[u8]) -> Value {
    let (first, second) = severities.split_at(severities.len() / 2);
    let resource = |service: &str, base: usize, severities: &[u8]| {
        let record = |(number, severity): (usize, &u8)| json!({"severityNumber": severity, "body": {"intValue": (base + number).to_string()}});
        let records: Vec<_> = severities.iter().enumerate().map(record).collect();
        json!({"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeLogs": [{"scope": {"name": "x"}, "logRecords": records}]})
    };
    json!({"resourceLogs": [resource("a", 0, first), resource("b", first.len(), second)]})
}

/// The numbers of the log records in a request.
fn numbers(value: &[u8]) -> Vec<usize> {
    let shown = shown(Signal::Logs, value);
    let all = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let resources = all(&shown, "resourceLogs").into_iter();
    let scopes = resources.flat_map(|resource| all(&resource, "scopeLogs"));
    let records = scopes.flat_map(|scope| all(&scope, "logRecords"));
    let number = |record: Value| {
        record["body"]["intValue"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    records.map(number).collect()
}

fn filter(signal: Signal, texts: &[&str]) -> ItemFilter {
    let (mut filter, nothing): (_, &[&&str]) = (ItemFilter::default(), &[]);
    for text in texts {
        let context = Context::infer(signal, nothing, &[text]).unwrap();
        filter.add(signal, context, text).unwrap();
    }
    filter
}

fn edits(signal: Signal, texts: &[&str]) -> Edits {
    let (mut edits, nothing): (_, &[&&str]) = (Edits::default(), &[]);
    for text in texts {
        let context = Context::infer(signal, &[text], nothing).unwrap();
        edits.add(signal, context, text).unwrap();
    }
    edits
}

#[test]
fn what_nothing_is_done_with_is_the_very_same_bytes() {
    let sift = Sift {
        filter: Arc::new(filter(Signal::Logs, &["log.severity_number > 20"])),
        edits: Arc::new(edits(
            Signal::Logs,
            &[r#"set(log.severity_text, "x") where log.severity_number > 20"#],
        )),
        ..Sift::default()
    };
    assert!(!sift.is_idle() && Sift::default().is_idle());
    let record = fetched(Signal::Logs, "t", &logs(&[9, 9, 17]));
    let sifted = sift.sift(Signal::Logs, Entry::new(record.clone()));
    let entry = sifted.entry.unwrap();
    assert_eq!(entry.record.value.as_ptr(), record.value.as_ptr());
    assert_eq!((entry.parts.written(), sifted.skipped.total()), (None, 0));
}

#[test]
fn items_keep_their_numbers_and_resources_their_items() {
    let sift = Sift {
        filter: Arc::new(filter(
            Signal::Logs,
            &["log.severity_number < SEVERITY_NUMBER_INFO"],
        )),
        edits: Arc::new(edits(
            Signal::Logs,
            &[
                r#"set(resource.attributes["team"], "x") where resource.attributes["service.name"] == "a""#,
                r#"set(log.severity_text, "loud") where log.severity_number == 17"#,
            ],
        )),
        ..Sift::default()
    };
    let record = fetched(Signal::Logs, "t", &logs(&[5, 9, 17, 9, 1, 17]));
    let entry = sift
        .sift(Signal::Logs, Entry::new(record.clone()))
        .entry
        .unwrap();
    assert_eq!(numbers(&entry.record.value), [1, 2, 3, 5]);
    let units: Vec<_> = (0..entry.items).map(|index| entry.unit(index)).collect();
    assert_eq!(units, [1, 2, 3, 5]);
    assert_eq!(entry.skipped.get(Reason::Filter), 2);
    assert_eq!(entry.items_of_record(), 6);
    assert_eq!(entry.original(), &record.value);
    let shown = shown(Signal::Logs, &entry.record.value);
    let resources = shown["resourceLogs"].as_array().unwrap();
    assert_eq!(resources.len(), 2, "one resource stays one: {shown}");
    assert_eq!(
        resources[0]["resource"]["attributes"][1]["value"]["stringValue"],
        "x"
    );
    assert_eq!(
        resources[1]["resource"]["attributes"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        resources[0]["scopeLogs"][0]["logRecords"][1]["severityText"],
        "loud"
    );
}

#[test]
fn data_points_keep_their_numbers() {
    let point = |value: &str| json!({"asInt": value});
    let gauge = |name: &str, values: &[&str]| json!({"name": name, "gauge": {"dataPoints": values.iter().map(|value| point(value)).collect::<Vec<_>>()}});
    let request = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [gauge("a", &["0", "1"]), gauge("gone", &["7"]), gauge("b", &["2", "0", "3"])]}]}]});
    let sift = Sift {
        filter: Arc::new(filter(
            Signal::Metrics,
            &["datapoint.value_int == 0", r#"metric.name == "gone""#],
        )),
        ..Sift::default()
    };
    let record = fetched(Signal::Metrics, "t", &request);
    let entry = sift
        .sift(Signal::Metrics, Entry::new(record))
        .entry
        .unwrap();
    assert_eq!(entry.parts.written().unwrap(), "1..2,3..4,5..6");
    assert_eq!((entry.items, entry.skipped.total()), (2, 1));
}

#[test]
fn what_cannot_be_transformed_is_set_aside_alone() {
    let statement = r#"set(log.attributes["a"], ParseJSON(log.severity_text)["a"]) where log.severity_number == 17"#;
    let sift = Sift {
        edits: Arc::new(edits(Signal::Logs, &[statement])),
        ..Sift::default()
    };
    let record = fetched(Signal::Logs, "t", &logs(&[9, 17, 9]));
    let entry = sift
        .sift(Signal::Logs, Entry::new(record.clone()))
        .entry
        .unwrap();
    assert_eq!(
        (numbers(&entry.record.value), entry.defect.as_deref()),
        (vec![0, 2], None)
    );
    let failed = entry.failed.as_ref().unwrap();
    assert_eq!(
        (failed.units.as_slice(), failed.items),
        (std::slice::from_ref(&(1..2)), 1)
    );
    assert!(failed.reason.contains("transform"), "{}", failed.reason);
    assert_eq!(entry.items_of_record(), 3);
    // Nothing else is left.
    let alone = fetched(Signal::Logs, "t", &logs(&[17]));
    let entry = sift.sift(Signal::Logs, Entry::new(alone)).entry.unwrap();
    assert_eq!((entry.defect.is_some(), entry.items_of_record()), (true, 1));
}

const SPANS: usize = 6;

/// Traces with two spans each in one request; their thresholds are `th`.
fn traces(count: u64, th: Option<&str>) -> (Value, Vec<String>) {
    let mut ids = Vec::new();
    let trace = |number: u64| {
        let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            "{:016x}{:016x}",
            mixed,
            mixed.rotate_left(23) ^ 0x5bd1_e995_9d1b_54a5u64.wrapping_mul(number + 7)
        )
    };
    let mut spans = Vec::new();
    for number in 0..count {
        ids.push(trace(number));
        for span in 1..=2 {
            let mut one = json!({"traceId": trace(number), "spanId": format!("{:016x}", 2 * number + span), "name": "s"});
            if let Some(th) = th {
                one["traceState"] = json!(format!("a=b,ot=th:{th}"));
            }
            spans.push(one);
        }
    }
    (
        json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}),
        ids,
    )
}

/// Of each trace that is left, its spans and their `tracestate`.
fn left(sift: &Sift, request: &Value) -> BTreeMap<String, Vec<String>> {
    let entry = sift
        .sift(
            Signal::Traces,
            Entry::new(fetched(Signal::Traces, "t", request)),
        )
        .entry;
    let mut left = BTreeMap::<_, Vec<_>>::new();
    let Some(entry) = entry else { return left };
    let shown = shown(Signal::Traces, &entry.record.value);
    for span in shown["resourceSpans"][0]["scopeSpans"][0]["spans"]
        .as_array()
        .unwrap()
    {
        let id = span["traceId"].as_str().unwrap().to_owned();
        let state = span["traceState"].as_str().unwrap_or_default().to_owned();
        left.entry(id).or_default().push(state);
    }
    left
}

fn sampled(mode: Mode, share: f64) -> Sift {
    Sift {
        sampling: Some(Sampling::new(mode, Some(share), None)),
        ..Sift::default()
    }
}

/// R of a trace without `rv`.
fn randomness(id: &str) -> u64 {
    u64::from_str_radix(&id[18..], 16).unwrap()
}

const MAX: f64 = 72_057_594_037_927_936.0;

#[test]
fn a_sample_says_what_it_stands_for() {
    let count = 4000;
    // One in four came, those with R ≥ 3/4.
    let (request, ids) = traces(count, Some("c"));
    let three_quarters = 3u64 << 54;
    let came: HashSet<_> = ids
        .iter()
        .filter(|id| randomness(id) >= three_quarters)
        .cloned()
        .collect();
    let mut request = request;
    let spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
        .as_array_mut()
        .unwrap();
    spans.retain(|span| came.contains(span["traceId"].as_str().unwrap()));
    for (mode, share, expected) in [
        (Mode::Proportional, 0.2, 0.05),
        (Mode::Equalizing, 0.1, 0.1),
        (Mode::Equalizing, 0.5, 0.25),
    ] {
        let left = left(&sampled(mode, share), &request);
        let threshold = ((1.0 - expected) * MAX) as u64;
        let plain: HashSet<_> = ids
            .iter()
            .filter(|id| randomness(id) >= threshold)
            .cloned()
            .collect();
        assert_eq!(
            left.keys().cloned().collect::<HashSet<_>>(),
            plain,
            "{mode:?} {share}"
        );
        assert!(left.values().all(|spans| spans.len() == 2), "whole traces");
        let stands_for: f64 = left.values().map(|spans| adjusted(&spans[0])).sum();
        let sigma = (count as f64 * (1.0 - expected) / expected).sqrt();
        assert!(
            (stands_for - count as f64).abs() < 3.0 * sigma,
            "{mode:?} {share}: {stands_for}"
        );
        assert!(left.values().flatten().all(|state| state.contains("a=b")));
    }
}

/// How many traces a span with this `tracestate` stands for.
fn adjusted(state: &str) -> f64 {
    let threshold = schemas::otlp::sampling::Upstream::read(state.as_bytes())
        .threshold
        .unwrap();
    1.0 / schemas::otlp::sampling::probability(threshold)
}

#[test]
fn all_and_nothing_of_a_sample() {
    let (request, ids) = traces(20, None);
    assert!(left(&sampled(Mode::Proportional, 0.0), &request).is_empty());
    let all = left(&sampled(Mode::Proportional, 1.0), &request);
    assert_eq!(
        (all.len(), all.values().flatten().all(String::is_empty)),
        (ids.len(), true)
    );
}

#[test]
fn logs_are_kept_with_their_trace_or_by_where_they_lie() {
    let (_, ids) = traces(400, None);
    let records: Vec<_> = ids
        .iter()
        .map(|id| json!({"traceId": id, "body": {"intValue": "1"}}))
        .collect();
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    let sift = Sift {
        sampling: Some(Sampling::new(Mode::Proportional, None, Some(0.25))),
        ..Sift::default()
    };
    let entry = sift
        .sift(
            Signal::Logs,
            Entry::new(fetched(Signal::Logs, "t", &request)),
        )
        .entry
        .unwrap();
    let shown = shown(Signal::Logs, &entry.record.value);
    let kept: HashSet<_> = (shown["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        .as_array()
        .unwrap()
        .iter())
    .map(|record| record["traceId"].as_str().unwrap().to_owned())
    .collect();
    let plain: HashSet<_> = ids
        .iter()
        .filter(|id| randomness(id) >= 3 << 54)
        .cloned()
        .collect();
    assert_eq!(kept, plain);
    // A letter's records were drawn before, by other numbers.
    let letters = sift.of_letters();
    let letter = fetched(Signal::Logs, "t", &logs(&[9; 50]));
    let entry = letters
        .sift(Signal::Logs, Entry::new(letter))
        .entry
        .unwrap();
    assert_eq!((entry.items, entry.skipped.total()), (50, 0));
    // Without a trace: about a quarter, and the same ones when the record is read again.
    let without = fetched(Signal::Logs, "t", &logs(&[9; 2000]));
    let once = sift
        .sift(Signal::Logs, Entry::new(without.clone()))
        .entry
        .unwrap();
    let again = sift.sift(Signal::Logs, Entry::new(without)).entry.unwrap();
    assert_eq!(once.record.value, again.record.value);
    assert!((400..600).contains(&once.items), "{}", once.items);
}

/// A route as a test draws it; conditions are `severity < n`, or a service's name.
#[derive(Clone, Debug)]
struct Drawn {
    tenants: Vec<String>,
    logs: bool,
    below: Option<u8>,
    service: Option<&'static str>,
    to: Vec<bool>,
    is_final: bool,
}

impl Drawn {
    fn is_about(&self, tenant: &str, severity: u8, service: &str) -> bool {
        let conditions = [
            self.below.map(|below| severity < below),
            self.service.map(|own| own == service),
        ];
        let any = conditions.iter().flatten().any(|holds| *holds);
        self.logs
            && (self.tenants.is_empty() || self.tenants.iter().any(|own| own == tenant))
            && (any || conditions.iter().flatten().count() == 0)
    }

    fn route(&self, backend: usize) -> Route {
        let mut matches = Match::default();
        let texts = [
            self.below
                .map(|below| format!("log.severity_number < {below}")),
            self.service
                .map(|own| format!(r#"resource.attributes["service.name"] == "{own}""#)),
        ];
        for text in texts.iter().flatten() {
            let nothing: &[&String] = &[];
            let context = Context::infer(Signal::Logs, nothing, &[text]).unwrap();
            matches.add(
                Signal::Logs,
                context,
                Conditions::compile(context, &[text], ErrorMode::Ignore).unwrap(),
            );
        }
        Route {
            tenants: self
                .tenants
                .iter()
                .map(|tenant| tenant.as_bytes().into())
                .collect(),
            signals: vec![if self.logs {
                Signal::Logs
            } else {
                Signal::Traces
            }],
            matches: texts.iter().any(Option::is_some).then_some(matches),
            is_to_it: self.to[backend],
            is_final: self.is_final,
        }
    }
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let tenants = prop::collection::vec("[abc]", 0..3);
    let service = prop::option::of(prop::sample::select(vec!["a", "b"]));
    let below = prop::option::of(1..24u8);
    let to = prop::collection::vec(any::<bool>(), 3);
    (
        tenants,
        prop::bool::weighted(0.8),
        below,
        service,
        to,
        any::<bool>(),
    )
        .prop_map(|(tenants, logs, below, service, to, is_final)| Drawn {
            tenants,
            logs,
            below,
            service,
            to,
            is_final,
        })
}

proptest! {
    /// Each item is at exactly the backends that a plain walk down the table says.
    #[test]
    fn routes_come_to_what_a_plain_walk_comes_to(table in prop::collection::vec(drawn(), 0..6), tenant in "[abcd]", severities in prop::collection::vec(1..24u8, 1..SPANS)) {
        let record = fetched(Signal::Logs, &tenant, &logs(&severities));
        for backend in 0..3 {
            let is_named = table.iter().any(|route| route.to[backend]);
            let sift = Sift {
                routes: match is_named {
                    true => Routes::new(table.iter().map(|route| route.route(backend)).collect()),
                    false => Routes::default(),
                },
                ..Sift::default()
            };
            let expected: Vec<usize> = (0..severities.len()).filter(|number| {
                let service = if *number < severities.len() / 2 { "a" } else { "b" };
                let mut reached = !is_named;
                for route in &table {
                    if route.is_about(&tenant, severities[*number], service) {
                        reached |= route.to[backend];
                        if route.is_final || route.to[backend] {
                            break;
                        }
                    }
                }
                reached
            }).collect();
            let sifted = sift.sift(Signal::Logs, Entry::new(record.clone()));
            let found = sifted.entry.as_ref().map_or_else(Vec::new, |entry| numbers(&entry.record.value));
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(sifted.skipped.total() as usize + found.len(), severities.len());
        }
    }
}

/// What is outside of the limits is set aside with the reason; the others go on, cut where they are too long. Who sends on purpose isn't held up.
#[test]
fn limits_set_aside_and_cut() {
    let record = |number: u64, time: u64, text: &str| {
        json!({"timeUnixNano": time.to_string(), "body": {"intValue": number.to_string()},
        "attributes": [{"key": "k", "value": {"stringValue": text}}]})
    };
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        record(0, 9_000_000_000, "fits"), record(1, 1_000_000_000, "fits"), record(2, 9_500_000_000, "too long"), record(3, 20_000_000_000, "fits"),
    ]}]}]});
    let record = fetched(Signal::Logs, "", &request);
    let limits = ItemLimits {
        max_age: Some(std::time::Duration::from_secs(5)),
        max_future: Some(std::time::Duration::from_secs(5)),
        attribute_bytes: Some(4),
        clip: true,
        ..ItemLimits::NONE
    };
    let of = |limits: ItemLimits| Sift {
        limits: [limits; 3],
        ..Sift::default()
    };
    let now = 10_000_000_000;
    let sift = of(limits);
    assert!(!sift.is_idle());
    let sifted = sift.sift_at(Signal::Logs, Entry::new(record.clone()), now);
    assert_eq!(sifted.clipped_attributes, 1);
    let entry = sifted.entry.unwrap();
    assert_eq!(numbers(&entry.record.value), [0, 2]);
    let shown = shown(Signal::Logs, &entry.record.value).to_string();
    assert!(
        shown.contains("too ") && !shown.contains("too long"),
        "{shown}"
    );
    let failed = entry.failed.unwrap();
    assert_eq!(failed.units, [1..2, 3..4]);
    assert_eq!(
        failed.reason,
        "the backend wouldn't take it: it is 9s old, and limits.max_age is 5s"
    );
    // Without `clip`, the long one is set aside too.
    let sift_strictly = of(ItemLimits {
        clip: false,
        ..limits
    });
    let sifted = sift_strictly.sift_at(Signal::Logs, Entry::new(record.clone()), now);
    let entry = sifted.entry.unwrap();
    assert_eq!(numbers(&entry.record.value), [0]);
    assert_eq!(entry.failed.unwrap().items, 3);
    let on_purpose = sift
        .sift(Signal::Logs, Entry::new(record.clone()))
        .entry
        .unwrap();
    assert_eq!(on_purpose.record.value, record.value);
}

/// After a transform, the size is that of what is sent.
#[test]
fn the_size_that_counts_is_the_one_sent() {
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"attributes": [{"key": "k", "value": {"stringValue": "x".repeat(100)}}]},
    ]}]}]});
    let record = fetched(Signal::Logs, "", &request);
    let limits = ItemLimits {
        item_bytes: Some(50),
        ..ItemLimits::NONE
    };
    let sift = |edits: Edits| Sift {
        limits: [limits; 3],
        edits: edits.into(),
        ..Sift::default()
    };
    let as_it_is = sift(Edits::default()).sift_at(Signal::Logs, Entry::new(record.clone()), 0);
    let defect = as_it_is.entry.unwrap().defect.unwrap();
    assert!(defect.ends_with("and limits.item_bytes is 50"), "{defect}");
    let shorter = sift(edits(Signal::Logs, &[r#"delete_key(log.attributes, "k")"#]));
    let entry = shorter
        .sift_at(Signal::Logs, Entry::new(record), 0)
        .entry
        .unwrap();
    assert_eq!((entry.defect, entry.items), (None, 1));
}
