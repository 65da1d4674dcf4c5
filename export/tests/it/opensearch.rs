//! OpenSearch itself: what is created once, what it refuses, and what a crash repeats.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use schemas::Signal;
use serde_json::{Value, json};
use tests::opensearch::OpenSearch;

use crate::support::backend::{Answer, Backend};
use crate::support::telemetry::{from_json, one_log, spans};
use crate::support::{
    PREFIX_VARIABLE, QUICK, Running, all_committed, dead_letters, eventually, header, metric,
    open_bus, prefix, publish,
};

/// A data stream for everything that export names by default, as OpenSearch's own plugin has it, with a field of a type.
fn template(node: &OpenSearch) {
    let template = json!({
        "index_patterns": ["ss4o_*-*-*"],
        "data_stream": {},
        "template": {"mappings": {"properties": {"attributes": {"properties": {"size": {"type": "long"}, "huge": {"type": "double"}}}}}}
    });
    node.done("PUT", "/_index_template/ss4o", Some(&template));
}

fn backend(name: &str, endpoint: &str, more: &str) -> String {
    format!("{{name: {name}, opensearch: {{endpoint: '{endpoint}'}}, {more}}}")
}

/// All in one, since a node takes its time to start.
#[test]
fn opensearch_has_each_item_once() {
    let Ok(node) = OpenSearch::start() else {
        return;
    };
    template(&node);
    documents_are_as_they_were_sent(&node);
    one_bad_document_among_a_thousand(&node);
    what_is_there_is_not_created_again(&node);
    kills_make_no_duplicates(&node);
    documents_of_the_other_mapping(&node);
}

/// Items that are hard to write, into data streams.
fn documents_are_as_they_were_sent(node: &OpenSearch) {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let hard = "\u{0}\"\\\n\u{2028}ü\u{10ffff}";
    let pair = |key: &str, value: Value| json!({"key": key, "value": value});
    let attributes = json!([
        pair("text", json!({"stringValue": hard})),
        pair("text", json!({"stringValue": "twice"})),
        pair("low", json!({"intValue": i64::MIN.to_string()})),
        pair("nan", json!({"doubleValue": "NaN"})),
        pair("huge", json!({"doubleValue": 1e300})),
        pair(
            "map",
            json!({"kvlistValue": {"values": [pair("a", json!({"intValue": "1"})), pair("a", json!({"intValue": "2"}))]}})
        ),
        pair(
            "list",
            json!({"arrayValue": {"values": [{"intValue": "1"}, {"intValue": "2"}]}})
        ),
    ]);
    let log = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
        {"timeUnixNano": "18446744073709551615", "body": {"stringValue": hard}, "attributes": attributes}, {}
    ]}]}]});
    let gauge = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "none", "gauge": {}},
        {"name": "g", "gauge": {"dataPoints": [{"asInt": "7"}, {"asDouble": "Infinity"}, {"asDouble": "NaN"}]}},
        {"name": "h", "histogram": {"dataPoints": [{"count": "1", "bucketCounts": ["1", "0"], "explicitBounds": [1e300]}]}}
    ]}]}]});
    publish(
        &*bus,
        Signal::Logs,
        0,
        [from_json(Signal::Logs, log.to_string().as_bytes())],
    );
    publish(
        &*bus,
        Signal::Metrics,
        1,
        [from_json(Signal::Metrics, gauge.to_string().as_bytes())],
    );
    publish(
        &*bus,
        Signal::Traces,
        0,
        [spans(0..10, 0), spans(10..20, 100_000)],
    );
    let running = Running::start(&bus, &[backend("os-sent", &node.endpoint(), QUICK)]);
    for signal in Signal::ALL {
        all_committed(&*bus, "os-sent", signal);
    }
    running.stop();
    let letters = dead_letters(&*bus);
    let reasons = letters
        .iter()
        .map(|letter| header(letter, "tailwater.dead.reason"));
    assert_eq!(reasons.collect::<Vec<_>>(), [] as [String; 0]);

    let logs = node.documents("ss4o_logs-default-namespace");
    let log = logs.iter().find(|log| log["body"] == hard).unwrap();
    assert_eq!(log["@timestamp"], "2554-07-21T23:34:33.709551615Z");
    assert_eq!(log["attributes"]["text"], hard);
    assert_eq!(log["attributes"]["low"], i64::MIN);
    assert_eq!(log["attributes"]["map"], json!({"a": 1}));
    assert_eq!(
        (logs.len(), node.count("ss4o_metrics-default-namespace")),
        (2, 4)
    );
    let spans = node.documents("ss4o_traces-default-namespace");
    let mut ids: Vec<_> = spans
        .iter()
        .map(|span| span["spanId"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((spans.len(), ids.len()), (20, 20));
}

/// A log record with an attribute that the index has as a number.
fn sized(sizes: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let records = sizes.into_iter().map(|size| {
        json!({"body": {"stringValue": size.to_string()}, "attributes": [{"key": "size", "value": {"stringValue": size.to_string()}}]})
    });
    let records: Vec<_> = records.collect();
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    from_json(Signal::Logs, request.to_string().as_bytes())
}

fn one_bad_document_among_a_thousand(node: &OpenSearch) {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    // Ten records of a hundred; one number is none.
    for record in 0..10 {
        let number = |index: usize| match record * 100 + index {
            617 => json!("six"),
            number => json!(number),
        };
        publish(&*bus, Signal::Logs, 0, [sized((0..100).map(number))]);
    }
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: os-bad, opensearch: {{endpoint: '{}', index: 'ss4o_{{signal}}-bad-one'}}, batch: {{timeout: 200ms}}}}",
            node.endpoint()
        )],
    );
    all_committed(&*bus, "os-bad", Signal::Logs);
    running.stop();
    assert_eq!(node.count("ss4o_logs-bad-one"), 999);
    let letters = dead_letters(&*bus);
    assert_eq!(letters.len(), 1);
    assert_eq!(header(&letters[0], "tailwater.dead.units"), "17..18");
    let reason = header(&letters[0], "tailwater.dead.reason");
    assert!(
        reason.contains("status 400") && reason.contains("size"),
        "{reason}"
    );
    assert_eq!(metric(export::names::DELIVERED, "os-bad"), 999.0);
}

