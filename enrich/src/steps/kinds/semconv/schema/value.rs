//! What becomes of the value of an old attribute under its new name.

use ottl::Value;

use super::super::grpc;

/// How a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The name alone.
    Name,
    /// Text that is a number becomes one.
    Number,
    /// What isn't text becomes it.
    Text,
    /// A request target is a path and a query now.
    Target,
    /// `2.0` and `3.0` are `2` and `3` now.
    Version,
    /// `ip_tcp` is `tcp` now.
    Transport,
    DbSystem,
    RpcSystem,
    /// `publish` and `deliver` are `send` and `process` now.
    Operation,
    /// A number is the name of the code now.
    GrpcCode,
    /// The method has the service in front now.
    Service,
}

/// Of the guide's table "Database system name"; systems that were removed there stay as they were written.
const DB_SYSTEMS: &[(&str, &str)] = &[
    ("adabas", "softwareag.adabas"),
    ("cache", "intersystems.cache"),
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
];
const RPC_SYSTEMS: &[(&str, &str)] = &[("apache_dubbo", "dubbo"), ("connect_rpc", "connectrpc")];
const VERSIONS: &[(&str, &str)] = &[("2.0", "2"), ("3.0", "3")];
const TRANSPORTS: &[(&str, &str)] = &[("ip_tcp", "tcp"), ("ip_udp", "udp")];
const OPERATIONS: &[(&str, &str)] = &[("publish", "send"), ("deliver", "process")];

/// The value under the new name; `None`: none can be told, and the old attribute stays. Targets and services are more than a value.
pub(super) fn changed(change: Change, value: Value<'static>) -> Option<Value<'static>> {
    Some(match (change, value) {
        (_, Value::Nil) => return None,
        (Change::Number, Value::Text(text)) => match text.parse() {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Text(text),
        },
        (Change::Text, Value::Int(number)) => text(number.to_string()),
        (Change::GrpcCode, Value::Int(code)) => match grpc::name(code) {
            Some(name) => text(name.to_owned()),
            None => text(code.to_string()),
        },
        (Change::Version, value) => replaced(VERSIONS, value),
        (Change::Transport, value) => replaced(TRANSPORTS, value),
        (Change::DbSystem, value) => replaced(DB_SYSTEMS, value),
        (Change::RpcSystem, value) => replaced(RPC_SYSTEMS, value),
        (Change::Operation, value) => replaced(OPERATIONS, value),
        (_, value) => value,
    })
}

fn text(text: String) -> Value<'static> {
    Value::Text(text.into())
}

fn replaced(pairs: &[(&str, &'static str)], value: Value<'static>) -> Value<'static> {
    let Value::Text(given) = &value else {
        return value;
    };
    match pairs.iter().find(|(old, _)| given == old) {
        Some((_, new)) => Value::Text((*new).into()),
        None => value,
    }
}
