//! The `k8s` section of the configuration: which clusters are watched, and what is collected of them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use k8s::Kind;
use regex::Regex;
use runtime::config::{Duration, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The topic keeps records for seven days, and each object is told once a day: what went must be forgotten before its last record is.
const KEEP_DELETED_MAX: Duration = Duration::from_secs(6 * 24 * 3600);
const CLUSTERS_MAX: usize = 64;

/// Kubernetes clusters that are watched, for the step `k8s_attributes`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// The clusters that `tailwater watch` watches. On an embedded bus, `tailwater run` watches them.
    pub clusters: Vec<RawCluster>,
    /// For how long a pod is found after it went; at least as long as raw telemetry may wait on the bus. At most 144h.
    pub keep_deleted: Duration,
    /// What is watched besides pods. Each needs a right of its own.
    pub collect: Vec<RawCollected>,
    /// Annotations that are collected: regular expressions that a whole key must match. Annotations may be large, so they are left out unless
    /// something extracts them.
    pub annotations: Vec<String>,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            clusters: Vec::new(),
            keep_deleted: Duration::from_secs(24 * 3600),
            collect: Vec::new(),
            annotations: vec![r"resource\.opentelemetry\.io/.+".to_owned()],
        }
    }
}

/// A cluster, and how its API server is reached.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawCluster {
    /// Its name: where resources have `k8s.cluster.name`, they are looked up in the cluster of that name.
    pub name: String,
    pub auth_type: RawAuthType,
    /// For `kubeConfig`. Absent: `$KUBECONFIG`, or ~/.kube/config.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_config_path: Option<PathBuf>,
    /// For `kubeConfig`. Absent: the file's current context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum RawAuthType {
    /// The service account of the pod that this runs in.
    #[default]
    #[serde(rename = "serviceAccount")]
    ServiceAccount,
    /// A kubeconfig file.
    #[serde(rename = "kubeConfig")]
    KubeConfig,
}

/// A kind of object besides pods.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RawCollected {
    /// For their labels and annotations, and for `k8s.cluster.uid`.
    Namespaces,
    /// For their labels and annotations, and for `k8s.node.uid`.
    Nodes,
    /// For their labels and annotations, and for `k8s.deployment.uid`.
    Deployments,
    StatefulSets,
    DaemonSets,
    /// For their labels and annotations, and for `k8s.cronjob.uid`.
    Jobs,
}

impl RawCollected {
    fn kind(self) -> Kind {
        match self {
            Self::Namespaces => Kind::Namespace,
            Self::Nodes => Kind::Node,
            Self::Deployments => Kind::Deployment,
            Self::StatefulSets => Kind::StatefulSet,
            Self::DaemonSets => Kind::DaemonSet,
            Self::Jobs => Kind::Job,
        }
    }
}

/// A valid `k8s` section.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub clusters: Vec<Cluster>,
    pub keep_deleted_ms: u64,
    /// Pods first.
    pub kinds: Vec<Kind>,
    pub annotations: Vec<Regex>,
}

/// A cluster that is watched.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: Arc<str>,
    pub auth: Auth,
}

/// How one logs in to an API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    ServiceAccount,
    KubeConfig {
        path: Option<PathBuf>,
        context: Option<String>,
    },
}

impl RawConfig {
    /// Reports everything that is wrong; the result is only to be used when nothing was.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        if self.keep_deleted > KEEP_DELETED_MAX || self.keep_deleted.0.is_zero() {
            let message = format!(
                "must be above 0s and at most {KEEP_DELETED_MAX}: the topic keeps records for seven days"
            );
            problems.push(format!("{path}.keep_deleted"), message);
        }
        if self.clusters.len() > CLUSTERS_MAX {
            let message = format!("has more than {CLUSTERS_MAX} clusters; use several watchers");
            problems.push(format!("{path}.clusters"), message);
        }
        let mut names = BTreeSet::new();
        let mut clusters = Vec::new();
        for (index, raw) in self.clusters.iter().enumerate() {
            let at = format!("{path}.clusters[{index}]");
            if !names.insert(&raw.name) {
                problems.push(format!("{at}.name"), "is the name of another cluster too");
            }
            clusters.push(raw.validate(&at, problems));
        }
        let kinds: BTreeSet<_> = self
            .collect
            .iter()
            .map(|collected| collected.kind())
            .collect();
        let mut annotations = Vec::new();
        for (index, pattern) in self.annotations.iter().enumerate() {
            match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(pattern) => annotations.push(pattern),
                Err(error) => problems.push(
                    format!("{path}.annotations[{index}]"),
                    format!("is no regular expression: {error}"),
                ),
            }
        }
        Config {
            clusters,
            keep_deleted_ms: self.keep_deleted.0.as_millis() as u64,
            kinds: [Kind::Pod].into_iter().chain(kinds).collect(),
            annotations,
        }
    }
}

impl RawCluster {
    fn validate(&self, at: &str, problems: &mut Problems) -> Cluster {
        if self.name.is_empty() {
            problems.push(
                at,
                "the key `name` is missing: what resources have as `k8s.cluster.name`, or any other name",
            );
        }
        let auth = match self.auth_type {
            RawAuthType::ServiceAccount => Auth::ServiceAccount,
            RawAuthType::KubeConfig => Auth::KubeConfig {
                path: self.kube_config_path.clone(),
                context: self.context.clone(),
            },
        };
        let given = [
            ("kube_config_path", self.kube_config_path.is_some()),
            ("context", self.context.is_some()),
        ];
        for (key, _) in given.iter().filter(|(_, given)| *given) {
            if auth == Auth::ServiceAccount {
                problems.push(
                    format!("{at}.{key}"),
                    "is only used with `auth_type: kubeConfig`",
                );
            }
        }
        Cluster {
            name: self.name.as_str().into(),
            auth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_named_by_path() {
        let check = |json: &str, expected: &[&str]| {
            let raw: RawConfig = serde_json::from_str(json).expect("it is of that type");
            let mut problems = Problems::new();
            raw.validate("k8s", &mut problems);
            let paths: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
            assert_eq!(paths, expected, "{json}");
        };
        check("{}", &[]);
        check(
            r#"{"clusters": [{"name": "a"}, {"name": "b", "auth_type": "kubeConfig", "context": "c"}], "collect": ["namespaces", "statefulsets"]}"#,
            &[],
        );
        check(
            r#"{"clusters": [{"name": "a"}, {"name": "a", "context": "c"}, {}], "keep_deleted": "7days", "annotations": ["("]}"#,
            &[
                "k8s.keep_deleted",
                "k8s.clusters[1].name",
                "k8s.clusters[1].context",
                "k8s.clusters[2]",
                "k8s.annotations[0]",
            ],
        );
    }
}
