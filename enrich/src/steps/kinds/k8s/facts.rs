//! What is known of a sender, by the names of the attributes that `extract.metadata` may list.

use k8s::{Container, Index, Instance, Kind, Object, Owner, Pod, Text};
use ottl::{Draft, EvalError, List, Part, Value};

use super::association::text;

/// Every name, in the order in which attributes are added.
pub(crate) const METADATA: &[&str] = &[
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.pod.hostname",
    "k8s.pod.ip",
    "k8s.pod.start_time",
    "k8s.node.name",
    "k8s.node.uid",
    "k8s.cluster.uid",
    "k8s.replicaset.name",
    "k8s.replicaset.uid",
    "k8s.deployment.name",
    "k8s.deployment.uid",
    "k8s.statefulset.name",
    "k8s.statefulset.uid",
    "k8s.daemonset.name",
    "k8s.daemonset.uid",
    "k8s.job.name",
    "k8s.job.uid",
    "k8s.cronjob.name",
    "k8s.cronjob.uid",
    "k8s.container.name",
    "container.id",
    "container.image.name",
    "container.image.tag",
    "container.image.repo_digests",
    "service.namespace",
    "service.name",
    "service.version",
    "service.instance.id",
];

/// Its uid is the cluster's.
const OF_CLUSTER: &str = "kube-system";
const ANNOTATION: &str = "resource.opentelemetry.io/";

/// The pod that sent a resource.
pub(super) struct Sender<'a> {
    pub(super) index: &'a Index,
    pub(super) cluster: &'a Text,
    pub(super) pod: &'a Pod,
    pub(super) hints: &'a Hints,
}

/// What a resource says of its container.
#[derive(Clone, Debug, Default)]
pub(super) struct Hints {
    pub(super) container_id: Option<String>,
    pub(super) container_name: Option<String>,
    pub(super) restarts: Option<i64>,
}

impl Hints {
    pub(super) fn of(draft: &Draft<'_>) -> Result<Self, EvalError> {
        let restarts = match draft.attribute(Part::Resource, "k8s.container.restart_count")? {
            Value::Int(restarts) => Some(restarts),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        };
        Ok(Self {
            container_id: text(draft, "container.id")?,
            container_name: text(draft, "k8s.container.name")?,
            restarts,
        })
    }
}

