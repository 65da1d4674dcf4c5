//! `lookup`: tables in every format, and what is wrong with them.

mod faults;

use std::fs;
use std::path::Path;

use schemas::Signal;
use serde_json::{Value, json};

use super::{attribute, check, logs, out, span, traces};

/// A file of that name in a folder of its own, and a step that reads it.
fn file(name: &str, contents: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, contents).unwrap();
    (folder, path.display().to_string())
}

fn one(attributes: &[Value]) -> Value {
    traces(&[(
        &[attribute("service.name", "shop")],
        &[span(1, 0, "a", attributes)],
    )])
}

#[test]
fn csv_json_and_yaml_say_the_same() {
    let tables = [
        (
            "t.csv",
            "csv",
            "id,tier,team\nred,gold,one\n\"b,lue\",,two\n",
        ),
        (
            "t.json",
            "json",
            r#"[{"id": "red", "tier": "gold", "team": "one"}, {"id": "b,lue", "tier": null, "team": "two"}]"#,
        ),
        (
            "map.json",
            "json",
            r#"{"red": {"tier": "gold", "team": "one"}, "b,lue": {"team": "two"}}"#,
        ),
        (
            "t.yaml",
            "yaml",
            "- {id: red, tier: gold, team: one}\n- {id: 'b,lue', team: two}\n",
        ),
    ];
    for (name, kind, contents) in tables {
        let (_folder, path) = file(name, contents.as_bytes());
        let key = if name == "map.json" { "" } else { "key: id, " };
        let yaml = format!(
            r#"
steps:
  - lookup/tenants:
      source: {{type: {kind}, path: '{path}', {key}refresh: 60s}}
      lookups:
        - key: span.attributes["tenant.id"]
          attributes:
            - {{source: tier, destination: tenant.tier, default: unknown, context: record}}
            - {{source: team, destination: tenant.team}}
"#
        );
        let told = |tenant: &str, tier: &str, team: &str| {
            let mut after = vec![
                attribute("tenant.id", tenant),
                attribute("tenant.tier", tier),
            ];
            if !team.is_empty() {
                after.push(attribute("tenant.team", team));
            }
            let before = one(&[attribute("tenant.id", tenant)]);
            check(&yaml, Signal::Traces, &before, &one(&after));
        };
        told("red", "gold", "one");
        told("b,lue", "unknown", "two");
        told("green", "unknown", "");
        // Without the attribute nothing is looked up.
        check(&yaml, Signal::Traces, &one(&[]), &one(&[]));
    }
}

#[test]
fn values_keep_their_types_and_keys_may_be_numbers() {
    let (_folder, path) = file(
        "t.json",
        br#"{"7": {"n": 5, "d": 2.5, "b": true}, "8": {}}"#,
    );
    let yaml = format!(
        r#"
steps:
  - lookup:
      source: {{type: json, path: '{path}'}}
      lookups:
        - key: span.attributes["id"]
          attributes: [{{source: n, destination: n}}, {{source: d, destination: d}}, {{source: b, destination: b, default: false}}]
"#
    );
    let id = |id: u8| json!({"key": "id", "value": {"intValue": id.to_string()}});
    let after = [
        id(7),
        json!({"key": "n", "value": {"intValue": "5"}}),
        json!({"key": "d", "value": {"doubleValue": 2.5}}),
        json!({"key": "b", "value": {"boolValue": true}}),
    ];
    check(&yaml, Signal::Traces, &one(&[id(7)]), &one(&after));
    let after = [id(8), json!({"key": "b", "value": {"boolValue": false}})];
    check(&yaml, Signal::Traces, &one(&[id(8)]), &one(&after));
}

#[test]
fn a_map_to_plain_values_has_them_in_value() {
    let (_folder, path) = file("t.yaml", b"red: gold\nblue: silver\n");
    let yaml = format!(
        r#"
steps:
  - lookup:
      source: {{type: yaml, path: '{path}'}}
      lookups: [{{key: 'attributes["tenant"]', context: record, attributes: [{{destination: tier}}]}}]
"#
    );
    let before = one(&[attribute("tenant", "blue")]);
    let after = one(&[attribute("tenant", "blue"), attribute("tier", "silver")]);
    check(&yaml, Signal::Traces, &before, &after);
    // The same key on log records.
    let record = |attributes: &[Value]| logs(&[], &[json!({"attributes": attributes})]);
    check(
        &yaml,
        Signal::Logs,
        &record(&[attribute("tenant", "red")]),
        &record(&[attribute("tenant", "red"), attribute("tier", "gold")]),
    );
}

/// Resources are looked up once for all of their items, and get attributes of their own.
#[test]
fn resources_are_looked_up_too() {
    let (_folder, path) = file("t.csv", b"service,owner\nshop,red\n");
    let yaml = format!(
        r#"
steps:
  - lookup:
      source: {{type: csv, path: '{path}', key: service}}
      lookups:
        - key: resource.attributes["service.name"]
          attributes:
            - {{source: owner, destination: team, context: resource}}
            - {{source: owner, destination: span.team}}
"#
    );
    let request = |team: &[Value], spans: &[Value]| {
        let mut resource = vec![attribute("service.name", "shop")];
        resource.extend_from_slice(team);
        traces(&[(&resource, spans)])
    };
    let team = attribute("span.team", "red");
    check(
        &yaml,
        Signal::Traces,
        &request(&[], &[span(1, 0, "a", &[]), span(2, 0, "b", &[])]),
        &request(
            &[attribute("team", "red")],
            &[
                span(1, 0, "a", std::slice::from_ref(&team)),
                span(2, 0, "b", std::slice::from_ref(&team)),
            ],
        ),
    );
    let metrics = json!({"resourceMetrics": [{"resource": {"attributes": [attribute("service.name", "shop")]}, "scopeMetrics": [
        {"metrics": [{"name": "m", "gauge": {"dataPoints": [{"asInt": "1"}]}}]}]}]});
    let found = out(&yaml, Signal::Metrics, &metrics);
    assert_eq!(
        found["resourceMetrics"][0]["resource"]["attributes"][1],
        attribute("team", "red")
    );
}

/// The database is MaxMind's own test data.
#[test]
fn addresses_have_countries_and_cities() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mmdb/GeoIP2-City-Test.mmdb");
    let yaml = format!(
        r#"
steps:
  - lookup/geo:
      source: {{type: mmdb, path: '{}'}}
      lookups:
        - key: span.attributes["client.address"]
          attributes:
            - {{source: country.iso_code, destination: geo.country.iso_code}}
            - {{source: city.names.en, destination: geo.locality.name}}
            - {{source: subdivisions.0.iso_code, destination: geo.region.iso_code}}
            - {{source: location.latitude, destination: geo.location.lat}}
"#,
        path.display()
    );
    let at = |address: &str| attribute("client.address", address);
    for address in ["89.160.20.128", "::ffff:89.160.20.128"] {
        let after = [
            at(address),
            attribute("geo.country.iso_code", "SE"),
            attribute("geo.locality.name", "Linköping"),
            attribute("geo.region.iso_code", "E"),
            json!({"key": "geo.location.lat", "value": {"doubleValue": 58.4167}}),
        ];
        check(&yaml, Signal::Traces, &one(&[at(address)]), &one(&after));
    }
    for unknown in ["10.0.0.1", "shop", "", "89.160.20.128:443"] {
        let same = one(&[at(unknown)]);
        check(&yaml, Signal::Traces, &same, &same);
    }
}
