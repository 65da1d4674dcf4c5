//! An object as it is sent, pruned to what telemetry can use.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s::{Container, Instance, Kind, Object, Owner, Pairs, Pod, Text};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use regex::Regex;

use super::object::{Sent, Spec, Status};
use crate::told::Seen;

/// Of one object. Kubernetes bounds nothing but their sum, which is 256 KiB.
const PAIRS_MAX: usize = 128;
const VALUE_BYTES_MAX: usize = 4 << 10;
/// True once a pod has its network, and so its addresses.
const HAS_NETWORK: &str = "PodReadyToStartContainers";

/// What is to be told of an object.
pub(super) fn prune<const META: bool>(kind: Kind, sent: Sent<META>, annotations: &[Regex]) -> Seen {
    let meta = sent.metadata;
    match kind {
        Kind::Pod => Seen::Pod(pod(meta, sent.spec, sent.status, annotations)),
        _ => Seen::Object(object(kind, meta, annotations)),
    }
}

fn pod(meta: ObjectMeta, spec: Spec, status: Status, patterns: &[Regex]) -> Pod {
    let created_ms = meta.creation_timestamp.as_ref().map_or(0, millis);
    let started_ms = status.start_time.as_ref().map(millis);
    let has_network = |condition: &&super::object::Condition| {
        condition.kind == HAS_NETWORK && condition.status == "True"
    };
    let network = status.conditions.iter().find(has_network);
    let network_ms = network.and_then(|found| found.last_transition_time.as_ref().map(millis));
    let containers = containers(&spec, &status);
    let owners = owners(&meta);
    Pod {
        uid: text(meta.uid),
        namespace: text(meta.namespace),
        hostname: spec.hostname.or_else(|| meta.name.clone()).map(Text::from),
        name: text(meta.name),
        node: spec.node_name.map(Text::from),
        host_network: spec.host_network,
        created_ms,
        started_ms,
        ip_since_ms: network_ms.or(started_ms).unwrap_or(created_ms),
        ended_ms: ended(&status),
        ips: addresses(&status),
        owners,
        labels: pairs(meta.labels, |_| true),
        annotations: pairs(meta.annotations, |key| matches(patterns, key)),
        containers,
    }
}

fn object(kind: Kind, meta: ObjectMeta, patterns: &[Regex]) -> Object {
    Object {
        kind,
        owners: owners(&meta),
        uid: text(meta.uid),
        namespace: text(meta.namespace),
        name: text(meta.name),
        labels: pairs(meta.labels, |_| true),
        annotations: pairs(meta.annotations, |key| matches(patterns, key)),
    }
}

/// When the last container of a pod that won't run again ended.
fn ended(status: &Status) -> Option<u64> {
    if !matches!(&*status.phase, "Succeeded" | "Failed") {
        return None;
    }
    let ended = status.container_statuses.iter().filter_map(|container| {
        let terminated = container.state.terminated.as_ref()?;
        terminated.finished_at.as_ref().map(millis)
    });
    ended.max()
}

fn addresses(status: &Status) -> Box<[IpAddr]> {
    let all = status.pod_ips.iter().map(|one| one.ip.as_str());
    let mut found: Vec<IpAddr> = Vec::new();
    for text in status.pod_ip.as_deref().into_iter().chain(all) {
        if let Ok(ip) = text.parse()
            && !found.contains(&ip)
        {
            found.push(ip);
        }
    }
    found.into()
}

fn containers(spec: &Spec, status: &Status) -> Box<[Container]> {
    let statuses = || (status.container_statuses.iter()).chain(&status.init_container_statuses);
    let all = spec.containers.iter().chain(&spec.init_containers);
    let containers = all.map(|container| {
        let status = statuses().find(|status| status.name == container.name);
        let mut instances = Vec::new();
        if let Some(status) = status {
            let last = status.last_state.terminated.as_ref();
            let last = last.and_then(|last| last.container_id.as_deref());
            let restarts = status.restart_count;
            instances.extend(last.map(|id| instance(restarts.saturating_sub(1), id)));
            instances.extend((status.container_id.as_deref()).map(|id| instance(restarts, id)));
        }
        Container {
            name: container.name.as_str().into(),
            image: container.image.as_str().into(),
            image_id: status.map_or("", |status| &status.image_id).into(),
            instances: instances.into(),
        }
    });
    containers.collect()
}

