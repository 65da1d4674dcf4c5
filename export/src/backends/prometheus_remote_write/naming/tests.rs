//! Names by all four strategies; expected are those that otlptranslator 1.0 makes.
#![allow(clippy::unwrap_used)]

use super::MetricType::{Counter, Distribution, Gauge, UpDownCounter};
use super::*;

/// Names with `underscore_with_suffixes`, `underscore`, `utf8_with_suffixes` and `utf8`; empty: none.
#[track_caller]
fn check(name: &str, unit: &str, kind: MetricType, expected: [&str; 4]) {
    let names = [
        Names::UnderscoreWithSuffixes,
        Names::Underscore,
        Names::Utf8WithSuffixes,
        Names::Utf8,
    ];
    let found = names.map(|names| metric_name(names, name, unit, kind).unwrap_or_default());
    assert_eq!(found, expected.map(str::to_owned), "{name} in {unit}");
}

#[test]
fn metrics() {
    let same = |name| [name; 4];
    check("up", "", Gauge, same("up"));
    check(
        "http.server.duration",
        "s",
        Distribution,
        [
            "http_server_duration_seconds",
            "http_server_duration",
            "http.server.duration_seconds",
            "http.server.duration",
        ],
    );
    check(
        "requests.total",
        "{request}",
        Counter,
        [
            "requests_total",
            "requests_total",
            "requests_total",
            "requests.total",
        ],
    );
    check(
        "total.requests",
        "1",
        Counter,
        [
            "requests_total",
            "total_requests",
            "total.requests_total",
            "total.requests",
        ],
    );
    check(
        "cpu.utilization",
        "1",
        Gauge,
        [
            "cpu_utilization_ratio",
            "cpu_utilization",
            "cpu.utilization_ratio",
            "cpu.utilization",
        ],
    );
    check("queue", "1", UpDownCounter, same("queue"));
    check(
        "network.io",
        "By/s",
        Gauge,
        [
            "network_io_bytes_per_second",
            "network_io",
            "network.io_bytes_per_second",
            "network.io",
        ],
    );
    check(
        "memory_bytes",
        "By",
        Gauge,
        [
            "memory_bytes",
            "memory_bytes",
            "memory_bytes",
            "memory_bytes",
        ],
    );
    check(
        "a..b__c é/d",
        "°C",
        Gauge,
        ["a_b_c_d_C", "a_b__c_d", "a..b__c é/d_°C", "a..b__c é/d"],
    );
    check("2xx", "", Gauge, ["_2xx", "_2xx", "2xx", "2xx"]);
    check("é", "", Gauge, ["", "", "é", "é"]);
    check("_", "", Gauge, ["", "_", "_", "_"]);
    check("", "s", Gauge, ["seconds", "", "_seconds", ""]);
    check("x", "{a}/{b}", Gauge, same("x"));
    check("x", "/s", Gauge, ["x_per_second", "x", "x_per_second", "x"]);
    check(
        "x",
        " s / m ",
        Gauge,
        ["x_seconds_per_minute", "x", "x_seconds_per_minute", "x"],
    );
    check(
        "total",
        "",
        Counter,
        ["total", "total", "total_total", "total"],
    );
}

#[test]
fn labels() {
    let escaped = |key: &str| label_name(Names::Underscore, key.as_bytes()).map(String::from);
    for (key, expected) in [
        ("http.method", "http_method"),
        ("http__method", "http_method"),
        ("_private", "_private"),
        ("__address__", "__address__"),
        ("__a..b__", "__a_b__"),
        ("2xx", "key_2xx"),
        ("é", ""),
        ("aé.b", "a_b"),
        ("____", ""),
        ("___", ""),
        ("", ""),
        ("a:b", "a_b"),
    ] {
        assert_eq!(escaped(key).unwrap_or_default(), expected, "{key}");
    }
    let utf8 = |key: &[u8]| label_name(Names::Utf8, key).map(String::from);
    assert_eq!(utf8(b"http.method").unwrap(), "http.method");
    assert_eq!(utf8(b"_").unwrap(), "_");
    assert_eq!(utf8(b"a\xff").unwrap(), "a\u{fffd}");
    assert_eq!(utf8(b""), None);
}

#[test]
fn units() {
    for (unit, expected) in [
        ("", ""),
        ("1", ""),
        ("By", "bytes"),
        ("By/s", "bytes_per_second"),
        ("{request}/s", "per_second"),
        ("{request}", ""),
        ("foo.bar", "foo_bar"),
        ("_x_", "x"),
    ] {
        assert_eq!(unit_name(unit), expected, "{unit}");
    }
}