/// Another group sends everything once more.
fn what_is_there_is_not_created_again(node: &OpenSearch) {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..50, 0)]);
    for name in ["os-first", "os-again"] {
        let more = format!(
            "{{name: {name}, opensearch: {{endpoint: '{}', index: plain}}, {QUICK}}}",
            node.endpoint()
        );
        let running = Running::start(&bus, &[more]);
        all_committed(&*bus, name, Signal::Traces);
        running.stop();
        assert_eq!(metric(export::names::DELIVERED, name), 50.0);
    }
    assert_eq!(node.count("plain"), 50);
    assert_eq!(metric(export::names::DEDUPLICATED, "os-first"), 0.0);
    assert_eq!(metric(export::names::DEDUPLICATED, "os-again"), 50.0);
}

const KILLS: u64 = 8;
const RECORDS: u64 = 600;
const INDEX: &str = "ss4o_traces-killed-often";

fn crash_backend(endpoint: &str) -> String {
    format!(
        "{{name: os-crash, signals: [traces], opensearch: {{endpoint: '{endpoint}', index: 'ss4o_{{signal}}-killed-often'}}, \
         concurrency: 3, batch: {{items: 10, timeout: 1ms}}}}"
    )
}

/// The exporter that [`kills_make_no_duplicates`] kills: it runs only as its child.
#[test]
fn opensearch_crash_child() {
    let (Ok(dir), Ok(endpoint)) = (
        std::env::var("EXPORT_TEST_DIR"),
        std::env::var("EXPORT_TEST_OPENSEARCH"),
    ) else {
        return;
    };
    let bus = open_bus(Path::new(&dir));
    let _running = Running::start(&bus, &[crash_backend(&endpoint)]);
    loop {
        std::thread::park();
    }
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn kills_make_no_duplicates(node: &OpenSearch) {
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let records = (0..RECORDS).map(|record| spans(10 * record..10 * record + 10, 0));
    publish(&*bus, Signal::Traces, 0, records);
    drop(bus);
    node.done("PUT", &format!("/_data_stream/{INDEX}"), None);
    for kill in 1..=KILLS {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "opensearch::opensearch_crash_child",
                "--nocapture",
            ])
            .env("EXPORT_TEST_DIR", dir.path())
            .env(PREFIX_VARIABLE, prefix())
            .env("EXPORT_TEST_OPENSEARCH", node.endpoint())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = Killed(child.unwrap());
        // In the midst of its work.
        let enough = kill * 10 * RECORDS / (KILLS + 2);
        eventually("a part is there", || node.count(INDEX) >= enough);
        drop(child);
    }
    let bus = open_bus(dir.path());
    let running = Running::start(&bus, &[crash_backend(&node.endpoint())]);
    all_committed(&*bus, "os-crash", Signal::Traces);
    running.stop();
    assert_eq!(
        node.count(INDEX),
        10 * RECORDS,
        "none is lost, none is there twice"
    );
    let documents = node.documents(INDEX);
    let mut ids: Vec<_> = documents.iter().map(|span| &span["spanId"]).collect();
    ids.sort_unstable_by_key(|id| id.as_str());
    ids.dedup();
    assert_eq!(ids.len() as u64, 10 * RECORDS);
    let again = refused(node, INDEX);
    assert!(again > 0, "nothing was in flight when it was killed");
    println!("{again} documents were sent again");
}