impl Sender<'_> {
    /// What is known under one of the names of [`METADATA`].
    pub(super) fn fact(&self, name: &str) -> Option<Value<'static>> {
        let pod = self.pod;
        let text = match name {
            "k8s.namespace.name" => pod.namespace.to_string(),
            "k8s.pod.name" => pod.name.to_string(),
            "k8s.pod.uid" => pod.uid.to_string(),
            "k8s.pod.hostname" => pod.hostname.as_deref()?.to_owned(),
            "k8s.pod.ip" => pod.ips.first()?.to_string(),
            "k8s.pod.start_time" => start_time(pod.started_ms?),
            "k8s.node.name" => pod.node.as_deref()?.to_owned(),
            "k8s.node.uid" => self.object(Kind::Node)?.uid.to_string(),
            "k8s.cluster.uid" => {
                let found = (self.index).object(self.cluster, Kind::Namespace, "", OF_CLUSTER);
                found?.uid.to_string()
            }
            "k8s.deployment.name" => self.deployment()?.to_owned(),
            "k8s.deployment.uid" => self.object(Kind::Deployment)?.uid.to_string(),
            "k8s.cronjob.name" => self.cron_job()?.to_owned(),
            "k8s.cronjob.uid" => {
                let owners = &self.object(Kind::Job)?.owners;
                owner_of(owners, "CronJob")?.uid.to_string()
            }
            "k8s.container.name" => self.container()?.name.to_string(),
            "container.id" => self.instance()?.id.to_string(),
            "container.image.name" => image(&self.container()?.image).0.to_owned(),
            "container.image.tag" => image(&self.container()?.image).1?.to_owned(),
            "container.image.repo_digests" => {
                let digest = digest(&self.container()?.image_id)?;
                return Some(list(digest));
            }
            "service.namespace" => self
                .annotated("service.namespace")
                .unwrap_or(&pod.namespace)
                .to_owned(),
            "service.name" => self.service_name(),
            "service.version" => self.service_version()?,
            "service.instance.id" => self.service_instance()?,
            other => {
                let (kind, uid) = OWNED.iter().find_map(|(prefix, kind)| {
                    let rest = other.strip_prefix(prefix)?;
                    Some((*kind, rest == ".uid"))
                })?;
                let owner = owner_of(&pod.owners, kind)?;
                match uid {
                    true => owner.uid.to_string(),
                    false => owner.name.to_string(),
                }
            }
        };
        Some(Value::Text(text.into()))
    }

    /// The object of that kind that the pod belongs to or runs on.
    pub(super) fn object(&self, kind: Kind) -> Option<&Object> {
        let pod = self.pod;
        let owner = |kind| owner_of(&pod.owners, kind).map(|owner| &*owner.name);
        let (namespace, name) = match kind {
            Kind::Pod => return None,
            Kind::Namespace => ("", &*pod.namespace),
            Kind::Node => ("", pod.node.as_deref()?),
            Kind::Deployment => (&*pod.namespace, self.deployment()?),
            Kind::StatefulSet => (&*pod.namespace, owner("StatefulSet")?),
            Kind::DaemonSet => (&*pod.namespace, owner("DaemonSet")?),
            Kind::Job => (&*pod.namespace, owner("Job")?),
        };
        self.index.object(self.cluster, kind, namespace, name)
    }

    /// A deployment's replica sets are named by it, with a hash of the pods' template behind; pods carry that hash as a label. Where they don't, what looks
    /// like a hash is taken for one, as the Collector does.
    fn deployment(&self) -> Option<&str> {
        let (deployment, hash) = owner_of(&self.pod.owners, "ReplicaSet")?
            .name
            .rsplit_once('-')?;
        let is_hash = match self.label("pod-template-hash") {
            Some(own) => own == hash,
            None => !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        };
        is_hash.then_some(deployment)
    }

    /// A cron job's jobs are named by it, with the time in minutes behind.
    fn cron_job(&self) -> Option<&str> {
        let (cron_job, minutes) = owner_of(&self.pod.owners, "Job")?.name.rsplit_once('-')?;
        let is_time = minutes.len() >= 8 && minutes.bytes().all(|byte| byte.is_ascii_digit());
        is_time.then_some(cron_job)
    }

    /// The container that the resource names, or the only one.
    fn container(&self) -> Option<&Container> {
        let containers = &self.pod.containers;
        if let Some(id) = &self.hints.container_id {
            let has = |container: &&Container| container.instances.iter().any(|it| *it.id == **id);
            return containers.iter().find(has);
        }
        if let Some(name) = &self.hints.container_name {
            return containers.iter().find(|it| *it.name == **name);
        }
        match &containers[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    fn instance(&self) -> Option<&Instance> {
        let instances = &self.container()?.instances;
        match self.hints.restarts {
            Some(restarts) => instances
                .iter()
                .find(|it| i64::from(it.restarts) == restarts),
            None => instances.last(),
        }
    }

    fn service_name(&self) -> String {
        let own = (self.annotated("service.name"))
            .or_else(|| self.label("app.kubernetes.io/instance"))
            .or_else(|| self.label("app.kubernetes.io/name"));
        let owner = |kind| owner_of(&self.pod.owners, kind).map(|owner| &*owner.name);
        let of = own
            .or_else(|| self.deployment())
            .or_else(|| owner("ReplicaSet"))
            .or_else(|| owner("StatefulSet"))
            .or_else(|| owner("DaemonSet"))
            .or_else(|| self.cron_job())
            .or_else(|| owner("Job"));
        of.unwrap_or(&self.pod.name).to_owned()
    }

    fn service_version(&self) -> Option<String> {
        let own =
            (self.annotated("service.version")).or_else(|| self.label("app.kubernetes.io/version"));
        if let Some(own) = own {
            return Some(own.to_owned());
        }
        let image = &self.container()?.image;
        let digest = image.split_once('@').map(|(_, digest)| digest);
        match (self::image(image).1, digest) {
            (Some(tag), Some(digest)) => Some(format!("{tag}@{digest}")),
            (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
            (None, None) => None,
        }
    }

    fn service_instance(&self) -> Option<String> {
        if let Some(own) = self.annotated("service.instance.id") {
            return Some(own.to_owned());
        }
        let (pod, container) = (self.pod, self.container()?);
        Some(format!("{}.{}.{}", pod.namespace, pod.name, container.name))
    }

    fn label(&self, key: &str) -> Option<&str> {
        let mut labels = self.pod.labels.iter();
        let found = labels.find(|(known, _)| **known == *key);
        found
            .map(|(_, value)| &**value)
            .filter(|value| !value.is_empty())
    }

    fn annotated(&self, attribute: &str) -> Option<&str> {
        let mut annotations = self.pod.annotations.iter();
        let found = annotations.find(|(key, _)| key.strip_prefix(ANNOTATION) == Some(attribute));
        found
            .map(|(_, value)| &**value)
            .filter(|value| !value.is_empty())
    }

    /// What annotations say of the resource itself.
    pub(super) fn annotated_attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pod.annotations.iter().filter_map(|(key, value)| {
            let attribute = key.strip_prefix(ANNOTATION)?;
            (!attribute.is_empty()).then_some((attribute, &**value))
        })
    }
}

/// Owners by the beginning of their attributes.
const OWNED: [(&str, &str); 4] = [
    ("k8s.replicaset", "ReplicaSet"),
    ("k8s.statefulset", "StatefulSet"),
    ("k8s.daemonset", "DaemonSet"),
    ("k8s.job", "Job"),
];

fn owner_of<'a>(owners: &'a [Owner], kind: &str) -> Option<&'a Owner> {
    owners.iter().find(|owner| *owner.kind == *kind)
}

