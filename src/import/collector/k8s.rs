//! `k8sattributes`: a step, and the cluster that it watched.

use serde_json::{Map, Value, json};

use super::super::value::items;
use super::super::yaml::{Weight, Yaml};
use super::component::{Component, Reason, kind, leftovers, reasons};

/// Whether a processor is the one.
pub(super) fn is_it(id: &str) -> bool {
    matches!(kind(id), "k8sattributes" | "k8s_attributes")
}

const ODD: &[Reason] = &[(
    "passthrough",
    Weight::Lost,
    "use `ingest.peer_address`, which stamps addresses where telemetry comes in",
)];

/// The step, under our name of it; `None`: it added no more than addresses.
pub(super) fn step(id: &str, section: &Value, enrich: &mut Yaml) -> Option<(String, Value)> {
    let of = format!("processor {id}");
    let mut known = reasons(&of, section, ODD, enrich);
    known.extend(["auth_type", "kube_config_path", "context"]);
    known.extend(["wait_for_metadata", "wait_for_metadata_timeout"]);
    known.extend(["extract", "filter", "pod_association", "exclude"]);
    leftovers(&of, section, &known, enrich);
    if section.get("passthrough") == Some(&Value::Bool(true)) {
        return None;
    }
    let mut step = Map::new();
    let mut extract = section.get("extract").cloned().unwrap_or_default();
    if let Some(extract) = extract.as_object_mut() {
        // It is always so here.
        extract.remove("deployment_name_from_replicaset");
        step.insert("extract".to_owned(), Value::Object(extract.clone()));
    }
    let filter = filter(&of, section, enrich);
    if !filter.is_empty() {
        step.insert("filter".to_owned(), Value::Object(filter));
    }
    let associations = items(section.get("pod_association"));
    if associations.is_empty() {
        // The sender's address was the default there.
        let connection = json!([{"sources": [{"from": "connection"}]}]);
        step.insert("pod_association".to_owned(), connection);
    } else {
        step.insert("pod_association".to_owned(), json!(associations));
    }
    let asks_peer = associations.is_empty()
        || (associations.iter().flat_map(|it| items(it.get("sources"))))
            .any(|source| source["from"] == "connection");
    if asks_peer {
        enrich.changed(format!(
            "{of}: `from: connection` is the attribute `k8s.pod.ip` here, which agents set, or `ingest.peer_address` where senders connect directly"
        ));
    }
    if let Some(exclude) = section.get("exclude") {
        step.insert("exclude".to_owned(), exclude.clone());
    }
    if section.get("wait_for_metadata") == Some(&Value::Bool(true))
        && let Some(timeout) = section.get("wait_for_metadata_timeout")
    {
        step.insert("wait_for_metadata_timeout".to_owned(), timeout.clone());
    }
    let name = id.split_once('/').map_or("", |(_, name)| name);
    let ours = match name {
        "" => "k8s_attributes".to_owned(),
        name => format!("k8s_attributes/{name}"),
    };
    Some((ours, Value::Object(step)))
}

fn filter(of: &str, section: &Value, enrich: &mut Yaml) -> Map<String, Value> {
    let mut filter = section["filter"].as_object().cloned().unwrap_or_default();
    if filter.remove("node_from_env_var").is_some() {
        enrich.remark(format!(
            "{of}: `node_from_env_var` is not needed: one watcher sees all nodes"
        ));
    }
    if filter.remove("fields").is_some() {
        enrich.lost(format!(
            "{of}: `filter.fields` has no equal; `namespace`, `node` and `labels` are there"
        ));
    }
    filter
}

/// The section `k8s`: a cluster for each way to log in, and what has to be collected of it.
pub(super) fn watched(processors: &[Component<'_>]) -> Yaml {
    let mut clusters: Vec<Value> = Vec::new();
    let mut collect: Vec<&str> = Vec::new();
    for (_, section) in processors.iter().filter(|(id, _)| is_it(id)) {
        let mut cluster = Map::new();
        for key in ["auth_type", "kube_config_path", "context"] {
            if let Some(value) = section.get(key).filter(|value| **value != json!("")) {
                cluster.insert(key.to_owned(), value.clone());
            }
        }
        let known = |known: &Value| {
            let mut known = known.as_object().cloned().unwrap_or_default();
            known.remove("name");
            known == cluster
        };
        if !clusters.iter().any(known) {
            let name = match clusters.len() {
                0 => "default".to_owned(),
                before => format!("cluster-{}", before + 1),
            };
            let mut named = Map::from_iter([("name".to_owned(), Value::String(name))]);
            named.extend(cluster);
            clusters.push(Value::Object(named));
        }
        for kind in collected(&section["extract"]) {
            if !collect.contains(&kind) {
                collect.push(kind);
            }
        }
    }
    let extracted = processors.iter().filter(|(id, _)| is_it(id));
    let mut annotations: Vec<String> = extracted
        .flat_map(|(_, section)| items(section["extract"].get("annotations")))
        .filter_map(|field| match field["key_regex"].as_str() {
            Some(pattern) => Some(pattern.to_owned()),
            None => field["key"].as_str().map(regex::escape),
        })
        .collect();
    if !annotations.is_empty() {
        annotations.insert(0, r"resource\.opentelemetry\.io/.+".to_owned());
    }
    let mut k8s = Yaml::map();
    k8s.set("clusters", Value::Array(clusters));
    k8s.set("collect", json!(collect));
    k8s.set("annotations", json!(annotations));
    k8s
}

fn collected(extract: &Value) -> Vec<&'static str> {
    let metadata = items(extract.get("metadata"))
        .iter()
        .filter_map(Value::as_str);
    let of_metadata = metadata.filter_map(|name| match name {
        "k8s.node.uid" => Some("nodes"),
        "k8s.cluster.uid" => Some("namespaces"),
        "k8s.deployment.uid" => Some("deployments"),
        "k8s.cronjob.uid" => Some("jobs"),
        _ => None,
    });
    let fields = ["labels", "annotations"].map(|key| items(extract.get(key)));
    let fields = fields.into_iter().flatten();
    let of_fields = fields.filter_map(|field| match field["from"].as_str()? {
        "namespace" => Some("namespaces"),
        "node" => Some("nodes"),
        "deployment" => Some("deployments"),
        "statefulset" => Some("statefulsets"),
        "daemonset" => Some("daemonsets"),
        "job" => Some("jobs"),
        _ => None,
    });
    of_metadata.chain(of_fields).collect()
}
