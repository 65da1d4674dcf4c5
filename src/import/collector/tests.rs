#![allow(clippy::unwrap_used)]
use super::super::verify::checked;
use super::*;

fn imported(text: &str) -> String {
    let from = runtime::config::read_foreign("collector.yaml", text).expect("it is YAML");
    import(&from, None).expect("it can be imported").document()
}

/// What comes out is a valid configuration and has these lines in it; returns it.
#[track_caller]
fn check(text: &str, expected: &[&str]) -> String {
    let ours = imported(text);
    if let Err(report) = checked(&ours) {
        panic!("{ours}\n{report}");
    }
    for line in expected {
        assert!(
            ours.lines().any(|found| found.trim() == *line),
            "no line `{line}` in\n{ours}"
        );
    }
    ours
}

/// Every policy of the Collector's own example, but for the type that only its extensions know.
#[test]
fn policies_are_taken_as_they_are() {
    let ours = check(
        r#"
tail_sampling:
  decision_wait: 10s
  num_traces: 100
  expected_new_traces_per_sec: 10
  decision_cache: {sampled_cache_size: 1000}
  sample_on_first_match: true
  policies:
    [
      {name: test-policy-1, type: always_sample},
      {name: test-policy-2, type: latency, latency: {threshold_ms: 5000}},
      {name: test-policy-3, type: numeric_attribute, numeric_attribute: {key: key1, min_value: 50, max_value: 100}},
      {name: test-policy-4, type: probabilistic, probabilistic: {hash_salt: "custom-salt", sampling_percentage: 0.1}},
      {name: test-policy-5, type: status_code, status_code: {status_codes: [ERROR, UNSET]}},
      {name: test-policy-6, type: string_attribute, string_attribute: {key: key2, values: [value1, value2]}},
      {name: test-policy-7, type: rate_limiting, rate_limiting: {spans_per_second: 35, burst_capacity: 70}},
      {name: test-policy-8, type: bytes_limiting, bytes_limiting: {bytes_per_second: 1024000}},
      {name: test-policy-9, type: span_count, span_count: {min_spans: 2}},
      {name: test-policy-10, type: trace_state, trace_state: {key: key3, values: [value1, value2]}},
      {name: test-policy-11, type: boolean_attribute, boolean_attribute: {key: key4, value: true}},
      {name: and-policy-1, type: and, and: {and_sub_policy: [
        {name: a, type: numeric_attribute, numeric_attribute: {key: key1, min_value: 50, max_value: 100}},
        {name: b, type: not, not: {not_sub_policy: {name: c, type: latency, latency: {threshold_ms: 1000}}}}]}},
      {name: drop-1, type: drop, drop: {drop_sub_policy: [{name: d, type: string_attribute, string_attribute: {key: url.path, values: ["/health.*"], enabled_regex_matching: true}}]}},
      {name: ours-alone, type: my_extension, my_extension: {a: 1}},
    ]
"#,
        &[
            "decision_wait: 10s",
            "sample_on_first_match: true",
            "- {name: test-policy-1, type: always_sample}",
            "- {name: test-policy-4, type: probabilistic, probabilistic: {hash_salt: custom-salt, sampling_percentage: 0.1}}",
            r#"# policy "ours-alone" is of type "my_extension", which has no equal here; as it was:"#,
        ],
    );
    assert!(ours.contains("# num_traces: not needed"), "{ours}");
    assert!(ours.contains("# decision_cache: "), "{ours}");
    assert!(!ours.contains("\n  num_traces"), "{ours}");
}

/// What the Collector takes in silence and we refuse becomes what it comes to.
#[test]
fn empty_thresholds_and_odd_percentages_are_made_plain() {
    check(
        "
processors:
  tail_sampling/b:
    maximum_trace_size_bytes: 0
    policies:
      - {name: all, type: latency, latency: {}}
      - {name: more, type: probabilistic, probabilistic: {sampling_percentage: 150}}
",
        &[
            "- {name: all, type: always_sample}",
            "- {name: more, type: probabilistic, probabilistic: {sampling_percentage: 100.0}}",
        ],
    );
}

#[test]
fn of_a_whole_configuration_all_that_is_used_is_translated() {
    let ours = check(
        r#"
receivers:
  otlp: {protocols: {grpc: {endpoint: "localhost:4317"}, http: {endpoint: "0.0.0.0:4318", cors: {}}}}
  zipkin:
  unused:
processors:
  batch:
  memory_limiter: {check_interval: 1s}
  redaction: {allow_all_keys: true, blocked_values: ['4[0-9]{12}(?:[0-9]{3})?'], summary: debug}
  attributes/pii: {actions: [{key: user.id, action: hash}, {key: cookie, action: delete}, {key: team, action: upsert, value: a}, {key: x, action: extract}]}
  tail_sampling: {decision_wait: 30s, policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]}
exporters:
  otlp/tempo: {endpoint: "tempo:4317", tls: {insecure: true}, headers: {x-scope-orgid: "${env:TENANT}"}, sending_queue: {queue_size: 5}, retry_on_failure: {initial_interval: 1s}}
  otlphttp: {endpoint: "https://otlp.example.com", compression: snappy}
  debug:
  kafka: {topic: spans}
  jaeger: {}
connectors:
  spanmetrics:
service:
  pipelines:
    traces: {receivers: [otlp, zipkin], processors: [memory_limiter, redaction, attributes/pii, tail_sampling, batch], exporters: [otlp/tempo, otlphttp, debug, kafka, jaeger]}
"#,
        &[
            "grpc: {listen: \"127.0.0.1:4317\"}",
            "http: {listen: \"0.0.0.0:4318\"}",
            "delete: [cookie]",
            "hash: {keys: [user.id], key: \"${env:TAILWATER_HASH_KEY}\"}",
            "- {name: debug, stdout: {}}",
            "# processor batch: not needed: ingest packs records by bytes and time, exporters have `batch`",
            "# exporter otlphttp: compression snappy became gzip",
            "# receiver otlp, http: `cors` has no equal here",
        ],
    );
    for said in [
        "receiver zipkin",
        "action extract on x",
        "exporter kafka",
        "exporter jaeger",
        "connector spanmetrics",
        "{endpoint: \"tempo:4317\"",
        "initial_interval: 1s",
    ] {
        assert!(ours.contains(said), "no `{said}` in\n{ours}");
    }
    assert!(!ours.contains("unused"), "{ours}");
}

#[test]
fn a_kafka_receiver_becomes_a_topic_to_partition_anew() {
    check(
        r#"
receivers:
  kafka: {brokers: ["k:9092"], group_id: g, traces: {topics: [spans], encoding: otlp_proto}}
processors:
  tail_sampling: {policies: [{name: all, type: always_sample}]}
"#,
        &[
            "kafka: {brokers: [\"k:9092\"]}",
            "kafka: {topic: spans, group: g}",
        ],
    );
}

#[test]
fn several_samplers_have_to_be_told_apart() {
    let from = serde_json::json!({"processors": {
        "tail_sampling": {"policies": []}, "tail_sampling/two": {"decision_wait": "7s", "policies": []}}});
    let refused = import(&from, None).unwrap_err();
    assert!(refused.contains("tail_sampling/two"), "{refused}");
    let two = import(&from, Some("two")).unwrap().document();
    assert!(two.contains("7s"), "{two}");
    assert!(import(&from, Some("three")).is_err());
    assert!(import(&serde_json::json!({"exporters": {}}), None).is_err());
}
