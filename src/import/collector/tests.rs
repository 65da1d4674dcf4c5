#![allow(clippy::unwrap_used)]
use super::super::verify::checked;
use super::super::yaml::Weight;
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
            r#"# not carried over: policy "ours-alone" is of type "my_extension", which has no equal here; as it was:"#,
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
            "- {attributes/pii: {actions: [{key: user.id, action: hash}, {key: cookie, action: delete}, {key: team, action: upsert, value: a}]}}",
            "redact: {hash: {key: \"${env:TAILWATER_HASH_KEY}\"}}",
            "pii: {detectors: {redaction_0: {pattern: \"4[0-9]{12}(?:[0-9]{3})?\"}}, skip_keys: []}",
            "- {name: debug, stdout: {}, signals: [traces]}",
            "# processor batch: not needed: ingest packs records by bytes and time, exporters have `batch`",
            "# exporter otlphttp: compression snappy became gzip",
            "# receiver otlp, http: `cors` has no equal here",
        ],
    );
    for said in [
        "receiver zipkin",
        "processor attributes/pii, `actions`: ",
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
            "kafka: {topics: [spans], group: g}",
        ],
    );
    check(
        r#"
receivers:
  kafka: {brokers: ["k:9092"], traces: {topics: [a, b], encoding: zipkin_json}, logs: {topics: [l], encoding: text}, metrics: {encoding: otlp_json}}
processors:
  tail_sampling: {policies: [{name: all, type: always_sample}]}
"#,
        &[
            "kafka: {sources: [{topics: [a, b], format: zipkin_json}, {topics: [otlp_metrics], signal: metrics, format: otlp_json}]}",
            "# not carried over: receiver kafka: logs in encoding text; Tailwater reads OTLP, and spans of Jaeger and Zipkin",
        ],
    );
}