/// How many documents the index didn't create: since none is bad, those that it had already.
fn refused(node: &OpenSearch, index: &str) -> u64 {
    let stats = node.done("GET", &format!("/{index}/_stats/indexing"), None);
    let failed = &stats["_all"]["primaries"]["indexing"]["index_failed"];
    failed.as_u64().expect("a count")
}

/// Elasticsearch's mapping, with templates as far as OpenSearch has their types.
fn documents_of_the_other_mapping(node: &OpenSearch) {
    let template = json!({
        "index_patterns": ["traces-*.otel-*", "logs-*.otel-*"],
        "data_stream": {},
        "template": {"mappings": {"dynamic": false, "properties": {
            "@timestamp": {"type": "date_nanos"}, "duration": {"type": "long"}, "trace_id": {"type": "keyword"},
            "data_stream": {"properties": {"type": {"type": "keyword"}, "dataset": {"type": "keyword"}, "namespace": {"type": "keyword"}}},
            "body": {"properties": {"text": {"type": "text"}, "structured": {"type": "flat_object"}}},
            "attributes": {"type": "flat_object"}
        }}}
    });
    node.done("PUT", "/_index_template/otel", Some(&template));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let span = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "startTimeUnixNano": "1705314600000000005",
        "endTimeUnixNano": "1705314600150000000", "events": [{"name": "a", "timeUnixNano": "1705314600000000006"}, {"name": "b"}]
    }]}]}]});
    publish(
        &*bus,
        Signal::Traces,
        0,
        [from_json(Signal::Traces, span.to_string().as_bytes())],
    );
    publish(&*bus, Signal::Logs, 0, [one_log("hello")]);
    let running = Running::start(
        &bus,
        &[format!(
            "{{name: os-otel, signals: [traces, logs], opensearch: {{endpoint: '{}', mapping: otel}}, {QUICK}}}",
            node.endpoint()
        )],
    );
    for signal in [Signal::Traces, Signal::Logs] {
        all_committed(&*bus, "os-otel", signal);
    }
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
    let spans = node.documents("traces-generic.otel-default");
    assert_eq!(
        (spans.len(), &spans[0]["duration"]),
        (1, &json!(149_999_995))
    );
    let mut events: Vec<_> = node.documents("logs-generic.otel-default");
    events.sort_by_key(|event| event["event_name"].to_string());
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event_name"].as_str())
        .collect();
    assert_eq!(names, [Some("a"), Some("b"), None]);
    assert_eq!(events[2]["body"]["text"], "hello");
}

/// What a node that is well doesn't answer: some documents have to wait. All are sent again, and those that were created are there already.
#[test]
fn busy_documents_are_sent_again() {
    let scripted = Backend::start(|received| {
        let documents = received.body.iter().filter(|byte| **byte == b'\n').count() / 2;
        let item = |index: usize| match (received.repeated, index) {
            (0, 1) => r#"{"create":{"status":429,"error":{"type":"rejected","reason":"full"}}}"#,
            (0, _) | (_, 1) => r#"{"create":{"status":201}}"#,
            _ => {
                r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"there"}}}"#
            }
        };
        let items: Vec<_> = (0..documents).map(item).collect();
        let body = format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","));
        Answer::Http(200, vec![], body.into())
    });
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, Signal::Traces, 0, [spans(0..3, 0)]);
    let endpoint = format!("http://{}", scripted.address);
    let running = Running::start(&bus, &[backend("os-busy", &endpoint, QUICK)]);
    all_committed(&*bus, "os-busy", Signal::Traces);
    running.stop();
    let received = scripted.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(received[0].path, "/ss4o_traces-default-namespace/_bulk");
    assert_eq!(received[0].header("content-type"), "application/x-ndjson");
    assert_eq!(received[0].header("content-encoding"), "gzip");
    assert_eq!(metric(export::names::RETRIES, "os-busy"), 1.0);
    assert_eq!(metric(export::names::DEDUPLICATED, "os-busy"), 2.0);
    assert_eq!(metric(export::names::DELIVERED, "os-busy"), 3.0);
    assert_eq!(dead_letters(&*bus).len(), 0);
}
