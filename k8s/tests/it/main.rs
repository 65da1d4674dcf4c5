//! The crate as others use it.

#![allow(clippy::unwrap_used)]

mod encoding;
mod memory;
mod model;

use k8s::{Container, Deletion, Entry, Instance, Kind, Object, Owner, Pod};

/// A pod as a cluster has them by the thousand.
fn pod(number: usize) -> Pod {
    let app = format!("app-{}", number % 200);
    let text = |text: &str| text.into();
    let pair = |key: &str, value: &str| (key.into(), value.into());
    let labels = [
        pair("app.kubernetes.io/name", &app),
        pair("app.kubernetes.io/instance", &app),
        pair("app.kubernetes.io/version", "1.27.3"),
        pair("app.kubernetes.io/part-of", "shop"),
        pair("app.kubernetes.io/managed-by", "Helm"),
        pair("helm.sh/chart", &format!("{app}-4.5.6")),
        pair("pod-template-hash", &format!("7d9f8b6c{}", number % 200)),
        pair("team", &format!("team-{}", number % 20)),
    ];
    let annotations = [
        pair("resource.opentelemetry.io/service.name", &app),
        pair(
            "resource.opentelemetry.io/deployment.environment.name",
            "production",
        ),
    ];
    let containers = ["main", "istio-proxy"].map(|name| Container {
        name: text(name),
        image: format!("registry.example.com/shop/{app}-{name}:1.27.3").into(),
        image_id: format!(
            "registry.example.com/shop/{app}@sha256:{:064x}",
            number % 200
        )
        .into(),
        instances: [Instance {
            restarts: 0,
            id: format!("{:032x}{:032x}", number, name.len()).into(),
        }]
        .into(),
    });
    let owner = Owner {
        kind: text("ReplicaSet"),
        name: format!("{app}-7d9f8b6c{}", number % 200).into(),
        uid: format!("00000000-0000-4000-9000-{:012x}", number % 200).into(),
    };
    let octets = u32::try_from(number).unwrap().to_be_bytes();
    Pod {
        uid: format!("00000000-0000-4000-8000-{number:012x}").into(),
        namespace: format!("namespace-{}", number % 50).into(),
        name: format!("{app}-7d9f8b6c{}-{number:05x}", number % 200).into(),
        hostname: Some(format!("{app}-7d9f8b6c{}-{number:05x}", number % 200).into()),
        node: Some(format!("node-{}.example.com", number % 300).into()),
        host_network: false,
        created_ms: 1_700_000_000_000,
        started_ms: Some(1_700_000_001_000),
        ip_since_ms: 1_700_000_001_000,
        ended_ms: None,
        ips: [[10, octets[1], octets[2], octets[3]].into()].into(),
        owners: [owner].into(),
        labels: labels.into(),
        annotations: annotations.into(),
        containers: containers.into(),
    }
}

fn live(pod: Pod) -> Entry {
    Entry::Pod {
        cluster: "prod".into(),
        seen_ms: 1_700_000_002_000,
        pod,
    }
}

fn namespace(name: &str) -> Object {
    Object {
        kind: Kind::Namespace,
        uid: format!("uid-of-{name}").into(),
        namespace: "".into(),
        name: name.into(),
        owners: [].into(),
        labels: [("team".into(), "core".into())].into(),
        annotations: [].into(),
    }
}

fn deletion(at_ms: u64) -> Deletion {
    Deletion {
        at_ms,
        is_exact: true,
        keep_ms: 1_000,
    }
}