/// Here names tell policies apart in metrics and decisions.
#[test]
fn policies_without_a_name_get_one() {
    check(
        "tail_sampling: {policies: [{type: always_sample}, {name: , type: not, not: {not_sub_policy: {type: trace_flags}}}]}\n",
        &[
            "- {name: \"always_sample 1\", type: always_sample}",
            "- {name: \"not 2\", type: not, not: {not_sub_policy: {name: \"trace_flags 1\", type: trace_flags}}}",
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

/// Two receivers' worth of a Collector; `pipelines` and `more` are put in.
fn collector(pipelines: &str, more: &str) -> String {
    format!(
        r#"
receivers:
  otlp: {{protocols: {{grpc: {{}}}}}}
  otlp/edge: {{protocols: {{http: {{endpoint: "0.0.0.0:4318"}}}}}}
  hostmetrics: {{}}
processors:
  batch:
  resource/team: {{attributes: [{{key: team, action: upsert, value: shop}}]}}
  resource/again: {{attributes: [{{key: team, action: upsert, value: shop}}]}}
  attributes/pii: {{actions: [{{key: user.mail, action: delete}}]}}
  tail_sampling: {{decision_wait: 1m30s, policies: [{{name: failed, type: status_code, status_code: {{status_codes: [ERROR]}}}}]}}
  tail_sampling/slow: {{policies: [{{name: slow, type: latency, latency: {{threshold_ms: 900}}}}]}}
exporters:
  otlp/near: {{endpoint: "near:4317"}}
  otlphttp/far: {{endpoint: "https://far.example"}}
  otlphttp/logs: {{logs_endpoint: "https://logs.example/in"}}
connectors:
  forward:
  spanmetrics: {{}}
{more}
service:
  pipelines:
{pipelines}
"#
    )
}

/// What is imported passes the check, has these lines, and says these things, no more of them lost.
#[track_caller]
fn check_pipelines(pipelines: &str, expected: &[&str], lost: &[&str]) {
    check_lost(&collector(pipelines, ""), expected, lost);
}

#[track_caller]
fn check_lost(text: &str, expected: &[&str], lost: &[&str]) {
    let from = runtime::config::read_foreign("collector.yaml", text).expect("it is YAML");
    let ours = import(&from, None).expect("it can be imported");
    check(text, expected);
    let said: Vec<String> = ours
        .remarks()
        .into_iter()
        .filter(|remark| remark.weight == Weight::Lost)
        .map(|remark| remark.text.clone())
        .collect();
    assert_eq!(said.len(), lost.len(), "{said:#?}");
    for (said, lost) in said.iter().zip(lost) {
        assert!(said.contains(lost), "`{said}` doesn't contain `{lost}`");
    }
}

/// Backends get the signals of the pipelines that their exporters are in.
#[test]
fn signals_follow_the_pipelines() {
    check_pipelines(
        "    traces: {receivers: [otlp], processors: [tail_sampling, batch], exporters: [otlp/near, otlphttp/far]}\n    logs: {receivers: [otlp], processors: [batch], exporters: [otlphttp/logs, otlphttp/far]}\n    metrics: {receivers: [otlp], exporters: [otlphttp/far]}",
        &[
            "- {name: otlp-near, otlp_grpc: {endpoint: \"near:4317\"}, signals: [traces]}",
            "- {name: otlphttp-far, otlp_http: {endpoint: \"https://far.example\"}, signals: [traces, logs, metrics]}",
            "- {name: otlphttp-logs, otlp_http: {logs_endpoint: \"https://logs.example/in\"}, signals: [logs]}",
            "decision_wait: \"1m 30s\"",
        ],
        &[],
    );
    // Without pipelines, the addresses say it.
    check_lost(
        "exporters: {otlphttp: {traces_endpoint: 'https://t.example/v1'}}\nprocessors: {tail_sampling: {policies: [{name: a, type: always_sample}]}}\n",
        &[
            "- {name: otlphttp, otlp_http: {traces_endpoint: \"https://t.example/v1\"}, signals: [traces]}",
        ],
        &[],
    );
}

#[test]
fn pipelines_that_differ_are_not_merged_in_silence() {
    let sampled = "    traces: {receivers: [otlp], processors: [attributes/pii, tail_sampling], exporters: [otlp/near]}\n";
    check_pipelines(
        &format!("{sampled}    traces/all: {{receivers: [otlp], exporters: [otlphttp/far]}}"),
        &[],
        &[
            "pipeline traces/all: not sampled there",
            "processor attributes/pii: it applies to traces only",
        ],
    );
    check_pipelines(
        &format!("{sampled}    logs: {{receivers: [otlp], exporters: [otlphttp/far]}}"),
        &["- {attributes/pii: {actions: [{key: user.mail, action: delete}]}}"],
        &[
            "processor attributes/pii: it applies to traces only; here to everything, so to logs too",
        ],
    );
    check_pipelines(
        &format!(
            "{sampled}    traces/edge: {{receivers: [otlp/edge], processors: [attributes/pii, tail_sampling], exporters: [otlphttp/far]}}"
        ),
        &[],
        &["fed by different receivers (traces from otlp; traces/edge from otlp/edge)"],
    );
    // What differs in name alone doesn't differ, nor do receivers that feed the same.
    check_pipelines(
        "    traces: {receivers: [otlp], processors: [resource/team, tail_sampling], exporters: [otlp/near]}\n    logs: {receivers: [otlp/edge], processors: [resource/again], exporters: [otlp/near]}",
        &["- {resource/team: {attributes: [{key: team, action: upsert, value: shop}]}}"],
        &[],
    );
    check_pipelines(
        "    traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp/near]}\n    metrics: {receivers: [hostmetrics], exporters: [otlp/near]}",
        &[],
        &["receiver hostmetrics"],
    );
}

/// A second sampler has to be chosen; the pipeline of the other is spoken of.
#[test]
fn a_pipeline_of_another_sampler_is_named() {
    let text = collector(
        "    traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp/near]}\n    traces/slow: {receivers: [otlp], processors: [tail_sampling/slow], exporters: [otlphttp/far]}",
        "",
    );
    let from = runtime::config::read_foreign("collector.yaml", &text).expect("it is YAML");
    assert!(
        import(&from, None)
            .unwrap_err()
            .contains("tail_sampling/slow")
    );
    let ours = import(&from, Some("slow")).unwrap();
    let text = ours.document();
    assert!(
        text.contains(
            "pipeline traces: sampled by tail_sampling there, here by tail_sampling/slow"
        ),
        "{text}"
    );
    assert!(text.contains("threshold_ms: 900"), "{text}");
}

#[test]
fn connectors_join_pipelines_or_are_lost() {
    check_pipelines(
        "    traces/in: {receivers: [otlp], processors: [attributes/pii], exporters: [forward]}\n    traces/out: {receivers: [forward], processors: [tail_sampling], exporters: [otlp/near]}",
        &[
            "# connector forward: not needed, there is one pipeline",
            "- {attributes/pii: {actions: [{key: user.mail, action: delete}]}}",
        ],
        &[],
    );
    check_pipelines(
        "    traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp/near, spanmetrics]}\n    metrics/spans: {receivers: [spanmetrics], exporters: [otlphttp/far]}",
        &[],
        &[
            "pipeline metrics/spans: fed by spanmetrics alone",
            "connector spanmetrics: not translated",
        ],
    );
}

/// Without a sampler all is kept; what nobody uses is left alone.
#[test]
fn a_file_without_a_sampler() {
    check_pipelines(
        "    traces: {receivers: [otlp], exporters: [otlp/near]}",
        &[
            "# no pipeline samples: every trace is kept",
            "- {name: all, type: always_sample}",
        ],
        &[],
    );
}

/// A part of a configuration, such as the values of a chart, is translated as far as it goes.
#[test]
fn parts_of_configurations() {
    check_lost(
        "processors: {tail_sampling: {policies: [{name: a, type: always_sample}]}}\nexporters: {otlp: {endpoint: 'a:4317'}}\nservice: {pipelines: {traces: {exporters: [otlp]}}}\n",
        &[
            "# no pipeline has receivers: all that stands in the file is translated",
            "- {name: otlp, otlp_grpc: {endpoint: \"a:4317\"}}",
        ],
        &[],
    );
    check_lost(
        "exporters: {otlp: {endpoint: 'a:4317'}}\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [otlp, zipkin]}}}\n",
        &["- {name: otlp, otlp_grpc: {endpoint: \"a:4317\"}, signals: [traces]}"],
        &[
            "pipeline traces: otlp does not stand under `receivers`",
            "zipkin does not stand under `exporters`",
        ],
    );
}

/// In the order of the pipelines, each text that we can do.
#[test]
fn transformations_and_filters_become_steps() {
    check_lost(
        r#"
receivers: {otlp: {protocols: {grpc: }}}
processors:
  filter/logs: {error_mode: ignore, logs: {log_record: ['severity_number < SEVERITY_NUMBER_INFO']}}
  filter/spans: {trace_conditions: ['span.name == "ping"']}
  transform:
    error_mode: propagate
    trace_statements:
      - context: span
        statements: ['replace_pattern(name, "/([0-9]+)", "/{$$1}")']
      - 'set(span.attributes["id"], UUID())'
    metric_statements: ['set(metric.name, "x")']
  tail_sampling: {policies: [{name: all, type: always_sample}]}
exporters: {otlp: {endpoint: 'a:4317'}}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [tail_sampling, transform, filter/spans], exporters: [otlp]}
    logs: {receivers: [otlp], processors: [filter/logs], exporters: [otlp]}
"#,
        &[
            "- {filter/spans: {trace_conditions: [\"span.name == \\\"ping\\\"\"]}}",
            "- {filter/logs: {error_mode: ignore, logs: {log_record: [\"severity_number < SEVERITY_NUMBER_INFO\"]}}}",
            "# processor transform: `metric_statements` is in no pipeline of that signal there",
            "# changed: processor transform: a failure lost the whole payload there; here the item alone goes to the dead letters",
        ],
        &["processor transform, `trace_statements`: column 28: `UUID` is not available"],
    );
}

/// Tables in files; places by address are one, too.
#[test]
fn tables_become_steps() {
    check_lost(
        r#"
receivers: {otlp: {protocols: {grpc: }}}
processors:
  lookup/users:
    source: {type: csv, path: /etc/users.csv, key_column: id, value_column: name, reload_interval: 5m}
    lookups:
      - {key: 'log.attributes["user.id"]', attributes: [{destination: user.name, default: nobody}]}
      - {key: 'log.attributes[', attributes: [{destination: x}]}
  lookup/dns: {source: {type: dns}, lookups: [{key: 'log.attributes["ip"]', attributes: [{destination: host}]}]}
  geoip: {context: record, providers: {maxmind: {database_path: /etc/city.mmdb}}}
exporters: {otlp: {endpoint: 'a:4317'}}
service: {pipelines: {logs: {receivers: [otlp], processors: [lookup/users, lookup/dns, geoip], exporters: [otlp]}}}
"#,
        &[
            "source: {type: csv, path: /etc/users.csv, key: id, refresh: 5m}",
            "lookups: [{key: \"log.attributes[\\\"user.id\\\"]\", attributes: [{destination: user.name, default: nobody, source: name}]}]",
            "- lookup/geoip:",
            "source: {type: mmdb, path: /etc/city.mmdb}",
            "- key: \"attributes[\\\"source.address\\\"]\"",
            "- {source: city.names.en, destination: geo.city_name, context: record}",
            "- {source: location.longitude, destination: geo.location.lon, context: record}",
        ],
        &[
            "processor lookup/users, `lookups`: lookups[0].key: column 16",
            "processor lookup/dns: the source dns has no equal",
        ],
    );
}

/// Its tables are ours, and go by attributes.
#[test]
fn a_schema_becomes_a_step() {
    check_lost(
        "receivers: {otlp: {protocols: {grpc: }}}\nprocessors:\n  schema: {prefetch: ['https://opentelemetry.io/schemas/1.26.0'], targets: ['https://opentelemetry.io/schemas/1.26.0', 'https://shop/1.0.0']}\n  tail_sampling: {policies: [{name: all, type: always_sample}]}\nexporters: {otlp: {endpoint: 'a:4317'}}\nservice: {pipelines: {traces: {receivers: [otlp], processors: [tail_sampling, schema], exporters: [otlp]}}}\n",
        &[
            "- {schema: {target: \"1.41.0\"}}",
            "# changed: processor schema: it goes by `schema_url` there, to the versions in `targets`; here by the attributes of spans, log records and resources, to 1.41.0",
        ],
        &["processor schema: Tailwater has tables of OpenTelemetry's conventions only"],
    );
}

/// Policies see spans as they came.
#[test]
fn what_policies_ask_for_is_not_changed_before() {
    check_lost(
        "receivers: {otlp: {protocols: {grpc: }}}\nprocessors:\n  attributes: {actions: [{key: tier, action: upsert, value: gold}]}\n  tail_sampling: {policies: [{name: gold, type: string_attribute, string_attribute: {key: tier, values: [gold]}}]}\nexporters: {otlp: {endpoint: 'a:4317'}}\nservice: {pipelines: {traces: {receivers: [otlp], processors: [attributes, tail_sampling], exporters: [otlp]}}}\n",
        &["- {attributes: {actions: [{key: tier, action: upsert, value: gold}]}}"],
        &["processor attributes: it changes tier before policies ask for it"],
    );
}

/// References to the environment, anchors, and ports of receivers.
#[test]
fn references_and_anchors_are_carried_over() {
    check_lost(
        r#"
x-tls: &tls {insecure: true}
receivers:
  otlp: {protocols: {grpc: {endpoint: "${MY_POD_IP}:4317"}, http: {endpoint: "localhost:${PORT:-4318}"}}}
processors:
  tail_sampling:
    decision_wait: ${env:WAIT}
    policies:
      - {name: some, type: probabilistic, probabilistic: {sampling_percentage: "${env:PERCENT}"}}
      - {name: slow, type: latency, latency: {threshold_ms: "${SLOW_MS}"}}
exporters:
  otlp/a: &a {endpoint: "$BACKEND", headers: {authorization: "Bearer ${TOKEN}", cost: "5$$"}, tls: *tls}
  otlp/b: *a
service: {pipelines: {traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp/a, otlp/b]}}}
"#,
        &[
            "# x-tls: no equal here",
            "grpc: {listen: \"${env:MY_POD_IP}:4317\"}",
            "http: {listen: \"127.0.0.1:${env:PORT:-4318}\"}",
            "# changed: $BACKEND was taken for the environment variable BACKEND; write $$BACKEND if it is text",
        ],
        &[],
    );
}

