//! `schema`: pairs from the migration guides of the semantic conventions (v1.41.0), and what the Python, Java and Node SDKs send.

use schemas::Signal;
use serde_json::{Map, Value, json};

use crate::steps::{check, span, steps, traces};

const URL: &str = "https://opentelemetry.io/schemas/1.41.0";
const ALL: &str = "steps: [{schema: {families: [http, db, messaging, rpc, k8s], target: 1.41.0, keep_old: false}}]\n";

/// Attributes as they are written in JSON: text, numbers, true and false.
fn attributes(plain: &Value) -> Vec<Value> {
    let value = |value: &Value| match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        number => json!({"intValue": number.to_string()}),
    };
    let pairs = plain.as_object().into_iter().flat_map(Map::iter);
    pairs
        .map(|(key, of)| json!({"key": key, "value": value(of)}))
        .collect()
}

fn request(kind: u8, resource: &Value, plain: &Value, url: &str) -> Value {
    let mut span = span(1, 0, "a", &attributes(plain));
    span["kind"] = json!(kind);
    let mut request = traces(&[(&attributes(resource), &[span])]);
    if !url.is_empty() {
        request["resourceSpans"][0]["schemaUrl"] = json!(url);
        request["resourceSpans"][0]["scopeSpans"][0]["schemaUrl"] = json!(url);
    }
    request
}

#[track_caller]
fn pair_with(yaml: &str, kind: u8, before: &Value, after: &Value) {
    let none = json!({});
    check(
        yaml,
        Signal::Traces,
        &request(kind, &none, before, ""),
        &request(kind, &none, after, URL),
    );
    // What was translated stays as it is.
    check(
        yaml,
        Signal::Traces,
        &request(kind, &none, after, URL),
        &request(kind, &none, after, URL),
    );
}

#[track_caller]
fn pair(kind: u8, before: Value, after: Value) {
    pair_with(ALL, kind, &before, &after);
}

const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;

#[test]
fn an_http_client_of_python() {
    pair(
        CLIENT,
        json!({
            "http.method": "GET", "http.url": "https://shop:8080/carts/5?x=1", "http.status_code": 200,
            "net.peer.name": "shop", "net.peer.port": 8080, "http.flavor": "1.1", "http.resend_count": 1,
        }),
        json!({
            "http.request.method": "GET", "http.response.status_code": 200, "http.request.resend_count": 1,
            "url.full": "https://shop:8080/carts/5?x=1", "network.protocol.version": "1.1",
            "server.address": "shop", "server.port": 8080,
        }),
    );
}

#[test]
fn an_http_server_of_node() {
    pair(
        SERVER,
        json!({
            "http.route": "/carts/:id", "http.method": "POST", "http.target": "/carts/5?all=1&x=2", "http.scheme": "https",
            "http.status_code": "201", "http.client_ip": "10.1.1.1", "http.user_agent": "curl/8",
            "net.host.name": "shop", "net.host.port": 443, "net.peer.ip": "10.2.2.2", "net.peer.port": 5511,
            "net.transport": "ip_tcp", "http.request_content_length": 12, "http.response_content_length": 99,
        }),
        json!({
            "http.route": "/carts/:id", "http.request.method": "POST", "http.response.status_code": 201,
            "http.request.body.size": 12, "http.response.body.size": 99,
            "url.path": "/carts/5", "url.query": "all=1&x=2", "url.scheme": "https", "client.address": "10.1.1.1",
            "user_agent.original": "curl/8", "client.port": 5511, "server.address": "shop", "server.port": 443,
            "network.peer.address": "10.2.2.2", "network.transport": "tcp",
        }),
    );
}

/// Whose address it is depends on the side that tells of it; elsewhere nobody can tell.
#[test]
fn the_kind_decides_whose_address_it_is() {
    let peer = json!({"net.peer.name": "x", "net.host.name": "y"});
    pair(
        CLIENT,
        peer.clone(),
        json!({"net.host.name": "y", "server.address": "x"}),
    );
    pair(
        SERVER,
        peer.clone(),
        json!({"client.address": "x", "server.address": "y"}),
    );
    pair(INTERNAL, peer.clone(), peer);
}

