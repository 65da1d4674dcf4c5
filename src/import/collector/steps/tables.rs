//! The Collector's `lookup` and `geoip` processors, which become steps `lookup`.

use serde_json::{Map, Value, json};

use super::super::super::value::items;
use super::super::super::yaml::Yaml;
use super::super::component::leftovers;
use super::tried::tried;

/// Where GeoIP's provider has its values, and what the processor calls them.
const GEO: &[(&str, &str)] = &[
    ("city.names.en", "geo.city_name"),
    ("postal.code", "geo.postal_code"),
    ("country.names.en", "geo.country_name"),
    ("country.iso_code", "geo.country_iso_code"),
    ("continent.names.en", "geo.continent_name"),
    ("continent.code", "geo.continent_code"),
    ("subdivisions.0.names.en", "geo.region_name"),
    ("subdivisions.0.iso_code", "geo.region_iso_code"),
    ("location.time_zone", "geo.timezone"),
    ("location.latitude", "geo.location.lat"),
    ("location.longitude", "geo.location.lon"),
];

/// The step; empty: nothing of it can be translated.
pub(super) fn lookup(id: &str, section: &Value, enrich: &mut Yaml) -> Map<String, Value> {
    let of = format!("processor {id}");
    leftovers(&of, section, &["source", "lookups"], enrich);
    let none = Map::new();
    let given = section.get("source").and_then(Value::as_object);
    let given = given.unwrap_or(&none);
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    let mut source = Map::new();
    source.insert("type".to_owned(), json!(text("type")));
    source.insert("path".to_owned(), json!(text("path")));
    match text("type") {
        Some("yaml") => {}
        Some("csv") if text("key_column").is_some() => {
            source.insert("key".to_owned(), json!(text("key_column")));
        }
        Some("csv") => {
            enrich.lost(format!(
                "{of}: a CSV without a header; write one, and name the column with the keys in `source.key`"
            ));
            return Map::new();
        }
        other => {
            let other = other.unwrap_or("noop");
            enrich.lost(format!(
                "{of}: the source {other} has no equal; tables are files here"
            ));
            return Map::new();
        }
    }
    match text("reload_interval").filter(|interval| *interval != "0") {
        Some(interval) => drop(source.insert("refresh".to_owned(), json!(interval))),
        None => enrich.remark(format!(
            "{of}: the file was read once there; here it is read again when it changes"
        )),
    }
    let mut lookups = Vec::new();
    for given in items(section.get("lookups")) {
        let mut query = given.clone();
        let attributes = query.get_mut("attributes").and_then(Value::as_array_mut);
        for attribute in attributes.into_iter().flatten() {
            // A whole result is that one column.
            if let Some(column) = text("value_column")
                && attribute.get("source").is_none()
            {
                attribute["source"] = json!(column);
            }
        }
        match tried("lookup", &json!({"source": &source, "lookups": [query]})) {
            Ok(()) => lookups.push(query),
            Err(why) => {
                let why = why.trim_start_matches('.');
                enrich.lost(format!("{of}, `lookups`: {why}: {given}"));
            }
        }
    }
    step(source, lookups)
}

/// The same of a database of places.
pub(super) fn geoip(id: &str, section: &Value, enrich: &mut Yaml) -> Map<String, Value> {
    let of = format!("processor {id}");
    leftovers(
        &of,
        section,
        &["providers", "context", "attributes"],
        enrich,
    );
    let path = section
        .get("providers")
        .and_then(|providers| providers.get("maxmind")?.get("database_path")?.as_str());
    let Some(path) = path else {
        enrich.lost(format!("{of}: only the provider `maxmind` has an equal"));
        return Map::new();
    };
    let on_record = section.get("context").and_then(Value::as_str) == Some("record");
    let (prefix, context) = match on_record {
        true => ("", "record"),
        false => ("resource.", "resource"),
    };
    let default = [json!("client.address"), json!("source.address")];
    let given = match items(section.get("attributes")) {
        [] => &default[..],
        given => given,
    };
    let results = GEO.iter().map(|(source, destination)| {
        json!({"source": source, "destination": destination, "context": context})
    });
    let results: Vec<_> = results.collect();
    // What is set last stays, and the first address was to count.
    let keys = given.iter().rev().filter_map(Value::as_str);
    let lookups = keys.map(|key| {
        let key = format!("{prefix}attributes[{}]", json!(key));
        json!({"key": key, "attributes": results})
    });
    let lookups = lookups.collect();
    let source = json!({"type": "mmdb", "path": path});
    step(source.as_object().cloned().unwrap_or_default(), lookups)
}

fn step(source: Map<String, Value>, lookups: Vec<Value>) -> Map<String, Value> {
    let mut out = Map::new();
    if !lookups.is_empty() {
        out.insert("source".to_owned(), Value::Object(source));
        out.insert("lookups".to_owned(), Value::Array(lookups));
    }
    out
}