/// Each key of what a pipeline uses is carried over, or named in a remark.
#[test]
fn every_key_has_its_equal_or_a_remark() {
    let odd = r#"
odd1: 1
receivers:
  otlp: {odd2: 1, protocols: {grpc: {odd3: 1, tls: {}, auth: {}, max_recv_msg_size_mib: 4}, http: {odd4: 1}, thrift: {}}}
  kafka: {brokers: [b], odd5: 1, traces: {topics: [t], odd6: 1}, logs: {topics: [l]}}
processors:
  batch: {timeout: 1s}
  redaction: {odd7: 1, allow_all_keys: true, allowed_keys: [k], ignored_keys: [i], summary: info, hash_function: md5, blocked_key_patterns: [p]}
  attributes: {odd8: 1, include: {}, actions: [{key: a1, action: extract}, {key: a2, action: upsert, from_context: a3}, {action: delete}]}
  tail_sampling:
    odd9: 1
    num_traces: 1
    decision_cache: {sampled_cache_size: 1}
    policies: [{name: p, type: always_sample, odd10: 1}, {name: q, type: odd11}]
exporters:
  otlp: {endpoint: "a:1", odd12: 1, sending_queue: {}, auth: {}, tls: {odd13: 1}, retry_on_failure: {enabled: false, odd14: 1, max_elapsed_time: 2m30s}}
  otlphttp: {endpoint: "https://a", odd15: 1, compression: lz4}
  file: {path: f, odd16: 1, format: proto, rotation: {max_days: 1, max_megabytes: 7}}
  debug: {verbosity: detailed}
  odd17: {}
extensions: {odd18: {}}
connectors: {count: {}}
service:
  telemetry: {}
  odd19: 1
  pipelines:
    traces: {receivers: [otlp, kafka], processors: [batch, redaction, attributes, tail_sampling], exporters: [otlp, otlphttp, file, debug, odd17, count]}
    profiles: {receivers: [otlp], exporters: [debug]}
"#;
    let from = runtime::config::read_foreign("collector.yaml", odd).expect("it is YAML");
    let ours = import(&from, None).expect("it can be imported");
    let said: Vec<String> = ours.remarks().iter().map(ToString::to_string).collect();
    let keys = (1..=19).map(|number| format!("odd{number}"));
    let keys = keys.chain(
        "tls auth max_recv_msg_size_mib thrift batch allowed_keys ignored_keys summary hash_function blocked_key_patterns include a1 a2 num_traces decision_cache sending_queue enabled lz4 format max_days verbosity count telemetry profiles"
            .split(' ')
            .map(str::to_owned),
    );
    for key in keys {
        let about = |remark: &&String| {
            remark
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .any(|word| word == key)
        };
        assert!(
            said.iter().any(|remark| about(&remark)),
            "nothing about {key} in {said:#?}"
        );
    }
    let text = ours.document();
    for carried in ["max_elapsed_time: \"2m 30s\"", "bytes: 7MiB"] {
        assert!(text.contains(carried), "no `{carried}` in {text}");
    }
}

