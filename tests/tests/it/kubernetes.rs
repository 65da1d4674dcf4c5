//! Kubernetes through the whole system: a real API server, the watcher, the topic, and attributes on spans.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::kube::{Cluster, binaries};
use tests::process::Tailwater;
use tests::world::World;
use tests::{wait_for, wait_until};

const WITHIN: Duration = Duration::from_secs(120);
const PODS: &str = "/api/v1/namespaces/shop/pods";

/// All that a span's resource says, by the span's name.
type Resources = BTreeMap<String, BTreeMap<String, String>>;

/// A pod that runs, at an address: its uid.
fn create(cluster: &Cluster, name: &str, ip: &str, host_network: bool) -> String {
    let pod = json!({
        "metadata": {
            "name": name, "labels": {"app": "shop", "pod-template-hash": "abc123"},
            "annotations": {"resource.opentelemetry.io/service.name": "from-annotation"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-abc123", "uid": "11111111-1111-4111-8111-111111111111"}],
        },
        "spec": {
            "nodeName": "node-1", "hostNetwork": host_network, "automountServiceAccountToken": false,
            "containers": [{"name": "main", "image": "registry:5000/shop:1.2"}, {"name": "proxy", "image": "proxy:3"}],
        },
    });
    let created = cluster.done("POST", PODS, Some(&pod));
    let now = rfc3339(cluster, name);
    let status = json!({"status": {
        "phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "startTime": now,
        "containerStatuses": [{
            "name": "main", "image": "shop:1.2", "imageID": "registry:5000/shop@sha256:0", "containerID": format!("containerd://main-of-{name}"),
            "ready": true, "restartCount": 0, "state": {"running": {"startedAt": now}},
        }],
    }});
    cluster.done("PATCH", &format!("{PODS}/{name}/status"), Some(&status));
    created["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// When it was created, which is as good a time of its start as any.
fn rfc3339(cluster: &Cluster, name: &str) -> String {
    let pod = cluster.done("GET", &format!("{PODS}/{name}"), None);
    let created = pod["metadata"]["creationTimestamp"].as_str().unwrap();
    created.to_owned()
}

fn delete(cluster: &Cluster, name: &str) {
    let now = json!({"gracePeriodSeconds": 0});
    cluster.done("DELETE", &format!("{PODS}/{name}"), Some(&now));
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis() as u64
}

/// Sends one resource with a span for each name and end.
fn send(process: &Tailwater, resource: &[(&str, &str)], spans: &[(&str, u64)]) {
    let attributes: Vec<_> = (resource.iter())
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect();
    let spans: Vec<_> = (spans.iter())
        .map(|(name, end_ms)| {
            let trace = format!("{:032x}", fastrand::u128(1..));
            let end = format!("{end_ms}000000");
            json!({"traceId": trace, "spanId": "0102030405060708", "name": name, "kind": 2, "startTimeUnixNano": end, "endTimeUnixNano": end})
        })
        .collect();
    let body = json!({"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": spans}]}]}).to_string();
    let mut socket = TcpStream::connect(("127.0.0.1", process.http)).unwrap();
    write!(
        socket,
        "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

fn exported(world: &World) -> Resources {
    let text = std::fs::read_to_string(world.path("kept.jsonl")).unwrap_or_default();
    let mut found = Resources::new();
    // The last line may not be whole yet.
    for request in text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        for resource in request["resourceSpans"].as_array().into_iter().flatten() {
            let attributes = resource["resource"]["attributes"]
                .as_array()
                .into_iter()
                .flatten();
            let attributes: BTreeMap<_, _> = attributes
                .map(|attribute| {
                    let value = attribute["value"]["stringValue"].as_str();
                    let value = value.map_or_else(|| attribute["value"].to_string(), str::to_owned);
                    (attribute["key"].as_str().unwrap().to_owned(), value)
                })
                .collect();
            for scope in resource["scopeSpans"].as_array().into_iter().flatten() {
                for span in scope["spans"].as_array().into_iter().flatten() {
                    found.insert(
                        span["name"].as_str().unwrap().to_owned(),
                        attributes.clone(),
                    );
                }
            }
        }
    }
    found
}

