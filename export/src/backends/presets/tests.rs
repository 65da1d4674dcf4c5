//! What presets stand for, and what is said of their sections.
#![allow(clippy::unwrap_used)]

use runtime::config::Problems;
use schemas::Signal;
use serde_json::{Value, json};

use crate::backends::table::Kind;
use crate::config::tests::{check_problem, check_warning, valid};

/// A preset with these keys, for all signals that it takes, stands for `key` with what `expected` says. Other keys have the defaults of `key`.
#[track_caller]
fn check(written: &str, key: &str, expected: Value) {
    let yaml = format!("backends: [{{name: a, {written}}}]");
    let config = valid(&yaml);
    let backend = crate::config::tests::written(&yaml);
    let (_, expansion) = backend.expansion(&config.backends[0].signals).unwrap();
    assert_eq!(expansion.key, key);
    // What it stands for is read back, with the defaults of its kind.
    let raw = json!({"backends": [{"name": "a", key: expected}]});
    let raw: crate::config::RawConfig = serde_json::from_value(raw).unwrap();
    let raw = serde_json::to_value(&raw.backends[0]).unwrap();
    assert_eq!(expansion.section, raw[key], "{written}");
    // And it is valid as that.
    let mut problems = Problems::new();
    let signals = config.backends[0].signals.clone();
    let signals: Vec<_> = signals.iter().map(|signal| signal.name()).collect();
    let again = json!({"backends": [{"name": "a", "signals": signals, key: expansion.section}]});
    let again: crate::config::RawConfig = serde_json::from_value(again).unwrap();
    again.validate("export", &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn vendors() {
    check(
        "datadog: {site: us5.datadoghq.com, api_key: k}",
        "otlp_http",
        json!({
            "endpoint": "https://otlp.us5.datadoghq.com",
            "headers": {"dd-api-key": "k", "compute_stats": "true"},
        }),
    );
    check(
        "datadog: {api_key: k, compute_stats: false, timeout: 5s, compression: zstd}",
        "otlp_http",
        json!({
            "endpoint": "https://otlp.datadoghq.com",
            "headers": {"dd-api-key": "k"},
            "compression": "zstd",
            "timeout": "5s",
        }),
    );
    check(
        "honeycomb: {api_key: k, dataset: m, region: eu}",
        "otlp_grpc",
        json!({
            "endpoint": "https://api.eu1.honeycomb.io:443",
            "headers": {"x-honeycomb-team": "k", "x-honeycomb-dataset": "m"},
        }),
    );
    check(
        "grafana_cloud: {zone: prod-eu-west-2, instance_id: 123, token: abc}",
        "otlp_http",
        json!({
            "endpoint": "https://otlp-gateway-prod-eu-west-2.grafana.net/otlp",
            "headers": {"authorization": "Basic MTIzOmFiYw=="},
        }),
    );
    check(
        "newrelic: {api_key: k, region: gov}",
        "otlp_http",
        json!({
            "endpoint": "https://gov-otlp.nr-data.net",
            "headers": {"api-key": "k"},
            "compression": "zstd",
        }),
    );
    check(
        "dynatrace: {environment: abc12345, token: t}",
        "otlp_http",
        json!({
            "endpoint": "https://abc12345.live.dynatrace.com/api/v2/otlp",
            "headers": {"authorization": "Api-Token t"},
        }),
    );
    check(
        "dynatrace: {endpoint: 'https://gate:9999/e/abc', token: t}",
        "otlp_http",
        json!({
            "endpoint": "https://gate:9999/e/abc/api/v2/otlp",
            "headers": {"authorization": "Api-Token t"},
        }),
    );
    check(
        "splunk_o11y: {realm: us1, token: t}",
        "otlp_http",
        json!({
            "endpoint": "https://ingest.us1.signalfx.com",
            "traces_endpoint": "https://ingest.us1.signalfx.com/v2/trace/otlp",
            "metrics_endpoint": "https://ingest.us1.signalfx.com/v2/datapoint/otlp",
            "headers": {"x-sf-token": "t"},
        }),
    );
    check(
        "elastic_cloud: {endpoint: 'https://p.ingest.elastic.cloud:443', api_key: k}",
        "otlp_http",
        json!({
            "endpoint": "https://p.ingest.elastic.cloud:443",
            "headers": {"authorization": "ApiKey k"},
        }),
    );
    check(
        "coralogix: {domain: eu2.coralogix.com, api_key: k, application: shop, subsystem: cart}",
        "otlp_grpc",
        json!({
            "endpoint": "https://ingress.eu2.coralogix.com:443",
            "headers": {
                "authorization": "Bearer k",
                "cx-application-name": "shop",
                "cx-subsystem-name": "cart",
            },
        }),
    );
    check(
        "chronosphere: {company: acme, token: t}",
        "otlp_grpc",
        json!({
            "endpoint": "https://acme.chronosphere.io:443",
            "headers": {"api-token": "t"},
            "compression": "zstd",
        }),
    );
}

#[test]
fn clouds() {
    check(
        "aws: {region: eu-west-1, log_group: g, log_stream: s, token: t}",
        "otlp_http",
        json!({
            "traces_endpoint": "https://xray.eu-west-1.amazonaws.com/v1/traces",
            "logs_endpoint": "https://logs.eu-west-1.amazonaws.com/v1/logs",
            "metrics_endpoint": "https://monitoring.eu-west-1.amazonaws.com/v1/metrics",
            "headers": {
                "authorization": "Bearer t",
                "x-aws-log-group": "g",
                "x-aws-log-stream": "s",
            },
        }),
    );
    check(
        "aws: {region: eu-west-1, log_group: g, log_stream: s, role: 'arn:aws:iam::1:role/r'}",
        "otlp_http",
        json!({
            "traces_endpoint": "https://xray.eu-west-1.amazonaws.com/v1/traces",
            "logs_endpoint": "https://logs.eu-west-1.amazonaws.com/v1/logs",
            "metrics_endpoint": "https://monitoring.eu-west-1.amazonaws.com/v1/metrics",
            "auth": {"aws": {"region": "eu-west-1", "role": "arn:aws:iam::1:role/r"}},
            "headers": {"x-aws-log-group": "g", "x-aws-log-stream": "s"},
        }),
    );
    check(
        "signals: [traces], aws: {endpoint: 'http://signs:8080'}",
        "otlp_http",
        json!({"endpoint": "http://signs:8080"}),
    );
    check(
        "gcp: {project: p, token: t}",
        "otlp_http",
        json!({
            "endpoint": "https://telemetry.googleapis.com",
            "headers": {"authorization": "Bearer t", "x-goog-user-project": "p"},
        }),
    );
    check(
        "gcp: {project: p}",
        "otlp_http",
        json!({
            "endpoint": "https://telemetry.googleapis.com",
            "auth": {"gcp": {}},
            "headers": {"x-goog-user-project": "p"},
        }),
    );
    check(
        "gcp: {headers: {Authorization: mine}}",
        "otlp_http",
        json!({
            "endpoint": "https://telemetry.googleapis.com",
            "headers": {"Authorization": "mine"},
        }),
    );
    check(
        "signals: [traces], azure: {endpoint: 'https://d', rule: r, auth: {azure: {client_id: c}}}",
        "otlp_http",
        json!({
            "traces_endpoint": "https://d/datacollectionRules/r/streams/Microsoft-OTLP-Traces/otlp/v1/traces",
            "auth": {"azure": {"client_id": "c"}},
        }),
    );
    check(
        "signals: [traces], azure: {endpoint: 'https://d', rule: r}",
        "otlp_http",
        json!({
            "traces_endpoint": "https://d/datacollectionRules/r/streams/Microsoft-OTLP-Traces/otlp/v1/traces",
            "auth": {"azure": {}},
        }),
    );
    let (logs, metrics) = (
        "https://d.weu-1.ingest.monitor.azure.com",
        "https://d.weu-1.metrics.ingest.monitor.azure.com",
    );
    let rule = "datacollectionRules/dcr-1/streams";
    check(
        &format!(
            "azure: {{endpoint: '{logs}', metrics_ingestion: '{metrics}/', rule: dcr-1, token: t}}"
        ),
        "otlp_http",
        json!({
            "traces_endpoint": format!("{logs}/{rule}/Microsoft-OTLP-Traces/otlp/v1/traces"),
            "logs_endpoint": format!("{logs}/{rule}/Microsoft-OTLP-Logs/otlp/v1/logs"),
            "metrics_endpoint": format!("{metrics}/{rule}/Custom-Metrics-Otel/otlp/v1/metrics"),
            "headers": {"authorization": "Bearer t"},
        }),
    );
}

#[test]
fn products_of_ones_own() {
    check(
        "tempo: {endpoint: 'http://tempo:4317', tenant: '{tenant}'}",
        "otlp_grpc",
        json!({"endpoint": "http://tempo:4317", "headers": {"x-scope-orgid": "{tenant}"}}),
    );
    check(
        "loki: {endpoint: 'http://loki:3100', tenant: a}",
        "otlp_http",
        json!({"endpoint": "http://loki:3100/otlp", "headers": {"x-scope-orgid": "a"}}),
    );
    check(
        "mimir: {endpoint: 'http://mimir:8080/otlp'}",
        "otlp_http",
        json!({"endpoint": "http://mimir:8080/otlp"}),
    );
    check(
        "prometheus_otlp: {endpoint: 'http://prom:9090/', tls: {ca_file: Cargo.toml}}",
        "otlp_http",
        json!({"endpoint": "http://prom:9090/api/v1/otlp", "tls": {"ca_file": "Cargo.toml"}}),
    );
    check(
        "jaeger: {endpoint: 'jaeger:4317', tls: {insecure: true}}",
        "otlp_grpc",
        json!({"endpoint": "jaeger:4317", "tls": {"insecure": true}}),
    );
    check(
        "signoz: {region: eu, ingestion_key: k}",
        "otlp_grpc",
        json!({
            "endpoint": "https://ingest.eu.signoz.cloud:443",
            "headers": {"signoz-ingestion-key": "k"},
        }),
    );
    check(
        "signoz: {endpoint: 'http://signoz:4317'}",
        "otlp_grpc",
        json!({"endpoint": "http://signoz:4317"}),
    );
    check(
        "victoria: {metrics: 'http://vm:8428', logs: 'http://vl:9428/', traces: 'http://vt:10428'}",
        "otlp_http",
        json!({
            "metrics_endpoint": "http://vm:8428/opentelemetry/v1/metrics",
            "logs_endpoint": "http://vl:9428/insert/opentelemetry/v1/logs",
            "traces_endpoint": "http://vt:10428/insert/opentelemetry/v1/traces",
        }),
    );
    check(
        "signals: [metrics], victoria: {metrics_endpoint: 'http://vminsert:8480/insert/7/opentelemetry/v1/metrics'}",
        "otlp_http",
        json!({"metrics_endpoint": "http://vminsert:8480/insert/7/opentelemetry/v1/metrics"}),
    );
}

#[test]
fn what_is_written_wins() {
    check(
        "newrelic: {endpoint: 'https://proxy', compression: none, headers: {Api-Key: mine, x-more: y}}",
        "otlp_http",
        json!({
            "endpoint": "https://proxy",
            "compression": "none",
            "headers": {"Api-Key": "mine", "x-more": "y"},
        }),
    );
    check(
        "datadog: {api_key: k, compute_stats: false, traces_endpoint: 'https://t/x'}",
        "otlp_http",
        json!({
            "endpoint": "https://otlp.datadoghq.com",
            "traces_endpoint": "https://t/x",
            "headers": {"dd-api-key": "k"},
        }),
    );
}

#[test]
fn a_preset_takes_what_its_product_takes() {
    let signals = |preset: &str| {
        let config = valid(&format!("backends: [{{name: a, {preset}}}]"));
        config.backends[0].signals.clone()
    };
    assert_eq!(signals("tempo: {endpoint: 'http://h'}"), [Signal::Traces]);
    assert_eq!(signals("loki: {endpoint: 'http://h'}"), [Signal::Logs]);
    assert_eq!(signals("mimir: {endpoint: 'http://h'}"), [Signal::Metrics]);
    assert_eq!(signals("honeycomb: {api_key: k}"), Signal::ALL);
    check_problem(
        "signals: [traces, logs], loki: {endpoint: 'http://h'}",
        "export.backends[0].signals: this kind takes logs only, no traces",
    );
}

#[test]
fn limits_of_a_request_are_the_products_and_yield_to_the_written() {
    let limits = |backend: &str| {
        let config = valid(&format!("backends: [{{name: a, {backend}}}]"));
        Signal::ALL.map(|signal| {
            let batch = config.backends[0].batch(signal);
            (batch.bytes, batch.items)
        })
    };
    let (usual, any) = (4 << 20, usize::MAX);
    assert_eq!(limits("newrelic: {api_key: k}"), [(900_000, any); 3]);
    assert_eq!(
        limits("gcp: {token: t}, signals: [traces, metrics]"),
        [(usual, any), (usual, any), (usual, 200)]
    );
    assert_eq!(
        limits("aws: {region: r, token: t, log_group: g, log_stream: s}"),
        [(usual, 10_000), (900_000, 10_000), (900_000, any)]
    );
    assert_eq!(
        limits("dynatrace: {environment: e, token: t}"),
        [(usual, any), (1_900_000, any), (3_800_000, any)]
    );
    assert_eq!(
        limits("gcp: {token: t}, batch: {items: 7}"),
        [(usual, 7); 3]
    );
}

#[test]
fn problems_carry_their_path() {
    let b = "export.backends[0]";
    check_problem(
        "datadog: {site: 'a b', api_key: k}",
        &format!("{b}.datadog.site: `a b` can't be a part of a host name"),
    );
    check_problem("datadog: {}", &format!("{b}.datadog.api_key: is needed"));
    check_problem(
        "datadog: {api_key: \"a\\nb\"}",
        &format!("{b}.datadog.api_key: holds characters"),
    );
    check_problem(
        "datadog: {api_key: k, endpoint: 'ftp://h'}",
        &format!("{b}.datadog.endpoint: `ftp://h` is neither"),
    );
    check_problem(
        "datadog: {api_key: k, tls: {insecure: true}}",
        &format!("{b}.datadog.tls.insecure: contradicts"),
    );
    check_problem(
        "loki: {}",
        &format!("{b}.loki.endpoint: an address is needed"),
    );
    check_problem(
        "grafana_cloud: {zone: z, token: t}",
        &format!("{b}.grafana_cloud.instance_id: is needed"),
    );
    check_problem(
        "grafana_cloud: {token: t, instance_id: 1}",
        &format!("{b}.grafana_cloud.zone: is needed, such as prod-eu-west-2"),
    );
    check_problem(
        "victoria: {endpoint: 'http://h', logs: 'http://'}",
        &format!("{b}.victoria.logs_endpoint: "),
    );
    check_problem(
        "victoria: {metrics: 'http://h', traces: 'http://h'}",
        &format!("{b}.victoria.logs: is needed: the address for logs"),
    );
    check_problem(
        "aws: {endpoint: 'http://signs', role: 'arn:aws:iam::1:role/r'}, signals: [traces]",
        &format!("{b}.aws.role: is not used"),
    );
    check_problem(
        "aws: {region: r, token: t, log_group: g}",
        &format!("{b}.aws.log_stream: is needed for logs"),
    );
    check_problem(
        "azure: {endpoint: 'http://h', metrics_ingestion: 'http://h', token: t}",
        &format!("{b}.azure.rule: is needed"),
    );
    check_problem(
        "gcp: {token: t, auth: {gcp: {}}}",
        &format!("{b}.gcp.auth: sets the header `authorization`"),
    );
    check_problem(
        "otlp_grpc: {endpoint: 'https://xray.eu-west-1.amazonaws.com', auth: {aws: {}}}",
        &format!("{b}.otlp_grpc.auth.aws: can't sign"),
    );
    check_problem(
        "otlp_http: {endpoint: 'https://h', auth: {aws: {region: eu-west-1}}}",
        &format!("{b}.otlp_http.auth.aws.service: is needed"),
    );
    check_problem(
        "aws: {region: eu-west-1, traces_endpoint: 'https://h'}, signals: [traces]",
        &format!("{b}.aws.auth.aws.service: is needed"),
    );
    check_warning(
        "otlp_http: {endpoint: 'http://h', auth: {gcp: {}}}",
        Some(("otlp_http.auth", "over plain http")),
    );
    check_problem(
        "chronosphere: {token: t}",
        &format!("{b}.chronosphere.company: is needed"),
    );
}

#[test]
fn what_takes_delta_alone_gets_delta() {
    use crate::temporality::Direction;
    let direction = |backend: &str| {
        let config = valid(&format!("backends: [{{name: a, {backend}}}]"));
        config.backends[0]
            .temporality
            .map(|limits| limits.direction)
    };
    let delta = Some(Direction::ToDelta);
    assert_eq!(direction("datadog: {api_key: k}"), delta);
    assert_eq!(direction("datadog: {api_key: k}, signals: [logs]"), None);
    assert_eq!(
        direction("datadog: {api_key: k}, metrics: {temporality: as_is}"),
        None
    );
    assert_eq!(direction("dynatrace: {environment: e, token: t}"), delta);
    assert_eq!(direction("honeycomb: {api_key: k}"), None);
    let cumulative = "otlp_http: {endpoint: 'http://h'}, metrics: {temporality: cumulative}";
    assert_eq!(direction(cumulative), Some(Direction::ToCumulative));
    check_warning("datadog: {api_key: k}", None);
    let at = "export.backends[0].metrics";
    let http = "otlp_http: {endpoint: 'http://h'}";
    check_problem(
        &format!("{http}, metrics: {{max_streams: 0}}"),
        &format!("{at}.max_streams: 0 is not"),
    );
    check_problem(
        &format!("{http}, metrics: {{max_stale: 0s}}"),
        &format!("{at}.max_stale: is not"),
    );
    check_problem(
        &format!("{http}, signals: [logs], metrics: {{temporality: delta}}"),
        &format!("{at}.temporality: the backend gets no metrics"),
    );
    check_problem(
        "clickhouse: {endpoint: 'http://h'}, metrics: {temporality: delta}",
        &format!("{at}.temporality: depends on what came before"),
    );
}

#[test]
fn a_tenant_makes_batches_of_one_tenant() {
    let kind = |preset: &str| {
        let config = valid(&format!("backends: [{{name: a, {preset}}}]"));
        config.backends[0].kind.by_tenant()
    };
    assert!(kind("tempo: {endpoint: 'http://h', tenant: '{tenant}'}"));
    assert!(kind(
        "datadog: {api_key: k, headers: {x-tenant: '{tenant}'}}"
    ));
    assert!(!kind("tempo: {endpoint: 'http://h', tenant: fixed}"));
}

/// A rotated key has to reach the sink, though it is written back as `****`.
#[test]
fn another_key_is_another_backend() {
    let print = |key: &str| {
        let yaml = format!("backends: [{{name: a, datadog: {{api_key: {key}}}}}]");
        valid(&yaml).backends[0].fingerprint
    };
    assert_ne!(print("one"), print("another"));
    assert_eq!(print("one"), print("one"));
}

#[test]
fn keys_do_not_show() {
    let config =
        valid("backends: [{name: a, grafana_cloud: {zone: z, instance_id: 1, token: hidden}}]");
    let shown = format!("{:?}", config.backends[0]);
    assert!(!shown.contains("hidden"), "{shown}");
    assert!(!shown.contains("Basic"), "{shown}");
    let Kind::GrafanaCloud(_) = &config.backends[0].kind else {
        panic!("{shown}")
    };
}
