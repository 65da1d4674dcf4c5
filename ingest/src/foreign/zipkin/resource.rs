//! Which tags of a Zipkin span are about what produced it. Zipkin has nothing between a span and its host, so exporters write resource
//! and scope into the tags.

use std::collections::BTreeMap;

use super::super::attributes::Attributes;
use super::super::otlp::Scope;

/// Under which key the service's name belongs.
const SERVICE_NAME_SOURCE: &str = "otlp.service.name.source";
const SCOPE_NAME: &str = "otel.scope.name";
const SCOPE_VERSION: &str = "otel.scope.version";
/// The same, before they were renamed.
const LIBRARY_NAME: &str = "otel.library.name";
const LIBRARY_VERSION: &str = "otel.library.version";

/// Takes the resource out of the tags. `service` is the local endpoint's.
pub fn resource<'a>(service: &'a str, tags: &mut BTreeMap<&'a str, &'a str>) -> Attributes<'a> {
    let mut resource = Attributes::default();
    let source = tags.remove(SERVICE_NAME_SOURCE).unwrap_or_default();
    if !service.is_empty() {
        let key = match source {
            "" => "service.name",
            source => source,
        };
        resource.put(key, service);
    }
    for key in KEYS {
        if let Some(value) = tags.remove(key) {
            resource.put(*key, value);
        }
    }
    resource
}

/// Takes the scope out of the tags: a version only beside a name.
pub fn scope<'a>(tags: &mut BTreeMap<&'a str, &'a str>) -> Scope<'a> {
    let [name, version, old_name, old_version] =
        [SCOPE_NAME, SCOPE_VERSION, LIBRARY_NAME, LIBRARY_VERSION].map(|key| tags.remove(key));
    match name.or(old_name) {
        None | Some("") => Scope::default(),
        Some(name) => Scope {
            name: name.into(),
            version: version.or(old_version).unwrap_or_default().into(),
        },
    }
}

/// What the Collector takes for attributes of a resource (`getResourceSemanticConventionAttributeNames` of its translator).
const KEYS: &[&str] = &[
    "aws.ecs.cluster.arn",
    "aws.ecs.container.arn",
    "aws.ecs.launchtype",
    "aws.ecs.task.arn",
    "aws.ecs.task.family",
    "aws.ecs.task.revision",
    "aws.eks.cluster.arn",
    "aws.log.group.arns",
    "aws.log.group.names",
    "aws.log.stream.arns",
    "aws.log.stream.names",
    "cloud.account.id",
    "cloud.availability_zone",
    "cloud.platform",
    "cloud.provider",
    "cloud.region",
    "cloud.resource_id",
    "container.id",
    "container.image.name",
    "container.image.tag",
    "container.name",
    "container.runtime",
    "deployment.environment",
    "device.id",
    "device.manufacturer",
    "device.model.identifier",
    "device.model.name",
    "faas.id",
    "faas.instance",
    "faas.max_memory",
    "faas.name",
    "faas.version",
    "host.arch",
    "host.id",
    "host.image.id",
    "host.image.name",
    "host.image.version",
    "host.name",
    "host.type",
    "k8s.cluster.name",
    "k8s.container.name",
    "k8s.container.restart_count",
    "k8s.cronjob.name",
    "k8s.cronjob.uid",
    "k8s.daemonset.name",
    "k8s.daemonset.uid",
    "k8s.deployment.name",
    "k8s.deployment.uid",
    "k8s.job.name",
    "k8s.job.uid",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.node.uid",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.replicaset.name",
    "k8s.replicaset.uid",
    "k8s.statefulset.name",
    "k8s.statefulset.uid",
    "opencensus.exporterversion",
    "opencensus.resourcetype",
    "opencensus.starttime",
    "os.description",
    "os.name",
    "os.type",
    "os.version",
    "process.command",
    "process.command_args",
    "process.command_line",
    "process.executable.name",
    "process.executable.path",
    "process.owner",
    "process.pid",
    "process.runtime.description",
    "process.runtime.name",
    "process.runtime.version",
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
    "telemetry.auto.version",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "webengine.description",
    "webengine.name",
    "webengine.version",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn tags<'a>(pairs: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, &'a str> {
        pairs.iter().copied().collect()
    }

    #[test]
    fn the_resource_leaves_the_tags() {
        let mut of_span = tags(&[("host.name", "h"), ("http.method", "GET")]);
        let found = resource("shop", &mut of_span);
        assert_eq!(found.get("service.name"), Some(&"shop".into()));
        assert_eq!(found.get("host.name"), Some(&"h".into()));
        assert_eq!(of_span, tags(&[("http.method", "GET")]));
        let mut of_span = tags(&[(SERVICE_NAME_SOURCE, "process.executable.name")]);
        let found = resource("shop", &mut of_span);
        assert_eq!(found.get("process.executable.name"), Some(&"shop".into()));
        assert!(found.get("service.name").is_none() && of_span.is_empty());
    }

    #[test]
    fn a_scope_has_a_name() {
        let check = |pairs: &[(&str, &str)], name: &str, version: &str| {
            let mut of_span = tags(pairs);
            let found = scope(&mut of_span);
            assert_eq!(
                (&*found.name, &*found.version),
                (name, version),
                "{pairs:?}"
            );
            assert!(of_span.is_empty());
        };
        check(&[], "", "");
        check(&[(SCOPE_NAME, "a"), (SCOPE_VERSION, "1")], "a", "1");
        check(&[(LIBRARY_NAME, "a"), (LIBRARY_VERSION, "1")], "a", "1");
        check(&[(LIBRARY_NAME, "a"), (SCOPE_NAME, "b")], "b", "");
        check(&[(SCOPE_VERSION, "1")], "", "");
    }
}
