//! What is wrong with the section, by its paths.
#![allow(clippy::unwrap_used)]

use super::*;

/// Every wrong value is reported, by its path.
#[test]
fn problems_are_named_by_path() {
    let check = |change: fn(&mut RawConfig), expected: &[&str]| {
        let mut raw = RawConfig::default();
        change(&mut raw);
        let mut problems = Problems::new();
        raw.validate("ingest", &mut problems);
        let paths: Vec<_> = problems
            .iter()
            .map(|problem| problem.path.as_str())
            .collect();
        assert_eq!(paths, expected);
    };
    check(|_| (), &[]);
    check(
        |raw| raw.grpc.listen = "localhost".into(),
        &["ingest.grpc.listen"],
    );
    check(|raw| raw.grpc.listen = "localhost:14317".into(), &[]);
    check(|raw| raw.http.listen = "[::1]:4317".into(), &[]);
    check(
        |raw| raw.http.listen = "localhost:4317".into(),
        &["ingest.http.listen"],
    );
    check(
        |raw| raw.http.listen = "127.0.0.1:4317".into(),
        &["ingest.http.listen"],
    );
    check(
        |raw| raw.memory_limit = ByteSize::mib(255),
        &["ingest.memory_limit"],
    );
    check(
        |raw| {
            raw.filter.log_conditions = vec!["log.severity = 1".into(), "true".into()];
            raw.filter.metric_conditions = vec!["datapoint.valu == 1".into()];
            raw.filter.trace_conditions = vec!["span.name == \"a\"".into()];
        },
        &[
            "ingest.filter.trace_conditions",
            "ingest.filter.log_conditions[0]",
            "ingest.filter.metric_conditions[0]",
        ],
    );
    check(|raw| raw.filter.spans = true, &["ingest.filter.spans"]);
    check(|raw| raw.auth = Some(RawAuth::default()), &["ingest.auth"]);
    check(
        |raw| {
            raw.auth = Some(RawAuth {
                keys_file: Some("keys.yaml".into()),
                key_headers: vec!["x key".into()],
                oidc: Some(RawOidc {
                    issuer: "http://login.example.com".into(),
                    audience: String::new(),
                    tenant_claim: None,
                    ca_file: None,
                }),
                mtls: Some(RawMtls::default()),
                ..RawAuth::default()
            });
        },
        &[
            "ingest.auth.mtls",
            "ingest.auth.oidc.issuer",
            "ingest.auth.oidc.audience",
            "ingest.auth.key_headers[0]",
            "ingest.auth.key_headers",
        ],
    );
    check(
        |raw| {
            raw.auth = Some(RawAuth {
                keys_file: Some("keys.yaml".into()),
                ..RawAuth::default()
            });
            raw.metadata.insert("X-Api-Key".into(), "key".into());
            raw.metadata.insert("cookie".into(), "cookies".into());
            raw.metadata.insert("x-a".into(), "same".into());
            raw.metadata.insert("x-b".into(), "same".into());
        },
        &[
            "ingest.metadata.X-Api-Key",
            "ingest.metadata.cookie",
            "ingest.metadata.x-b",
        ],
    );
    check(
        |raw| {
            raw.http.cors = Some(RawCors {
                origins: vec!["https://shop.example/path".into()],
                headers: vec!["a b".into()],
                max_age: RawDuration::from_secs(1),
            });
        },
        &["ingest.http.cors.origins[0]", "ingest.http.cors.headers[0]"],
    );
    check(
        |raw| raw.connections_per_peer_max = 0,
        &["ingest.connections_per_peer_max"],
    );
    check(
        |raw| raw.tenant_header = Some("a b".into()),
        &["ingest.tenant_header"],
    );
    check(
        |raw| {
            raw.record_bytes_max = ByteSize(1);
            raw.linger = RawDuration::from_secs(60);
            raw.connection_idle_timeout = RawDuration::from_secs(0);
            raw.retry_after = RawDuration::from_secs(0);
        },
        &[
            "ingest.record_bytes_max",
            "ingest.linger",
            "ingest.connection_idle_timeout",
            "ingest.retry_after",
        ],
    );
}

/// Keys in plain text over a network are a warning, and with TLS they are none.
#[test]
fn keys_in_plain_text_are_doubtful() {
    let warnings = |listen: &str, tls: Option<RawTls>| {
        let mut raw = RawConfig {
            auth: Some(RawAuth {
                keys_file: Some("keys.yaml".into()),
                ..RawAuth::default()
            }),
            tls,
            ..RawConfig::default()
        };
        raw.grpc.listen = listen.into();
        let mut problems = Problems::new();
        raw.validate("ingest", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        problems
            .warnings()
            .map(|warning| warning.path.clone())
            .collect::<Vec<_>>()
    };
    let tls = RawTls {
        cert_file: "a".into(),
        key_file: "b".into(),
        client_ca_file: None,
        min_version: Default::default(),
    };
    assert_eq!(warnings("127.0.0.1:4317", None), [""; 0]);
    assert_eq!(warnings(":4317", None), ["ingest.grpc.listen"]);
    assert_eq!(warnings(":4317", Some(tls)), [""; 0]);
}