/// `containerd://…`, without the runtime's name.
fn instance(restarts: u32, id: &str) -> Instance {
    Instance {
        restarts,
        id: id.split_once("://").map_or(id, |(_, id)| id).into(),
    }
}

fn owners(meta: &ObjectMeta) -> Box<[Owner]> {
    let owners = meta.owner_references.iter().flatten();
    let owners = owners.map(|owner| Owner {
        kind: owner.kind.as_str().into(),
        name: owner.name.as_str().into(),
        uid: owner.uid.as_str().into(),
    });
    owners.collect()
}

fn pairs(pairs: Option<BTreeMap<String, String>>, wanted: impl Fn(&str) -> bool) -> Pairs {
    let pairs = pairs.into_iter().flatten();
    let wanted = pairs.filter(|(key, value)| value.len() <= VALUE_BYTES_MAX && wanted(key));
    let texts = wanted.map(|(key, value)| (key.into(), value.into()));
    texts.take(PAIRS_MAX).collect()
}

fn matches(patterns: &[Regex], key: &str) -> bool {
    patterns.iter().any(|pattern| pattern.is_match(key))
}

fn text(text: Option<String>) -> Text {
    text.unwrap_or_default().into()
}

fn millis(time: &Time) -> u64 {
    u64::try_from(time.0.as_millisecond()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pruned(sent: serde_json::Value) -> Pod {
        let sent: Sent<false> = serde_json::from_value(sent).unwrap();
        let patterns = [Regex::new("^(?:wanted/.*)$").unwrap()];
        match prune(Kind::Pod, sent, &patterns) {
            Seen::Pod(pod) => pod,
            Seen::Object(_) => panic!("a pod"),
        }
    }

    #[test]
    fn what_telemetry_can_use_stays() {
        let pod = pruned(json!({
            "metadata": {
                "uid": "u", "name": "shop-1", "namespace": "n", "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"team": "core"},
                "annotations": {"wanted/a": "1", "other": "2", "wanted/large": "x".repeat(5000)},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-abc", "uid": "o"}],
            },
            "spec": {
                "nodeName": "node-1", "volumes": [{"name": "v"}],
                "containers": [{"name": "main", "image": "shop:1", "env": [{"name": "SECRET", "value": "s"}]}],
            },
            "status": {
                "phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
                "startTime": "2026-01-01T00:00:01Z",
                "conditions": [{"type": "PodReadyToStartContainers", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z"}],
                "containerStatuses": [{
                    "name": "main", "imageID": "shop@sha256:1", "containerID": "containerd://new", "restartCount": 3, "state": {"running": {}},
                    "lastState": {"terminated": {"containerID": "containerd://old", "exitCode": 1}},
                }],
            },
        }));
        let start_ms = 1_767_225_600_000;
        assert_eq!(
            (&*pod.uid, &*pod.name, &*pod.namespace),
            ("u", "shop-1", "n")
        );
        assert_eq!(pod.hostname.as_deref(), Some("shop-1"));
        assert_eq!(pod.created_ms, start_ms);
        assert_eq!(pod.started_ms, Some(start_ms + 1_000));
        assert_eq!(pod.ip_since_ms, start_ms + 5_000);
        assert_eq!(pod.ended_ms, None);
        let ips: Vec<_> = pod.ips.iter().map(ToString::to_string).collect();
        assert_eq!(ips, ["10.0.0.1", "fd00::1"]);
        assert_eq!(&*pod.owners[0].name, "shop-abc");
        assert_eq!(pod.annotations, [("wanted/a".into(), "1".into())].into());
        let ids: Vec<_> = (pod.containers[0].instances.iter())
            .map(|instance| (instance.restarts, &*instance.id))
            .collect();
        assert_eq!(ids, [(2, "old"), (3, "new")]);
        assert!(!format!("{pod:?}").contains("SECRET"));
    }

    /// Its address may be another pod's by now.
    #[test]
    fn a_job_that_is_done_has_ended() {
        let pod = pruned(json!({
            "metadata": {"uid": "u"},
            "status": {
                "phase": "Succeeded", "podIP": "10.0.0.1",
                "containerStatuses": [
                    {"name": "a", "state": {"terminated": {"finishedAt": "2026-01-01T00:00:07Z"}}},
                    {"name": "b", "state": {"terminated": {"finishedAt": "2026-01-01T00:00:09Z"}}},
                ],
            },
        }));
        assert_eq!(pod.ended_ms, Some(1_767_225_609_000));
    }
}
