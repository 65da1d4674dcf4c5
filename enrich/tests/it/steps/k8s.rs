//! `k8s_attributes`, with pods that a test knows.

use std::collections::BTreeMap;

use ::k8s::{Container, Deletion, Entry, Instance, Kind, Object, Owner, Pod};
use enrich::{Enricher, Pods};
use schemas::Signal;
use serde_json::{Value, json};

use super::{BYTES_MAX, attribute, decoded, encoded, steps};

const START_MS: u64 = 1_780_000_000_000;
/// When the address of the old pod became the new one's.
const SWAP_MS: u64 = START_MS + 100_000;

fn pod(uid: &str, ip: [u8; 4], since_ms: u64) -> Pod {
    let pair = |key: &str, value: &str| (key.into(), value.into());
    Pod {
        uid: uid.into(),
        namespace: "shop".into(),
        name: format!("{uid}-pod").into(),
        node: Some("node-1".into()),
        created_ms: since_ms,
        started_ms: Some(since_ms),
        ip_since_ms: since_ms,
        ips: [ip.into()].into(),
        owners: [Owner {
            kind: "ReplicaSet".into(),
            name: "cart-7d9f".into(),
            uid: "rs".into(),
        }]
        .into(),
        labels: [pair("app.tier", "web"), pair("pod-template-hash", "7d9f")].into(),
        annotations: [pair("resource.opentelemetry.io/zone", "z1")].into(),
        containers: [Container {
            name: "main".into(),
            image: "registry:5000/cart:1.2".into(),
            image_id: "registry:5000/cart@sha256:0".into(),
            instances: [Instance {
                restarts: 0,
                id: format!("container-of-{uid}").into(),
            }]
            .into(),
        }]
        .into(),
        ..Pod::default()
    }
}

/// An old pod and the new one that has its address now, one on its node's network, and their namespace.
fn pods() -> Pods {
    let cluster = || "prod".into();
    let live = |pod| Entry::Pod {
        cluster: cluster(),
        seen_ms: START_MS,
        pod,
    };
    let on_host = Pod {
        host_network: true,
        ..pod("host", [10, 0, 0, 9], START_MS)
    };
    let namespace = Object {
        kind: Kind::Namespace,
        uid: "ns".into(),
        namespace: "".into(),
        name: "shop".into(),
        owners: [].into(),
        labels: [("team".into(), "core".into())].into(),
        annotations: [].into(),
    };
    let pods = Pods::default();
    pods.apply(vec![
        live(pod("old", [10, 0, 0, 1], START_MS)),
        // Kubernetes began it before the address was free.
        live(pod("new", [10, 0, 0, 1], SWAP_MS - 20_000)),
        live(on_host),
        Entry::Deleted {
            cluster: cluster(),
            kind: Kind::Pod,
            uid: "old".into(),
            deletion: Deletion {
                at_ms: SWAP_MS,
                is_exact: true,
                keep_ms: 1_000_000,
            },
        },
        Entry::Object {
            cluster: cluster(),
            seen_ms: START_MS,
            object: namespace,
        },
    ]);
    pods
}

/// What the resources of spans say that ended at those times, all in one resource; by the number of the span.
fn enriched(step: &str, resource: &[Value], ends_ms: &[u64]) -> Vec<BTreeMap<String, Value>> {
    let config = steps(&format!("steps: [{{k8s_attributes: {step}}}]"));
    let config = config.unwrap_or_else(|report| panic!("{report}"));
    let spans = ends_ms.iter().enumerate().map(|(number, end_ms)| {
        json!({"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": format!("{:016x}", number + 1), "name": number.to_string(), "endTimeUnixNano": format!("{end_ms}000000")})
    });
    let spans: Vec<_> = spans.collect();
    let request = json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": spans}]}]});
    let request = encoded(Signal::Traces, &request);
    let done = Enricher::with_pods(&config, pods()).apply(Signal::Traces, None, request, BYTES_MAX);
    let out = decoded(Signal::Traces, &done.clean[0]);
    let mut found = BTreeMap::new();
    for resource in out["resourceSpans"].as_array().into_iter().flatten() {
        let attributes = resource["resource"]["attributes"].as_array();
        let attributes = attributes.into_iter().flatten().map(|attribute| {
            let (key, value) = (&attribute["key"], &attribute["value"]);
            let text = value.get("stringValue").unwrap_or(value);
            (key.as_str().unwrap_or_default().to_owned(), text.clone())
        });
        let attributes: BTreeMap<_, _> = attributes.collect();
        for scope in resource["scopeSpans"].as_array().into_iter().flatten() {
            for span in scope["spans"].as_array().into_iter().flatten() {
                found.insert(span["name"].to_string(), attributes.clone());
            }
        }
    }
    found.into_values().collect()
}

fn by_ip() -> Vec<Value> {
    vec![attribute("k8s.pod.ip", "10.0.0.1")]
}

#[track_caller]
fn check(step: &str, resource: &[Value], expected: &[(&str, &str)]) {
    let found = enriched(step, resource, &[SWAP_MS + 60_000]).remove(0);
    let own: Vec<_> = resource.iter().map(|it| it["key"].as_str()).collect();
    let added: Vec<_> = (found.iter())
        .filter(|(key, _)| !own.contains(&Some(key.as_str())))
        .map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()))
        .collect();
    assert_eq!(added, expected);
}