#[test]
fn sockets_and_protocols() {
    pair(
        CLIENT,
        json!({
            "net.sock.peer.addr": "10.0.0.1", "net.sock.peer.port": 80, "net.sock.host.addr": "10.0.0.2", "net.sock.host.port": 81,
            "net.protocol.name": "http", "net.protocol.version": "2.0", "net.sock.family": "inet",
        }),
        json!({
            "net.sock.family": "inet",
            "network.peer.address": "10.0.0.1", "network.peer.port": 80, "network.local.address": "10.0.0.2",
            "network.local.port": 81, "network.protocol.name": "http", "network.protocol.version": "2",
        }),
    );
}

#[test]
fn databases_of_java() {
    pair(
        CLIENT,
        json!({
            "db.system": "mssql", "db.statement": "SELECT 1", "db.operation": "SELECT", "db.sql.table": "carts", "db.name": "shop",
            "db.user": "sa",
        }),
        json!({
            "db.user": "sa", "db.system.name": "microsoft.sql_server", "db.query.text": "SELECT 1",
            "db.operation.name": "SELECT", "db.collection.name": "carts", "db.namespace": "shop",
        }),
    );
    pair(
        CLIENT,
        json!({"db.system": "redis", "db.redis.database_index": 3, "db.statement": "GET x"}),
        json!({"db.system.name": "redis", "db.query.text": "GET x", "db.namespace": "3"}),
    );
    pair(
        CLIENT,
        json!({"db.system": "elasticsearch", "db.elasticsearch.path_parts.index": "carts", "db.elasticsearch.cluster.name": "c"}),
        json!({"db.system.name": "elasticsearch", "db.namespace": "c", "db.operation.parameter.index": "carts"}),
    );
}

/// The guide's table of systems.
#[test]
fn database_systems_have_other_names() {
    for (old, new) in [
        ("adabas", "softwareag.adabas"),
        ("intersystems_cache", "intersystems.cache"),
        ("cosmosdb", "azure.cosmosdb"),
        ("db2", "ibm.db2"),
        ("dynamodb", "aws.dynamodb"),
        ("firebird", "firebirdsql"),
        ("h2", "h2database"),
        ("hanadb", "sap.hana"),
        ("informix", "ibm.informix"),
        ("ingres", "actian.ingres"),
        ("maxdb", "sap.maxdb"),
        ("mssql", "microsoft.sql_server"),
        ("netezza", "ibm.netezza"),
        ("oracle", "oracle.db"),
        ("redshift", "aws.redshift"),
        ("spanner", "gcp.spanner"),
        ("sybase", "sybase"),
        ("postgresql", "postgresql"),
    ] {
        pair(
            CLIENT,
            json!({"db.system": old}),
            json!({"db.system.name": new}),
        );
    }
}

#[test]
fn queues() {
    pair(
        PRODUCER,
        json!({
            "messaging.system": "kafka", "messaging.operation": "publish", "messaging.client_id": "c",
            "messaging.kafka.consumer.group": "g", "messaging.kafka.destination.partition": 7, "messaging.kafka.message.offset": 42,
        }),
        json!({
            "messaging.system": "kafka", "messaging.operation.type": "send", "messaging.client.id": "c",
            "messaging.consumer.group.name": "g", "messaging.destination.partition.id": "7", "messaging.kafka.offset": 42,
        }),
    );
}

#[test]
fn calls() {
    pair(
        SERVER,
        json!({
            "rpc.system": "grpc", "rpc.service": "shop.Cart", "rpc.method": "Add", "rpc.grpc.status_code": 4,
            "rpc.grpc.request.metadata.my-key": "v",
        }),
        json!({
            "rpc.method": "shop.Cart/Add", "rpc.system.name": "grpc", "rpc.response.status_code": "DEADLINE_EXCEEDED",
            "rpc.request.metadata.my-key": "v",
        }),
    );
    pair(
        CLIENT,
        json!({"rpc.system": "connect_rpc", "rpc.connect_rpc.error_code": "not_found", "rpc.service": "a.B"}),
        json!({"rpc.service": "a.B", "rpc.system.name": "connectrpc", "rpc.response.status_code": "not_found"}),
    );
}

