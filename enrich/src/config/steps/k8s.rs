//! `k8s_attributes`: the Collector's processor of that name, less what the watcher does here.

use runtime::config::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Adds attributes of the Kubernetes pod that sent a resource. Clusters are watched by `tailwater watch` (section `k8s`).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "auth_type": "clusters are watched once for all steps; write it in `k8s.clusters`",
    "kube_config_path": "clusters are watched once for all steps; write it in `k8s.clusters`",
    "context": "clusters are watched once for all steps; write it in `k8s.clusters`",
    "passthrough": "use `ingest.peer_address`, which stamps addresses where telemetry comes in",
    "wait_for_metadata": "it always waits; `wait_for_metadata_timeout: 0s` doesn't",
}))]
pub struct RawK8sAttributes {
    pub extract: RawExtract,
    /// Which pods count; others are as good as unknown.
    pub filter: RawPodFilter,
    /// How the pod of a resource is found: rules that are tried in order, until one finds a pod. A rule holds if all of its sources do.
    pub pod_association: Vec<RawAssociation>,
    pub exclude: RawExclude,
    /// How attributes of labels and annotations are named where `tag_name` doesn't say.
    pub semconv: RawK8sSemconv,
    /// How long enrich waits at its start for what is known of clusters. It isn't ready meanwhile, and starts without afterwards.
    pub wait_for_metadata_timeout: Duration,
    /// How long an item waits, from when it ended, for a pod that isn't known yet.
    pub wait_for_pod: Duration,
}

impl Default for RawK8sAttributes {
    fn default() -> Self {
        let by = |names: &[&str]| RawAssociation {
            sources: names
                .iter()
                .map(|name| RawPodSource::attribute(name))
                .collect(),
        };
        Self {
            extract: RawExtract::default(),
            filter: RawPodFilter::default(),
            pod_association: vec![
                by(&["k8s.pod.uid"]),
                by(&["k8s.pod.ip"]),
                by(&["container.id"]),
                by(&["k8s.namespace.name", "k8s.pod.name"]),
            ],
            exclude: RawExclude::default(),
            semconv: RawK8sSemconv::default(),
            wait_for_metadata_timeout: Duration::from_secs(10),
            wait_for_pod: Duration::from_secs(2),
        }
    }
}

/// What becomes attributes of the resource. An attribute that is there already stays as it is.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawExtract {
    /// What is known of the pod, by the names of the attributes.
    pub metadata: Vec<String>,
    pub labels: Vec<RawTag>,
    pub annotations: Vec<RawTag>,
    /// An annotation `resource.opentelemetry.io/foo` becomes the attribute `foo`.
    pub otel_annotations: bool,
    /// A deployment's name is that of the replica set, less the hash. Replica sets aren't watched, so this can't be false.
    pub deployment_name_from_replicaset: bool,
}

impl Default for RawExtract {
    fn default() -> Self {
        let metadata = [
            "k8s.namespace.name",
            "k8s.pod.name",
            "k8s.pod.uid",
            "k8s.pod.start_time",
            "k8s.deployment.name",
            "k8s.node.name",
        ];
        Self {
            metadata: metadata.map(str::to_owned).into(),
            labels: Vec::new(),
            annotations: Vec::new(),
            otel_annotations: false,
            deployment_name_from_replicaset: true,
        }
    }
}

/// A label or annotation that becomes an attribute.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTag {
    /// The attribute; `$1` is a group of `key_regex`. Absent: `k8s.pod.labels.<key>` and the like.
    pub tag_name: String,
    pub key: String,
    /// A pattern that a whole key must match.
    pub key_regex: String,
    pub from: RawFrom,
}

/// Whose labels or annotations are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawFrom {
    #[default]
    Pod,
    Namespace,
    Node,
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("x-foreign-keys" = {
    "node_from_env_var": "one watcher sees all nodes; write the node's name as `node`, such as ${env:NODE}",
}))]
pub struct RawPodFilter {
    /// Only pods of this node.
    pub node: String,
    /// Only pods of this namespace.
    pub namespace: String,
    /// Only pods of which all of this is so.
    pub labels: Vec<RawFieldFilter>,
}

/// What must be so of a label.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawFieldFilter {
    pub key: String,
    pub value: String,
    pub op: RawOperator,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawOperator {
    #[default]
    Equals,
    NotEquals,
    Exists,
    DoesNotExist,
}

/// Sources that all must match, four at most.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawAssociation {
    pub sources: Vec<RawPodSource>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawPodSource {
    pub from: RawFieldSource,
    /// The attribute of the resource.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

impl RawPodSource {
    fn attribute(name: &str) -> Self {
        Self {
            from: RawFieldSource::ResourceAttribute,
            name: name.to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawFieldSource {
    #[default]
    ResourceAttribute,
    /// The address that `ingest.peer_address` has stamped as `k8s.pod.ip`.
    Connection,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawExclude {
    /// Pods whose attributes nobody gets.
    pub pods: Vec<RawExcludedPod>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawExcludedPod {
    /// A pattern that is found in the pod's name.
    pub name: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RawK8sSemconv {
    /// `k8s.pod.labels.<key>`, `container.image.tag`.
    #[default]
    V0,
    /// `k8s.pod.label.<key>`, `container.image.tags`.
    V1,
}
