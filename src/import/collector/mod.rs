//! From the OpenTelemetry Collector: `tail_sampling` above all, and of a whole configuration what comes in, what is redacted
//! and where it goes.

mod exporters;
mod policies;
mod processors;
mod receivers;
mod sampling;

use serde_json::Value;

use super::yaml::Yaml;
use super::{at, entries, items};

/// A component of a Collector's configuration: its id (`otlp/tempo`), and what is written about it.
type Component<'v> = (&'v str, &'v Value);

/// # Errors
/// There is no `tail_sampling`, or there are several and none was chosen.
pub(super) fn import(from: &Value, processor: Option<&str>) -> Result<Yaml, String> {
    let mut ours = Yaml::map();
    let sampling = sampling_section(from, processor)?;
    let mut bus = Yaml::map();
    let ingest = receivers::ingest(&used(from, "receivers"), &mut bus);
    ours.set("bus", bus);
    ours.set("ingest", ingest);
    ours.set("sampler", sampling::sampler(sampling));
    ours.set("enrich", processors::enrich(&used(from, "processors")));
    ours.set("export", exporters::export(&used(from, "exporters")));
    others(from, &mut ours);
    Ok(ours)
}

/// The type of a component: what stands before the slash of its id.
fn kind(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}

fn is_sampling(id: &str) -> bool {
    kind(id) == "tail_sampling"
}

/// The section by itself, under its name, or within `processors`.
fn sampling_section<'v>(from: &'v Value, wanted: Option<&str>) -> Result<&'v Value, String> {
    if from.get("policies").is_some() {
        return Ok(from);
    }
    let found: Vec<Component> = entries(from.get("processors"))
        .chain(entries(Some(from)))
        .filter(|(id, _)| is_sampling(id))
        .collect();
    let names: Vec<&str> = found.iter().map(|(id, _)| *id).collect();
    let fits = |id: &str, name: &str| id == name || id == format!("tail_sampling/{name}");
    match (wanted, found.as_slice()) {
        (None, [(_, section)]) => Ok(section),
        (_, []) => Err("there is no `tail_sampling` processor in it".to_owned()),
        (None, _) => Err(format!(
            "it has several tail_sampling processors: {}; choose one with --processor",
            names.join(", ")
        )),
        (Some(name), _) => found
            .iter()
            .find(|(id, _)| fits(id, name))
            .map(|(_, section)| *section)
            .ok_or_else(|| {
                format!(
                    "it has no tail_sampling processor {name:?}; there are: {}",
                    names.join(", ")
                )
            }),
    }
}

/// The components of a section that some pipeline names; all of them when there are no pipelines.
fn used<'v>(from: &'v Value, section: &str) -> Vec<Component<'v>> {
    let pipelines: Vec<&Value> = entries(at(from, &["service", "pipelines"]))
        .map(|(_, pipeline)| pipeline)
        .collect();
    let named = |id: &str| {
        pipelines.is_empty()
            || pipelines
                .iter()
                .flat_map(|pipeline| items(pipeline.get(section)))
                .any(|name| name.as_str() == Some(id))
    };
    entries(from.get(section))
        .filter(|(id, _)| named(id))
        .collect()
}

fn others(from: &Value, ours: &mut Yaml) {
    for (id, _) in entries(from.get("connectors")) {
        ours.remark(format!(
            "connector {id}: not translated; metrics from spans have to be made before sampling, so leave it in a Collector that reads the raw topic"
        ));
    }
    for (id, _) in entries(from.get("extensions")) {
        match kind(id) {
            "health_check" => ours.remark(
                "extension health_check: /healthz and /readyz are always there, see `admin`",
            ),
            _ => ours.remark(format!("extension {id}: no equal here")),
        }
    }
}

/// What is written in a section besides `known` is remarked on.
fn leftovers(of: &str, section: &Value, known: &[&str], ours: &mut Yaml) {
    for (key, _) in entries(Some(section)).filter(|(key, _)| !known.contains(key)) {
        ours.remark(format!("{of}: `{key}` has no equal here"));
    }
}

#[cfg(test)]
mod tests;
