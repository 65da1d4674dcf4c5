//! What the API server sends, as far as it is read. Everything else of an object is passed over while it is parsed, so no whole object is ever held.

use std::borrow::Cow;

use k8s::Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::core::{ApiResource, DynamicResourceScope, GroupVersionKind, Resource};
use serde::Deserialize;

/// An object of any kind. With `META`, the API server is asked for no more than metadata.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Sent<const META: bool> {
    pub(super) metadata: ObjectMeta,
    #[serde(default)]
    pub(super) spec: Spec,
    #[serde(default)]
    pub(super) status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    pub(super) node_name: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) host_network: bool,
    pub(super) containers: Vec<SpecContainer>,
    pub(super) init_containers: Vec<SpecContainer>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SpecContainer {
    pub(super) name: String,
    pub(super) image: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    pub(super) phase: String,
    #[serde(rename = "podIP")]
    pub(super) pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pub(super) pod_ips: Vec<PodIp>,
    pub(super) start_time: Option<Time>,
    pub(super) conditions: Vec<Condition>,
    pub(super) container_statuses: Vec<ContainerStatus>,
    pub(super) init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodIp {
    pub(super) ip: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) last_transition_time: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerStatus {
    pub(super) name: String,
    #[serde(rename = "imageID")]
    pub(super) image_id: String,
    #[serde(rename = "containerID")]
    pub(super) container_id: Option<String>,
    pub(super) restart_count: u32,
    pub(super) state: State,
    pub(super) last_state: State,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) terminated: Option<Terminated>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Terminated {
    pub(super) finished_at: Option<Time>,
    #[serde(rename = "containerID")]
    pub(super) container_id: Option<String>,
}

/// Where objects of a kind are asked for.
pub(super) fn resource(kind: Kind) -> ApiResource {
    let (group, name) = match kind {
        Kind::Pod => ("", "Pod"),
        Kind::Namespace => ("", "Namespace"),
        Kind::Node => ("", "Node"),
        Kind::Deployment => ("apps", "Deployment"),
        Kind::StatefulSet => ("apps", "StatefulSet"),
        Kind::DaemonSet => ("apps", "DaemonSet"),
        Kind::Job => ("batch", "Job"),
    };
    let known = GroupVersionKind::gvk(group, "v1", name);
    ApiResource::from_gvk_with_plural(&known, kind.plural())
}

impl<const META: bool> Resource for Sent<META> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }
    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }
    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }
    fn api_version(of: &ApiResource) -> Cow<'_, str> {
        of.api_version.as_str().into()
    }
    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }
    fn metadata_api() -> bool {
        META
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