/// What came out for these spans, once all have.
fn wait_exported(world: &World, names: &[&str]) -> Resources {
    wait_for("all spans to be exported", WITHIN, || {
        let found = exported(world);
        names
            .iter()
            .all(|name| found.contains_key(*name))
            .then_some(found)
    })
}

/// What a span's resource says under a key; empty: nothing.
fn said<'a>(resources: &'a Resources, span: &str, key: &str) -> &'a str {
    resources[span].get(key).map_or("", String::as_str)
}

fn gauge(process: &Tailwater, state: &str) -> f64 {
    let labels = [("cluster", "test"), ("state", state)];
    process.metrics().sum("tailwater_k8s_pods", &labels)
}

fn world(cluster: &Cluster) -> World {
    let mut world = World::embedded();
    world.set_decision_wait(500);
    world.config["sampler"]["policies"] = json!([{"name": "all", "type": "always_sample"}]);
    world.config["k8s"] = json!({
        "clusters": [{"name": "test", "auth_type": "kubeConfig", "kube_config_path": cluster.kubeconfig()}],
        "collect": ["namespaces"],
    });
    world.config["enrich"] = json!({"steps": [{"k8s_attributes": {
        "extract": {
            "metadata": [
                "k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.pod.start_time", "k8s.deployment.name", "k8s.node.name", "container.image.name",
                "container.image.tag", "service.name",
            ],
            "labels": [{"tag_name": "team", "key": "team", "from": "namespace"}, {"key": "app"}],
            "otel_annotations": true,
        },
        "wait_for_metadata_timeout": "60s",
    }}]});
    world
}

