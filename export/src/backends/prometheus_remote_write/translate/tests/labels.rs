//! Where labels come from, and who wins.

use super::*;
use Names::{Underscore, Utf8, Utf8WithSuffixes};

const RESOURCE: &str = r#"{"resourceMetrics": [{"resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": "checkout"}},
        {"key": "service.namespace", "value": {"stringValue": "shop"}},
        {"key": "service.instance.id", "value": {"stringValue": "i-1"}},
        {"key": "service.version", "value": {"stringValue": "1.2"}},
        {"key": "host.cpus", "value": {"intValue": "8"}},
        {"key": "empty", "value": {"stringValue": ""}}]},
    "scopeMetrics": [{"scope": {"name": "lib", "version": "2", "attributes": [{"key": "a.b", "value": {"boolValue": true}}]}, "schemaUrl": "u",
        "metrics": [{"name": "m", "gauge": {"dataPoints": [{"timeUnixNano": "1000000000", "asInt": "1", "attributes": [
            {"key": "z.z", "value": {"stringValue": "1"}},
            {"key": "a", "value": {"doubleValue": 1.5}},
            {"key": "job", "value": {"stringValue": "mine"}},
            {"key": "cluster", "value": {"stringValue": "own"}},
            {"key": "otel_scope_version", "value": {"stringValue": "mine"}},
            {"key": "service.version", "value": {"stringValue": "own"}},
            {"key": "none", "value": {}}, {"key": "nothing", "value": {"stringValue": ""}}]}]}}]}]}]}"#;

#[test]
fn of_resource_scope_and_point() {
    check(
        &rules(),
        &[RESOURCE],
        &[
            "m{a=1.5,cluster=own,instance=i-1,job=shop/checkout,otel_scope_a_b=true,otel_scope_name=lib,otel_scope_schema_url=u,\
             otel_scope_version=2,service_version=own,z_z=1} 1 @1000",
            "target_info{host_cpus=8,instance=i-1,job=shop/checkout,service_version=1.2} 1 @1000",
        ],
    );
    let other = Rules {
        names: Utf8,
        scope_labels: false,
        promote: vec!["service.version".into(), "host.cpus".into(), "gone".into()],
        external_labels: vec![
            ("cluster".into(), "c".into()),
            ("host.cpus".into(), "x".into()),
            ("region".into(), "r".into()),
        ],
        ..rules()
    };
    check(
        &other,
        &[RESOURCE],
        &[
            "m{a=1.5,cluster=own,host.cpus=8,instance=i-1,job=shop/checkout,otel_scope_version=mine,region=r,service.version=own,z.z=1} 1 @1000",
            "target_info{cluster=c,host.cpus=8,instance=i-1,job=shop/checkout,region=r,service.version=1.2} 1 @1000",
        ],
    );
}

fn point(attributes: &str) -> String {
    metrics(&format!(
        r#"{{"name": "m.m", "unit": "s", "gauge": {{"dataPoints": [{{"timeUnixNano": "1000000000", "asInt": "1", "attributes": [{attributes}]}}]}}}}"#
    ))
}

fn text(key: &str, value: &str) -> String {
    format!(r#"{{"key": "{key}", "value": {{"stringValue": "{value}"}}}}"#)
}

#[test]
fn colliding_keys_join_their_values_in_the_order_of_keys() {
    let record = point(&[text("a_b", "1"), text("a.b", "2"), text("a/b", "3")].join(","));
    let joined = ["m_m_seconds{a_b=2;3;1,job=s} 1 @1000"];
    check(&rules(), &[&record], &joined);
    let utf8 = Rules {
        names: Utf8WithSuffixes,
        ..rules()
    };
    check(
        &utf8,
        &[&record],
        &["m.m_seconds{a.b=2,a/b=3,a_b=1,job=s} 1 @1000"],
    );
    // A key twice is malformed, and no reason to send a label twice.
    let twice = point(&[text("a", "1"), text("b", "x"), text("a", "2")].join(","));
    check(&utf8, &[&twice], &["m.m_seconds{a=1;2,b=x,job=s} 1 @1000"]);
    let named = point(&[text("__name__", "x"), text("le", "y"), text("__x__", "z")].join(","));
    check(
        &rules(),
        &[&named],
        &["m_m_seconds{__x__=z,job=s,le=y} 1 @1000"],
    );
}

#[test]
fn all_four_ways_of_naming() {
    let record = point(&text("a.b", "1"));
    for (names, expected) in [
        (
            Names::UnderscoreWithSuffixes,
            "m_m_seconds{a_b=1,job=s} 1 @1000",
        ),
        (Underscore, "m_m{a_b=1,job=s} 1 @1000"),
        (Utf8WithSuffixes, "m.m_seconds{a.b=1,job=s} 1 @1000"),
        (Utf8, "m.m{a.b=1,job=s} 1 @1000"),
    ] {
        check(&Rules { names, ..rules() }, &[&record], &[expected]);
    }
}

#[test]
fn values_that_are_no_text() {
    let record = point(
        r#"{"key": "array", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "<"}]}}},
           {"key": "bytes", "value": {"bytesValue": "AQI="}}, {"key": "int", "value": {"intValue": "-7"}},
           {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": false}}]}}}, {"key": "whole", "value": {"doubleValue": 3}}"#,
    );
    check(
        &rules(),
        &[&record],
        &[r#"m_m_seconds{array=[1,"<"],bytes=AQI=,int=-7,job=s,map={"k":false},whole=3} 1 @1000"#],
    );
}

/// What describes a resource is there for a whole query's range, once for each time, and only grows.
#[test]
fn target_info() {
    let record = |attributes: &str, times: [u64; 2]| {
        format!(
            r#"{{"resourceMetrics": [{{"resource": {{"attributes": [{attributes}]}}, "scopeMetrics": [{{"metrics": [{{"name": "m", "gauge": {{"dataPoints": [
            {{"timeUnixNano": "{}000000000", "asInt": "1"}}, {{"timeUnixNano": "{}000000000", "asInt": "2"}}]}}}}]}}]}}]}}"#,
            times[0], times[1]
        )
    };
    let of = |attributes: &str| {
        let mut memory = memory();
        let records = [
            record(attributes, [1000, 1200]),
            record(attributes, [900, 1300]),
        ];
        let records = [&*records[0], &*records[1]];
        let first = encode(&rules(), Version::V2, &batch(&records), &memory).unwrap();
        let mut lines = decoded::lines(Version::V2, &first.body);
        memory.accept(first.new);
        let second = record(attributes, [1250, 1250]);
        let second = encode(&rules(), Version::V2, &batch(&[&second]), &memory).unwrap();
        lines.extend(decoded::lines(Version::V2, &second.body));
        lines.retain(|line| line.starts_with("target_info"));
        lines
    };
    let (name, host) = (text("service.name", "s"), text("host.name", "h"));
    let series = "target_info{host_name=h,job=s} 1";
    let expected = [1_000_000, 1_150_000, 1_200_000, 1_300_000];
    assert_eq!(
        of(&format!("{name},{host}")),
        expected.map(|time| format!("{series} @{time}"))
    );
    assert!(of(&name).is_empty());
    assert!(of(&host).is_empty());
}
