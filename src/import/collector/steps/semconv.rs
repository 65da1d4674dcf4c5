//! The Collector's `schema` processor.

use serde_json::{Map, Value, json};

use super::super::super::value::items;
use super::super::super::yaml::Yaml;
use super::super::component::leftovers;

/// The schemas that our tables are about.
const OTEL: &str = "https://opentelemetry.io/schemas/";

/// The step; empty: nothing of it can be translated.
pub(super) fn schema(id: &str, section: &Value, enrich: &mut Yaml) -> Map<String, Value> {
    let of = format!("processor {id}");
    leftovers(&of, section, &["targets", "prefetch"], enrich);
    let mut ours = false;
    for target in items(section.get("targets")) {
        match target.as_str().filter(|url| url.starts_with(OTEL)) {
            Some(_) => ours = true,
            None => enrich.lost(format!(
                "{of}: Tailwater has tables of OpenTelemetry's conventions only: {target}"
            )),
        }
    }
    if !ours {
        return Map::new();
    }
    enrich.changed(format!(
        "{of}: it goes by `schema_url` there, to the versions in `targets`; here by the attributes of spans, log records and resources, to 1.41.0"
    ));
    let mut out = Map::new();
    out.insert("target".to_owned(), json!("1.41.0"));
    out
}