/// The name and the tag of an image. `registry:5000/shop` has none.
fn image(image: &str) -> (&str, Option<&str>) {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (image, None),
    }
}

/// `repository@sha256:…`, of what the node resolved.
fn digest(image_id: &str) -> Option<&str> {
    let image = image_id
        .split_once("://")
        .map_or(image_id, |(_, image)| image);
    image.contains('@').then_some(image)
}

pub(super) fn list(text: &str) -> Value<'static> {
    Value::List(List::Owned(vec![Value::Text(text.to_owned().into())]))
}

/// RFC 3339, in whole seconds, as Kubernetes has it.
fn start_time(ms: u64) -> String {
    let days = (ms / 86_400_000) as i64;
    let seconds = ms / 1_000 % 86_400;
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day since 1970, in the Gregorian calendar.
/// Source: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Counted from March on.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_names_and_tags() {
        for (text, expected) in [
            ("shop", ("shop", None)),
            ("shop:1", ("shop", Some("1"))),
            ("r:5000/a/shop", ("r:5000/a/shop", None)),
            ("r:5000/a/shop:1@sha256:0", ("r:5000/a/shop", Some("1"))),
            ("shop@sha256:0", ("shop", None)),
        ] {
            assert_eq!(image(text), expected, "{text}");
        }
        assert_eq!(
            digest("docker-pullable://shop@sha256:0"),
            Some("shop@sha256:0")
        );
        assert_eq!(digest("sha256:0"), None);
    }

    #[test]
    fn times_are_as_kubernetes_writes_them() {
        assert_eq!(start_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(start_time(1_767_225_599_999), "2025-12-31T23:59:59Z");
        assert_eq!(start_time(1_709_210_096_000), "2024-02-29T12:34:56Z");
    }
}