#[test]
fn a_resource_gets_the_attributes_of_its_pod() {
    let all = [
        ("k8s.deployment.name", "cart"),
        ("k8s.namespace.name", "shop"),
        ("k8s.node.name", "node-1"),
        ("k8s.pod.name", "new-pod"),
        ("k8s.pod.start_time", "2026-05-28T20:28:00Z"),
        ("k8s.pod.uid", "new"),
    ];
    check("{}", &by_ip(), &all);
    check("{}", &[attribute("container.id", "container-of-new")], &all);
    check("{}", &[attribute("k8s.pod.uid", "none")], &[]);
    check("{}", &[attribute("k8s.pod.ip", "10.0.0.9")], &[]);
    check("{}", &[attribute("k8s.pod.ip", "no address")], &[]);
    // A rule that finds nothing isn't the end.
    let both = [by_ip(), vec![attribute("k8s.pod.uid", "none")]].concat();
    check(
        "{extract: {metadata: [k8s.node.name]}}",
        &both,
        &[("k8s.node.name", "node-1")],
    );
    let on_host = [
        attribute("k8s.pod.name", "host-pod"),
        attribute("k8s.namespace.name", "shop"),
    ];
    check(
        "{extract: {metadata: [k8s.pod.uid]}}",
        &on_host,
        &[("k8s.pod.uid", "host")],
    );
}

#[test]
fn what_is_there_stays() {
    let resource = [by_ip(), vec![attribute("k8s.pod.name", "own")]].concat();
    let step =
        "{extract: {metadata: [k8s.pod.name]}, pod_association: [{sources: [{name: k8s.pod.ip}]}]}";
    check(step, &resource, &[]);
}

#[test]
fn labels_annotations_and_containers() {
    check(
        "{extract: {metadata: [], labels: [{tag_name: team, key: team, from: namespace}, {tag_name: $1, key_regex: 'app\\.(.*)'}, {key: app.tier}], otel_annotations: true}}",
        &by_ip(),
        &[
            ("k8s.pod.labels.app.tier", "web"),
            ("team", "core"),
            ("tier", "web"),
            ("zone", "z1"),
        ],
    );
    check(
        "{semconv: v1, extract: {metadata: [], labels: [{key: app.tier}]}}",
        &by_ip(),
        &[("k8s.pod.label.app.tier", "web")],
    );
    check(
        "{extract: {metadata: [k8s.container.name, container.id, container.image.name, container.image.tag, service.name, service.version, service.instance.id, service.namespace, k8s.replicaset.uid]}}",
        &by_ip(),
        &[
            ("container.id", "container-of-new"),
            ("container.image.name", "registry:5000/cart"),
            ("container.image.tag", "1.2"),
            ("k8s.container.name", "main"),
            ("k8s.replicaset.uid", "rs"),
            ("service.instance.id", "shop.new-pod.main"),
            ("service.name", "cart"),
            ("service.namespace", "shop"),
            ("service.version", "1.2"),
        ],
    );
}

#[test]
fn filters_and_exclusions() {
    let with = |more: &str| format!("{{extract: {{metadata: [k8s.pod.uid]}}, {more}}}");
    for (more, is_found) in [
        (
            "filter: {namespace: shop, node: node-1, labels: [{key: app.tier, op: exists}]}",
            true,
        ),
        ("filter: {namespace: other}", false),
        ("filter: {labels: [{key: app.tier, value: db}]}", false),
        (
            "filter: {labels: [{key: app.tier, value: db, op: not-equals}]}",
            true,
        ),
        ("exclude: {pods: [{name: '^new'}]}", false),
    ] {
        let expected: &[_] = if is_found {
            &[("k8s.pod.uid", "new")]
        } else {
            &[]
        };
        check(&with(more), &by_ip(), expected);
    }
}

/// An address was given to another pod within one resource, and its items came in any order.
#[test]
fn each_item_has_the_pod_of_its_time() {
    let ends = [
        SWAP_MS - 1,
        SWAP_MS,
        SWAP_MS - 15_000,
        SWAP_MS + 50_000,
        START_MS - 6_000,
        0,
    ];
    let found = enriched("{extract: {metadata: [k8s.pod.uid]}}", &by_ip(), &ends);
    let uids: Vec<_> = found
        .iter()
        .map(|resource| {
            resource
                .get("k8s.pod.uid")
                .and_then(Value::as_str)
                .unwrap_or("-")
        })
        .collect();
    // The last one doesn't say when it ended.
    assert_eq!(uids, ["old", "new", "old", "new", "-", "new"]);
}

#[test]
fn everything_that_is_wrong_is_told() {
    let report = steps(
        "steps:\n  - k8s_attributes:\n      auth_type: serviceAccount\n      extract: {metadata: [k8s.pod.nam]}\n",
    );
    let report = report.map(drop).expect_err("it is wrong");
    assert!(report.contains("k8s.clusters"), "{report}");
    let report = steps(
        "steps:\n  - k8s_attributes:\n      wait_for_pod: 1m\n      extract: {metadata: [k8s.pod.nam], labels: [{key: a, key_regex: b}, {}], deployment_name_from_replicaset: false}\n      pod_association: [{sources: [{name: k8s.namespace.name}]}, {sources: [{name: nothing}]}]\n      exclude: {pods: [{name: '('}]}\n",
    );
    let report = report.map(drop).expect_err("it is wrong");
    for part in [
        "did you mean \"k8s.pod.name\"?",
        "contradict each other",
        "needs `key` or `key_regex`",
        "can't be false",
        "can't find a pod",
        "no attribute that pods are found by",
        "is no regular expression",
        "must be at most 10s",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}
