//! Its section, and what answers mean.
#![allow(clippy::unwrap_used)]

use schemas::Signal;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::answer::{Refusal, accepted};
use crate::backends::table::Kind;
use crate::config::tests::{check_problem, check_warning, valid};
use crate::outcome::FailureKind;
use crate::transport::client::Answer;

#[test]
fn the_defaults_are_those_of_the_collector() {
    let config = valid(
        "backends: [{name: a, clickhouse: {endpoint: 'http://h:8123', password: geheim, metrics_tables: {sum: {name: sums}}}}]",
    );
    let backend = &config.backends[0];
    let Kind::Clickhouse(clickhouse) = &backend.kind else {
        panic!("not ClickHouse")
    };
    let layout = &clickhouse.layout;
    assert_eq!(
        [
            &layout.database,
            &layout.traces,
            &layout.logs,
            &layout.gauge,
            &layout.sum,
            &layout.summary,
            &layout.histogram,
            &layout.exponential_histogram,
            &layout.engine,
        ],
        [
            "default",
            "otel_traces",
            "otel_logs",
            "otel_metrics_gauge",
            "sums",
            "otel_metrics_summary",
            "otel_metrics_histogram",
            "otel_metrics_exponential_histogram",
            "MergeTree()",
        ]
    );
    assert!(clickhouse.create_schema && backend.kind.once());
    assert_eq!(backend.batch(Signal::Traces).items, 100_000);
    assert_eq!(backend.batch(Signal::Traces).bytes, 64 << 20);
    assert_eq!(
        backend.batch(Signal::Traces).timeout,
        Duration::from_secs(5)
    );
    let shown = format!("{config:?}");
    assert!(!shown.contains("geheim"), "credentials show: {shown}");
}

#[test]
fn problems_carry_their_path() {
    let c = "export.backends[0].clickhouse";
    for (keys, expected) in [
        ("endpoint: ''", "endpoint: an address is needed"),
        (
            "endpoint: 'tcp://h:9000'",
            "endpoint: `tcp://h:9000` is neither",
        ),
        ("endpoint: 'http://u:geheim@h'", "endpoint: credentials"),
        (
            "endpoint: 'http://h', password: \"geheim\\n\"",
            "password: holds characters",
        ),
        ("endpoint: 'http://h', database: ''", "database: is empty"),
        (
            "endpoint: 'http://h', metrics_tables: {gauge: {name: ''}}",
            "metrics_tables.gauge.name: is empty",
        ),
        (
            "endpoint: 'http://h', table_engine: {name: 'MergeTree()'}",
            "table_engine.name: `MergeTree()` is not",
        ),
        ("endpoint: 'http://h', ttl: 1500ms", "ttl: is not whole"),
        ("endpoint: 'http://h', ttl: 250000h", "ttl: is more than"),
        ("endpoint: 'http://h', timeout: 0s", "timeout: 0 leaves"),
    ] {
        check_problem(
            &format!("clickhouse: {{{keys}}}"),
            &format!("{c}.{expected}"),
        );
    }
    check_warning(
        "clickhouse: {endpoint: 'http://h:9000'}",
        Some(("clickhouse.endpoint", "native protocol")),
    );
    check_warning("clickhouse: {endpoint: 'http://h:8123'}", None);
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let (mut head, ()) = Response::new(()).into_parts();
    head.status = status.try_into().unwrap();
    head.headers = headers
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::try_from(*value).unwrap())
        })
        .collect::<HeaderMap>();
    Answer {
        head,
        body: Bytes::from(body.to_owned()),
        trailers: None,
    }
}

const CERTAIN: FailureKind = FailureKind::Denied { certain: true };
const DOUBTFUL: FailureKind = FailureKind::Denied { certain: false };
const RETRY: FailureKind = FailureKind::Retry { after: None };

fn refusal(answer: &Answer) -> Refusal {
    accepted(answer, SystemTime::UNIX_EPOCH).unwrap_err()
}

/// The code decides, whatever the status is and wherever the code stands.
#[test]
fn exceptions_by_their_code() {
    for (code, text, expected, about_tables) in [
        (516, "Authentication failed", CERTAIN, false),
        (193, "Wrong password", CERTAIN, false),
        (497, "Not enough privileges", CERTAIN, false),
        (60, "Table doesn't exist", CERTAIN, true),
        (81, "Database doesn't exist", CERTAIN, true),
        (16, "No such column", CERTAIN, true),
        (53, "Type mismatch", CERTAIN, true),
        (33, "Cannot read all data", DOUBTFUL, true),
        (117, "Incorrect data", DOUBTFUL, true),
        (469, "Constraint is violated", DOUBTFUL, true),
        (252, "Too many parts (300)", RETRY, false),
        (
            252,
            "Too many partitions for single INSERT block",
            FailureKind::Split,
            false,
        ),
        (241, "Memory limit exceeded", FailureKind::Fault, false),
        (159, "Timeout exceeded", FailureKind::Fault, false),
        (164, "Cannot execute query in readonly mode", RETRY, false),
        (242, "Table is in readonly mode", RETRY, false),
        (202, "Too many simultaneous queries", RETRY, false),
        (210, "Network error", RETRY, false),
        (319, "Unknown status of insert", RETRY, false),
        (999, "Keeper exception", RETRY, false),
        (49, "Logical error", FailureKind::Fault, false),
    ] {
        let body = format!("Code: {code}. DB::Exception: {text}. (NAME) (version 26.9)");
        let number = code.to_string();
        for status in [200, 500, 503] {
            for headers in [&[("x-clickhouse-exception-code", number.as_str())][..], &[]] {
                let refusal = refusal(&answer(status, headers, &body));
                assert_eq!(refusal.failure.kind, expected, "{code} with {status}");
                assert_eq!(refusal.about_tables, about_tables, "{code}");
                assert!(refusal.failure.reason.contains(text));
            }
        }
    }
    let unknown = answer(400, &[("x-clickhouse-exception-code", "4711")], "");
    assert_eq!(refusal(&unknown).failure.kind, DOUBTFUL);
}

#[test]
fn what_is_not_clickhouse_has_taken_nothing() {
    for (status, headers, body, expected) in [
        (200, &[][..], "", CERTAIN),
        (200, &[("content-type", "text/html")], "<html>", CERTAIN),
        (204, &[], "", CERTAIN),
        (200, &[("x-clickhouse-query-id", "q")], "1", RETRY),
        (302, &[], "", CERTAIN),
        (400, &[], "bad request", DOUBTFUL),
        (401, &[], "", CERTAIN),
        (404, &[], "", CERTAIN),
        (413, &[], "", FailureKind::Split),
        (500, &[], "", FailureKind::Fault),
        (
            503,
            &[("retry-after", "7")],
            "",
            FailureKind::Retry {
                after: Some(Duration::from_secs(7)),
            },
        ),
    ] {
        let kind = refusal(&answer(status, headers, body)).failure.kind;
        assert_eq!(kind, expected, "{status} {body}");
    }
    for header in [
        "x-clickhouse-query-id",
        "x-clickhouse-server-display-name",
        "x-clickhouse-summary",
    ] {
        accepted(&answer(200, &[(header, "x")], ""), SystemTime::UNIX_EPOCH).unwrap();
    }
}