/// A `redaction` processor in pipelines of traces and logs.
fn redaction(section: &str) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{grpc: }}}}}}\nprocessors:\n  redaction/pii: {section}\n  tail_sampling: {{policies: [{{name: all, type: always_sample}}]}}\nexporters: {{debug: }}\n\
         service: {{pipelines: {{traces: {{receivers: [otlp], processors: [tail_sampling, redaction/pii], exporters: [debug]}}, logs: {{receivers: [otlp], processors: [redaction/pii], exporters: [debug]}}, metrics: {{receivers: [otlp], processors: [redaction/pii], exporters: [debug]}}}}}}\n"
    )
}

/// Lists of keys, patterns and hashes are carried over; what has no equal is said, and nothing that was hidden is shown without a word.
#[test]
fn redaction_becomes_detectors_and_lists_of_keys() {
    check_lost(
        &redaction(
            "{allowed_keys: [id, notes], ignored_keys: [safe], ignored_key_patterns: ['^app\\.', '_trusted$'], blocked_values: ['4[0-9]{12}', '(?=x)y'], hash_function: hmac-sha256, hmac_key: \"${env:SECRET}\"}",
        ),
        &[
            "keys: [{id: k1, key: \"${env:SECRET}\"}]",
            "detectors: {redaction_pii_0: {pattern: \"4[0-9]{12}\", action: hash}}",
            "allow_keys: [id, notes, safe, \"app.*\"]",
            "skip_keys: [safe, \"app.*\"]",
        ],
        &[
            "`blocked_values`: ",
            "`ignored_key_patterns`: \"_trusted$\"",
        ],
    );
    check_lost(
        &redaction(
            "{allow_all_keys: true, blocked_key_patterns: ['.*token.*'], allowed_values: ['.+@mycompany.com'], redact_all_types: true, url_sanitizer: {enabled: true, attributes: [http.url]}, db_sanitizer: {sql: {enabled: true}, redis: {enabled: false}}, summary: debug}",
        ),
        &[
            "# changed: processor redaction/pii: `redact_all_types`: here numbers are looked at under keys that say what they are, such as `card` or `phone`, and booleans never",
            "# processor redaction/pii: `summary`: no attribute says what was redacted; `tailwater_enrich_pii_total` counts it by detector",
        ],
        &["`allowed_values`", "`url_sanitizer`", "`db_sanitizer`"],
    );
    let ours = check(
        &redaction(
            "{allow_all_keys: true, blocked_key_patterns: ['.*token.*'], hash_function: md5}",
        ),
        &[],
    );
    for statement in [
        r#"delete_matching_keys(span.attributes, \".*token.*\")"#,
        r#"delete_matching_keys(spanevent.attributes, \".*token.*\")"#,
        r#"delete_matching_keys(log.body, \".*token.*\") where IsMap(log.body)"#,
        r#"delete_matching_keys(datapoint.attributes, \".*token.*\")"#,
    ] {
        assert!(ours.contains(statement), "no {statement} in\n{ours}");
    }
    // It fails closed, and so does what it becomes.
    check_lost(
        &redaction("{}"),
        &["pii: {allow_keys: [service.name], skip_keys: []}"],
        &[],
    );
    check_lost(
        &redaction(
            "{allow_all_keys: true, blocked_values: [a1], url_sanitizer: {enabled: false}, hash_function: sha1}",
        ),
        &[
            "pii: {keys: [{id: k1, key: \"${env:TAILWATER_HASH_KEY}\"}], detectors: {redaction_pii_0: {pattern: a1, action: hash}}, skip_keys: []}",
        ],
        &[],
    );
}

/// What becomes of a configuration of which little is left passes the check, too.
#[test]
fn sections_with_remarks_alone_are_left_out() {
    check_lost(
        "receivers: {jaeger: {}}\nprocessors: {batch: , tail_sampling: {policies: [{name: a, type: their_own}]}}\nexporters: {zipkin: {}}\nservice: {pipelines: {traces: {receivers: [jaeger], processors: [batch, tail_sampling], exporters: [zipkin]}}}\n",
        &["- {name: all, type: always_sample}"],
        &[
            "receiver jaeger",
            "policy \"a\"",
            "exporter zipkin",
            "no exporter became a backend",
        ],
    );
    check_lost(
        "processors: {tail_sampling: {policies: [{name: a, type: always_sample}]}}\nexporters: {otlphttp: {endpoint: 'https://a.example', tls: {insecure: true}}}\n",
        &["# exporter otlphttp: `tls.insecure` was left out, an https:// address is encrypted"],
        &[],
    );
}
