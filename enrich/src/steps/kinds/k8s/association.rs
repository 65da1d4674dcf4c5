//! By what a resource says which pod sent it.

use std::net::IpAddr;

use k8s::{Index, Query};
use ottl::{Draft, EvalError, Part, Value};

/// The attribute that names a cluster: where a watched cluster has that name, pods of others aren't meant.
const CLUSTER: &str = "k8s.cluster.name";

/// Attributes that all must be those of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Association {
    pub(crate) sources: Vec<Source>,
}

/// What an attribute says of the pod. Named as the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Uid,
    Ip,
    Container,
    Name,
    Namespace,
    Node,
    Hostname,
}

impl Source {
    pub(crate) const ALL: [Self; 7] = [
        Self::Uid,
        Self::Ip,
        Self::Container,
        Self::Name,
        Self::Namespace,
        Self::Node,
        Self::Hostname,
    ];

    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Uid => "k8s.pod.uid",
            Self::Ip => "k8s.pod.ip",
            Self::Container => "container.id",
            Self::Name => "k8s.pod.name",
            Self::Namespace => "k8s.namespace.name",
            Self::Node => "k8s.node.name",
            Self::Hostname => "k8s.pod.hostname",
        }
    }

    /// Whether pods are found by it; by the others they are only told apart.
    pub(crate) fn finds(self) -> bool {
        matches!(self, Self::Uid | Self::Ip | Self::Container | Self::Name)
    }
}

/// What one association asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    uid: Option<String>,
    ip: Option<IpAddr>,
    container: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    node: Option<String>,
    hostname: Option<String>,
    cluster: Option<String>,
}

impl Asked {
    /// What each association asks for of a resource that has all of its attributes, in their order.
    pub(super) fn all(
        associations: &[Association],
        draft: &Draft<'_>,
    ) -> Result<Vec<Self>, EvalError> {
        let cluster = text(draft, CLUSTER)?;
        let mut all = Vec::new();
        'associations: for association in associations {
            let mut asked = Self {
                cluster: cluster.clone(),
                ..Self::default()
            };
            for source in &association.sources {
                let Some(value) = text(draft, source.attribute())? else {
                    continue 'associations;
                };
                let place = match source {
                    Source::Ip => {
                        let Ok(ip) = value.parse() else {
                            continue 'associations;
                        };
                        asked.ip = Some(ip);
                        continue;
                    }
                    Source::Uid => &mut asked.uid,
                    Source::Container => &mut asked.container,
                    Source::Name => &mut asked.name,
                    Source::Namespace => &mut asked.namespace,
                    Source::Node => &mut asked.node,
                    Source::Hostname => &mut asked.hostname,
                };
                *place = Some(value);
            }
            all.push(asked);
        }
        Ok(all)
    }

    pub(super) fn query(&self, index: &Index) -> Query<'_> {
        let cluster = self.cluster.as_deref();
        Query {
            uid: self.uid.as_deref(),
            ip: self.ip,
            container: self.container.as_deref(),
            name: self.name.as_deref(),
            namespace: self.namespace.as_deref(),
            node: self.node.as_deref(),
            hostname: self.hostname.as_deref(),
            // Resources may know their cluster by another name than the watcher.
            cluster: cluster.filter(|cluster| index.has_cluster(cluster)),
        }
    }
}

/// The text of an attribute that says something.
pub(super) fn text(draft: &Draft<'_>, key: &str) -> Result<Option<String>, EvalError> {
    Ok(match draft.attribute(Part::Resource, key)? {
        Value::Text(text) if !text.is_empty() => Some(text.into_owned()),
        _ => None,
    })
}
