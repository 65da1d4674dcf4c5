//! Objects of Kubernetes, as far as telemetry can use them, and what is said of them on the bus.

use std::net::IpAddr;
use std::sync::Arc;

/// Text that many objects may share.
pub type Text = Arc<str>;

/// Labels or annotations.
pub type Pairs = Box<[(Text, Text)]>;

/// The kinds of objects that are known. Numbers are part of the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Pod = 1,
    Namespace = 2,
    Node = 3,
    Deployment = 4,
    StatefulSet = 5,
    DaemonSet = 6,
    Job = 7,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::Pod,
        Self::Namespace,
        Self::Node,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
    ];

    /// As Kubernetes calls many of them: `pods`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::Namespace => "namespaces",
            Self::Node => "nodes",
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Job => "jobs",
        }
    }
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    pub uid: Text,
    pub namespace: Text,
    pub name: Text,
    pub hostname: Option<Text>,
    pub node: Option<Text>,
    /// It has its node's address, so it is never found by it.
    pub host_network: bool,
    pub created_ms: u64,
    pub started_ms: Option<u64>,
    /// From when on the addresses are its own, as far as is known.
    pub ip_since_ms: u64,
    /// When its last container ended for good: its addresses may be given to others although it is still there.
    pub ended_ms: Option<u64>,
    /// The first is its primary one.
    pub ips: Box<[IpAddr]>,
    pub owners: Box<[Owner]>,
    pub labels: Pairs,
    pub annotations: Pairs,
    pub containers: Box<[Container]>,
}

/// What an object belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// As Kubernetes writes it: `ReplicaSet`.
    pub kind: Text,
    pub name: Text,
    pub uid: Text,
}

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    pub name: Text,
    /// As the pod names it: `registry/shop:1.2`.
    pub image: Text,
    /// As the node resolved it, with its digest; empty where that isn't known.
    pub image_id: Text,
    /// The newest last.
    pub instances: Box<[Instance]>,
}

/// One run of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub restarts: u32,
    /// Without the runtime's name before it.
    pub id: Text,
}

/// An object that pods belong to or run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub kind: Kind,
    pub uid: Text,
    /// Empty for those outside of namespaces.
    pub namespace: Text,
    pub name: Text,
    pub owners: Box<[Owner]>,
    pub labels: Pairs,
    pub annotations: Pairs,
}

/// How an object went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub at_ms: u64,
    /// It was seen to go. Otherwise it was missing from a list at that time, and went some time before.
    pub is_exact: bool,
    /// For how long it is to be found after it went.
    pub keep_ms: u64,
}

/// What is said of one cluster in one entry of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A pod as it was at `seen_ms`, by the API server.
    Pod {
        cluster: Text,
        seen_ms: u64,
        pod: Pod,
    },
    Object {
        cluster: Text,
        seen_ms: u64,
        object: Object,
    },
    Deleted {
        cluster: Text,
        kind: Kind,
        uid: Text,
        deletion: Deletion,
    },
    /// All objects of a kind that there were at that time have been told.
    Listed {
        cluster: Text,
        kind: Kind,
        at_ms: u64,
    },
}
