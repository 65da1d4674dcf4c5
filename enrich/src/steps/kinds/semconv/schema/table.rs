//! Old attributes and what they are called now.
//!
//! Source: open-telemetry/semantic-conventions at v1.41.0: the migration guides in `docs/non-normative` for HTTP, databases, RPC and Kubernetes,
//! the schema file `schemas/1.41.0`, and what `model/*/deprecated` says where a guide is silent (messaging, `net.*`).

use super::value::Change;

/// A part of the conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Http,
    Db,
    Messaging,
    Rpc,
    K8s,
}

/// Of which spans something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Any,
    Client,
    Server,
}

/// One old attribute.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    /// `None`: of all that have to do with networks, which are all but Kubernetes.
    pub(super) family: Option<Family>,
    pub(super) of: Of,
    pub(super) change: Change,
}

const fn rule(family: Family, old: &'static str, new: &'static str, change: Change) -> Rule {
    Rule {
        old,
        new,
        family: Some(family),
        of: Of::Any,
        change,
    }
}

const fn net(old: &'static str, new: &'static str, of: Of, change: Change) -> Rule {
    Rule {
        old,
        new,
        family: None,
        of,
        change,
    }
}

use Change as C;
use Family as F;

/// Where two old attributes have one successor, the first that is there gives its value.
pub(super) const RULES: &[Rule] = &[
    rule(F::Http, "http.method", "http.request.method", C::Name),
    rule(
        F::Http,
        "http.status_code",
        "http.response.status_code",
        C::Number,
    ),
    rule(
        F::Http,
        "http.request_content_length",
        "http.request.body.size",
        C::Number,
    ),
    rule(
        F::Http,
        "http.response_content_length",
        "http.response.body.size",
        C::Number,
    ),
    rule(
        F::Http,
        "http.resend_count",
        "http.request.resend_count",
        C::Number,
    ),
    rule(F::Http, "http.url", "url.full", C::Name),
    rule(F::Http, "http.target", "url.path", C::Target),
    rule(F::Http, "http.scheme", "url.scheme", C::Name),
    rule(F::Http, "http.client_ip", "client.address", C::Name),
    rule(F::Http, "http.user_agent", "user_agent.original", C::Name),
    rule(
        F::Http,
        "http.flavor",
        "network.protocol.version",
        C::Version,
    ),
    rule(F::Db, "db.system", "db.system.name", C::DbSystem),
    rule(F::Db, "db.statement", "db.query.text", C::Name),
    rule(F::Db, "db.operation", "db.operation.name", C::Name),
    rule(F::Db, "db.sql.table", "db.collection.name", C::Name),
    rule(F::Db, "db.cassandra.table", "db.collection.name", C::Name),
    rule(
        F::Db,
        "db.mongodb.collection",
        "db.collection.name",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cosmosdb.container",
        "db.collection.name",
        C::Name,
    ),
    rule(F::Db, "db.name", "db.namespace", C::Name),
    rule(
        F::Db,
        "db.elasticsearch.cluster.name",
        "db.namespace",
        C::Name,
    ),
    rule(F::Db, "db.redis.database_index", "db.namespace", C::Text),
    rule(
        F::Db,
        "db.cosmosdb.status_code",
        "db.response.status_code",
        C::Text,
    ),
    rule(
        F::Db,
        "db.cassandra.coordinator.dc",
        "cassandra.coordinator.dc",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cassandra.coordinator.id",
        "cassandra.coordinator.id",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cassandra.consistency_level",
        "cassandra.consistency.level",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cassandra.idempotence",
        "cassandra.query.idempotent",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cassandra.page_size",
        "cassandra.page.size",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cassandra.speculative_execution_count",
        "cassandra.speculative_execution.count",
        C::Name,
    ),
    rule(F::Db, "db.cosmosdb.client_id", "azure.client.id", C::Name),
    rule(
        F::Db,
        "db.cosmosdb.connection_mode",
        "azure.cosmosdb.connection.mode",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cosmosdb.consistency_level",
        "azure.cosmosdb.consistency.level",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cosmosdb.request_charge",
        "azure.cosmosdb.operation.request_charge",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cosmosdb.request_content_length",
        "azure.cosmosdb.request.body.size",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cosmosdb.regions_contacted",
        "azure.cosmosdb.operation.contacted_regions",
        C::Name,
    ),
    rule(
        F::Db,
        "db.cosmosdb.sub_status_code",
        "azure.cosmosdb.response.sub_status_code",
        C::Name,
    ),
    rule(
        F::Db,
        "db.elasticsearch.node.name",
        "elasticsearch.node.name",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.operation",
        "messaging.operation.type",
        C::Operation,
    ),
    rule(
        F::Messaging,
        "messaging.client_id",
        "messaging.client.id",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.kafka.client_id",
        "messaging.client.id",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.rocketmq.client_id",
        "messaging.client.id",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.kafka.consumer.group",
        "messaging.consumer.group.name",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.eventhubs.consumer.group",
        "messaging.consumer.group.name",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.rocketmq.client_group",
        "messaging.consumer.group.name",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.servicebus.destination.subscription_name",
        "messaging.destination.subscription.name",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.kafka.destination.partition",
        "messaging.destination.partition.id",
        C::Text,
    ),
    rule(
        F::Messaging,
        "messaging.kafka.message.offset",
        "messaging.kafka.offset",
        C::Name,
    ),
    rule(
        F::Messaging,
        "messaging.message.payload_size_bytes",
        "messaging.message.body.size",
        C::Name,
    ),
    rule(F::Rpc, "rpc.system", "rpc.system.name", C::RpcSystem),
    rule(F::Rpc, "rpc.service", "rpc.method", C::Service),
    rule(
        F::Rpc,
        "rpc.grpc.status_code",
        "rpc.response.status_code",
        C::GrpcCode,
    ),
    rule(
        F::Rpc,
        "rpc.connect_rpc.error_code",
        "rpc.response.status_code",
        C::Text,
    ),
    rule(
        F::Rpc,
        "rpc.jsonrpc.error_code",
        "rpc.response.status_code",
        C::Text,
    ),
    rule(
        F::Rpc,
        "rpc.jsonrpc.request_id",
        "jsonrpc.request.id",
        C::Name,
    ),
    rule(
        F::Rpc,
        "rpc.jsonrpc.version",
        "jsonrpc.protocol.version",
        C::Name,
    ),
    net("net.peer.name", "server.address", Of::Client, C::Name),
    net("net.peer.port", "server.port", Of::Client, C::Number),
    net("net.peer.name", "client.address", Of::Server, C::Name),
    net("net.peer.port", "client.port", Of::Server, C::Number),
    net("net.host.name", "server.address", Of::Server, C::Name),
    net("net.host.port", "server.port", Of::Server, C::Number),
    net(
        "net.sock.peer.addr",
        "network.peer.address",
        Of::Any,
        C::Name,
    ),
    net(
        "net.sock.peer.port",
        "network.peer.port",
        Of::Any,
        C::Number,
    ),
    net("net.peer.ip", "network.peer.address", Of::Any, C::Name),
    net(
        "net.sock.host.addr",
        "network.local.address",
        Of::Any,
        C::Name,
    ),
    net(
        "net.sock.host.port",
        "network.local.port",
        Of::Any,
        C::Number,
    ),
    net("net.host.ip", "network.local.address", Of::Any, C::Name),
    net(
        "net.protocol.name",
        "network.protocol.name",
        Of::Any,
        C::Name,
    ),
    net(
        "net.protocol.version",
        "network.protocol.version",
        Of::Any,
        C::Version,
    ),
    net("net.transport", "network.transport", Of::Any, C::Transport),
    rule(
        F::K8s,
        "k8s.resource_quota.name",
        "k8s.resourcequota.name",
        C::Name,
    ),
    rule(
        F::K8s,
        "k8s.resource_quota.uid",
        "k8s.resourcequota.uid",
        C::Name,
    ),
    rule(
        F::K8s,
        "k8s.replication_controller.name",
        "k8s.replicationcontroller.name",
        C::Name,
    ),
    rule(
        F::K8s,
        "k8s.replication_controller.uid",
        "k8s.replicationcontroller.uid",
        C::Name,
    ),
    rule(
        F::K8s,
        "container.runtime",
        "container.runtime.name",
        C::Name,
    ),
];

/// Attributes with a key of the user's behind them.
#[derive(Debug)]
pub(super) struct Prefix {
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    pub(super) family: Family,
}

const fn prefix(family: Family, old: &'static str, new: &'static str) -> Prefix {
    Prefix { old, new, family }
}

pub(super) const PREFIXES: &[Prefix] = &[
    prefix(F::K8s, "k8s.pod.labels.", "k8s.pod.label."),
    prefix(
        F::Db,
        "db.elasticsearch.path_parts.",
        "db.operation.parameter.",
    ),
    prefix(
        F::Rpc,
        "rpc.grpc.request.metadata.",
        "rpc.request.metadata.",
    ),
    prefix(
        F::Rpc,
        "rpc.grpc.response.metadata.",
        "rpc.response.metadata.",
    ),
    prefix(
        F::Rpc,
        "rpc.connect_rpc.request.metadata.",
        "rpc.request.metadata.",
    ),
    prefix(
        F::Rpc,
        "rpc.connect_rpc.response.metadata.",
        "rpc.response.metadata.",
    ),
];