/// As `OTEL_SEMCONV_STABILITY_OPT_IN=http/dup` sends them, and where they disagree.
#[test]
fn where_both_are_there_the_new_one_wins() {
    pair(
        CLIENT,
        json!({"http.method": "get", "http.request.method": "GET", "http.status_code": 500, "http.response.status_code": 200}),
        json!({"http.request.method": "GET", "http.response.status_code": 200}),
    );
}

#[test]
fn old_ones_can_stay() {
    let yaml = "steps: [{schema: {keep_old: true}}]\n";
    pair_with(
        yaml,
        SERVER,
        &json!({"http.method": "GET", "http.target": "/a?b", "rpc.service": "x.Y", "rpc.method": "z"}),
        &json!({
            "http.method": "GET", "http.target": "/a?b", "rpc.service": "x.Y", "rpc.method": "x.Y/z",
            "http.request.method": "GET", "url.path": "/a", "url.query": "b",
        }),
    );
}

#[test]
fn only_families_that_are_named_are_translated() {
    let yaml = "steps: [{schema: {families: [db]}}]\n";
    pair_with(
        yaml,
        CLIENT,
        &json!({"http.method": "GET", "db.system": "h2", "net.peer.name": "x", "k8s.pod.labels.app": "a"}),
        &json!({"http.method": "GET", "k8s.pod.labels.app": "a", "db.system.name": "h2database", "server.address": "x"}),
    );
}

#[test]
fn resources_of_kubernetes() {
    let before = json!({"k8s.pod.labels.app": "shop", "k8s.replication_controller.name": "r", "container.runtime": "containerd"});
    let after = json!({"k8s.replicationcontroller.name": "r", "container.runtime.name": "containerd", "k8s.pod.label.app": "shop"});
    let none = json!({});
    check(
        ALL,
        Signal::Traces,
        &request(INTERNAL, &before, &none, ""),
        &request(INTERNAL, &after, &none, URL),
    );
}

#[test]
fn the_schema_is_told_unless_somebody_knows_better() {
    let none = json!({});
    for (before, after) in [
        ("", URL),
        ("https://opentelemetry.io/schemas/1.9.0", URL),
        (URL, URL),
        (
            "https://opentelemetry.io/schemas/1.42.0",
            "https://opentelemetry.io/schemas/1.42.0",
        ),
        ("https://shop/schemas/1.0.0", "https://shop/schemas/1.0.0"),
    ] {
        check(
            ALL,
            Signal::Traces,
            &request(SERVER, &none, &none, before),
            &request(SERVER, &none, &none, after),
        );
    }
}

/// `status` and `span_name` read old names and new ones alike.
#[test]
fn other_steps_understand_both() {
    let old = json!({"http.method": "GET", "http.target": "/carts/5", "http.status_code": 503});
    for order in [
        "{schema: {}}, {span_name: {original: ''}}, {status: {}}",
        "{span_name: {original: ''}}, {status: {}}, {schema: {}}",
    ] {
        let yaml = format!("steps: [{order}]\n");
        let mut after = request(
            SERVER,
            &json!({}),
            &json!({"http.request.method": "GET", "http.response.status_code": 503, "url.path": "/carts/5"}),
            URL,
        );
        let span = &mut after["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        span["name"] = json!("GET /carts/{id}");
        span["status"] = json!({"code": 2});
        check(
            &yaml,
            Signal::Traces,
            &request(SERVER, &json!({}), &old, ""),
            &after,
        );
    }
}

#[test]
fn mistakes_are_told() {
    for (section, place, said) in [
        ("{target: 1.42.0}", "steps[0].schema.target", "1.41.0"),
        ("{families: []}", "steps[0].schema.families", "is empty"),
        ("{families: [https]}", "steps[0].schema.families", "http"),
    ] {
        let report = steps(&format!("steps: [{{schema: {section}}}]\n")).unwrap_err();
        assert!(report.contains(place) && report.contains(said), "{report}");
    }
}
