//! From the OpenTelemetry Collector: `tail_sampling` above all, and of a whole configuration what comes in, what is redacted
//! and where it goes.

mod component;
mod environment;
mod exporters;
mod k8s;
mod kafka;
mod pipelines;
mod policies;
mod processors;
mod receivers;
mod redaction;
mod sampling;
mod steps;

use serde_json::Value;

use self::component::{Component, is_sampling, kind};
use self::pipelines::Pipelines;
use super::value::{at, entries, items};
use super::yaml::Yaml;

/// # Errors
/// There is nothing to translate, or there are several `tail_sampling` and none was chosen.
pub(super) fn import(from: &Value, processor: Option<&str>) -> Result<Yaml, String> {
    let mut ours = Yaml::map();
    let from = &environment::carried(from, &mut ours);
    let pipelines = Pipelines::read(from);
    let sampling = sampling_section(from, &pipelines, processor)?;
    let mut bus = Yaml::map();
    let ingest = receivers::ingest(&pipelines.used("receivers"), &mut bus);
    let name = sampling.map(|(name, _)| name);
    pipelines.remarks(name, &mut ours);
    ours.set("bus", bus);
    ours.set("ingest", ingest);
    ours.set(
        "sampler",
        sampling::sampler(sampling.map(|(_, section)| section)),
    );
    let mut enrich = processors::enrich(&pipelines.processors(), |id| pipelines.signals_of(id));
    if let Some((name, section)) = sampling {
        processors::asked_after(&pipelines.before(name), from, section, &mut enrich);
    }
    ours.set("k8s", k8s::watched(&pipelines.processors()));
    ours.set("enrich", enrich);
    ours.set("export", exporters::export(&pipelines));
    others(from, name.is_some(), &mut ours);
    Ok(ours)
}

/// The section by itself, under its name, or within `processors`; `None`: nothing is sampled.
fn sampling_section<'v>(
    from: &'v Value,
    pipelines: &Pipelines<'v>,
    wanted: Option<&str>,
) -> Result<Option<Component<'v>>, String> {
    if from.get("policies").is_some() {
        return Ok(Some(("tail_sampling", from)));
    }
    let all: Vec<Component> = entries(from.get("processors"))
        .chain(entries(Some(from)))
        .filter(|(id, _)| is_sampling(id))
        .collect();
    let names: Vec<&str> = all.iter().map(|(id, _)| *id).collect();
    if let Some(name) = wanted {
        let fits = |id: &str| id == name || id == format!("tail_sampling/{name}");
        let found = all.iter().find(|(id, _)| fits(id));
        return found.copied().map(Some).ok_or_else(|| {
            format!(
                "it has no tail_sampling processor {name:?}; there are: {}",
                names.join(", ")
            )
        });
    }
    let mut used = pipelines.used("processors");
    used.retain(|(id, _)| is_sampling(id));
    let found = if pipelines.are_there() { used } else { all };
    match found.as_slice() {
        [one] => Ok(Some(*one)),
        [] if pipelines.used("receivers").is_empty() && pipelines.used("exporters").is_empty() => {
            Err("there is no `tail_sampling` processor in it, and no receiver or exporter that a pipeline uses".to_owned())
        }
        [] => Ok(None),
        several => {
            let names: Vec<&str> = several.iter().map(|(id, _)| *id).collect();
            Err(format!(
                "it has several tail_sampling processors: {}; choose one with --processor",
                names.join(", ")
            ))
        }
    }
}

/// What stands beside the components of pipelines.
fn others(from: &Value, sampled: bool, ours: &mut Yaml) {
    for (id, section) in entries(from.get("connectors")) {
        let named = |key: &str| {
            entries(at(from, &["service", "pipelines"]))
                .any(|(_, pipeline)| items(pipeline.get(key)).iter().any(|name| name == id))
        };
        match kind(id) {
            _ if !named("receivers") && !named("exporters") => {
                ours.remark(format!("connector {id}: not translated, no pipeline uses it"));
            }
            "forward" => ours.remark(format!("connector {id}: not needed, there is one pipeline")),
            "routing" | "failover" | "roundrobin" => ours.lost(format!(
                "connector {id}: what it chooses by is not asked here, all of its pipelines get everything: {section}"
            )),
            _ => ours.lost(format!(
                "connector {id}: not translated; metrics from spans have to be made before sampling, so leave it in a Collector that reads the raw topic"
            )),
        }
    }
    for (id, _) in entries(from.get("extensions")) {
        match kind(id) {
            "health_check" | "healthcheckv2" => ours.remark(format!(
                "extension {id}: /healthz and /readyz are always there, see `admin`"
            )),
            _ => ours.remark(format!("extension {id}: no equal here")),
        }
    }
    for (key, _) in entries(from.get("service")) {
        match key {
            "pipelines" | "extensions" => {}
            "telemetry" => ours.remark(
                "service: `telemetry`: metrics are on `admin.metrics`, logs are configured by `log`",
            ),
            _ => ours.remark(format!("service: `{key}` has no equal here")),
        }
    }
    let known = [
        "receivers",
        "processors",
        "exporters",
        "connectors",
        "extensions",
        "service",
    ];
    let alone = from.get("policies").is_some();
    for (key, _) in entries(Some(from)).filter(|(key, _)| !alone && !known.contains(key)) {
        if !(sampled && is_sampling(key)) {
            ours.remark(format!("{key}: no equal here"));
        }
    }
}

#[cfg(test)]
mod tests;