/// The rights of the chart, and no others.
fn allow(cluster: &Cluster) {
    let rules = json!([{"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["list", "watch"]}]);
    let role = json!({"metadata": {"name": "watcher"}, "rules": rules});
    let roles = "/apis/rbac.authorization.k8s.io/v1";
    cluster.done("POST", &format!("{roles}/clusterroles"), Some(&role));
    let binding = json!({
        "metadata": {"name": "watcher"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "watcher"},
        "subjects": [{"kind": "User", "name": "watcher", "apiGroup": "rbac.authorization.k8s.io"}],
    });
    cluster.done(
        "POST",
        &format!("{roles}/clusterrolebindings"),
        Some(&binding),
    );
}

/// Pods by uid, address, container and name; none by the address of a node; an address that was given to another pod; an API server that forbids, goes
/// away and comes back; and pods that came and went while nobody watched.
#[test]
fn spans_get_the_attributes_of_the_pod_that_sent_them() {
    let Ok(binaries) = binaries() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = Cluster::start(&binaries, folder.path());
    let namespace = json!({"metadata": {"name": "shop", "labels": {"team": "core"}}});
    cluster.done("POST", "/api/v1/namespaces", Some(&namespace));
    let first = create(&cluster, "first", "10.1.0.1", false);
    create(&cluster, "on-host", "10.9.0.1", true);

    // Without rights: it says so, and goes on asking.
    let world = world(&cluster);
    let mut process = world.process("run", "all");
    process.start();
    wait_until("the watcher to be forbidden", WITHIN, || {
        let labels = [("cluster", "test"), ("reason", "forbidden")];
        process
            .metrics()
            .sum("tailwater_k8s_failures_total", &labels)
            > 0.0
    });
    allow(&cluster);
    wait_until("both pods to be known", WITHIN, || {
        gauge(&process, "live") == 2.0
    });
    process.wait_ready();

    let now = now_ms();
    send(&process, &[("k8s.pod.uid", &first)], &[("by-uid", now)]);
    send(
        &process,
        &[("k8s.pod.ip", "10.1.0.1"), ("k8s.container.name", "main")],
        &[("by-ip", now)],
    );
    send(
        &process,
        &[("container.id", "main-of-first")],
        &[("by-container", now)],
    );
    send(
        &process,
        &[
            ("k8s.namespace.name", "shop"),
            ("k8s.pod.name", "on-host"),
            ("service.name", "own"),
        ],
        &[("by-name", now)],
    );
    send(&process, &[("k8s.pod.ip", "10.9.0.1")], &[("by-node", now)]);
    let found = wait_exported(
        &world,
        &["by-uid", "by-ip", "by-container", "by-name", "by-node"],
    );
    for span in ["by-uid", "by-ip", "by-container"] {
        for (key, value) in [
            ("k8s.pod.name", "first"),
            ("k8s.pod.uid", first.as_str()),
            ("k8s.namespace.name", "shop"),
            ("k8s.deployment.name", "shop"),
            ("k8s.node.name", "node-1"),
            ("team", "core"),
            ("k8s.pod.labels.app", "shop"),
            ("service.name", "from-annotation"),
        ] {
            assert_eq!(said(&found, span, key), value, "{key} of {span}");
        }
    }
    for span in ["by-ip", "by-container"] {
        assert_eq!(
            said(&found, span, "container.image.name"),
            "registry:5000/shop"
        );
        assert_eq!(said(&found, span, "container.image.tag"), "1.2");
    }
    assert_eq!(
        said(&found, "by-uid", "container.image.name"),
        "",
        "of two containers"
    );
    assert_eq!(said(&found, "by-name", "k8s.node.name"), "node-1");
    assert_eq!(
        said(&found, "by-name", "service.name"),
        "own",
        "what is there stays"
    );
    assert_eq!(found["by-node"].len(), 1, "{:?}", found["by-node"]);

    // The address goes to another pod: each span of one resource has the pod of its time.
    let before = now_ms();
    delete(&cluster, "first");
    wait_until("the pod to be gone", WITHIN, || {
        gauge(&process, "deleted") == 1.0
    });
    let second = create(&cluster, "second", "10.1.0.1", false);
    wait_until("the next pod to be known", WITHIN, || {
        gauge(&process, "live") == 2.0
    });
    wait_until("the address to be its own", WITHIN, || {
        let after = now_ms();
        send(
            &process,
            &[("k8s.pod.ip", "10.1.0.1")],
            &[("earlier", before), ("later", after)],
        );
        let found = wait_exported(&world, &["earlier", "later"]);
        assert_eq!(said(&found, "earlier", "k8s.pod.uid"), first);
        said(&found, "later", "k8s.pod.uid") == second
    });

    // The API server goes, and what is known stays.
    cluster.stop_server();
    wait_until("the watcher to miss it", WITHIN, || {
        let labels = [("cluster", "test"), ("reason", "unreachable")];
        process
            .metrics()
            .sum("tailwater_k8s_failures_total", &labels)
            > 0.0
    });
    send(
        &process,
        &[("k8s.pod.uid", &second)],
        &[("without-server", now_ms())],
    );
    let found = wait_exported(&world, &["without-server"]);
    assert_eq!(said(&found, "without-server", "k8s.pod.name"), "second");

    // It dies with the watcher, and comes back before it: what happened meanwhile is told, and what is long gone is found.
    process.kill();
    cluster.start_server();
    delete(&cluster, "second");
    let third = create(&cluster, "third", "10.1.0.3", false);
    process.start();
    process.wait_ready();
    wait_until("what happened to be known", WITHIN, || {
        gauge(&process, "live") == 2.0 && gauge(&process, "deleted") == 2.0
    });
    send(
        &process,
        &[("k8s.pod.uid", &first)],
        &[("long-gone", before)],
    );
    send(
        &process,
        &[("k8s.pod.ip", "10.1.0.3")],
        &[("third", now_ms())],
    );
    let found = wait_exported(&world, &["long-gone", "third"]);
    assert_eq!(said(&found, "long-gone", "k8s.pod.name"), "first");
    assert_eq!(said(&found, "third", "k8s.pod.uid"), third);
    process.stop();
}
