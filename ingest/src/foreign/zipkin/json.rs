//! Zipkin's spans in JSON (version 2 of its API), read as Go's `encoding/json` reads them.

use super::super::malformed::Malformed;
use super::super::scalar::Kind;
use super::super::transcode::{Field, Names, Table, Value, list};

/// A list of spans as protobuf.
pub fn spans(json: &[u8]) -> Result<Vec<u8>, Malformed> {
    list(json, &SPAN)
}

const fn field(name: &'static [&'static str], number: u32, value: Value) -> Field {
    Field {
        names: name,
        number,
        value,
    }
}

const fn one(name: &'static [&'static str], number: u32, kind: Kind) -> Field {
    field(name, number, Value::One(kind))
}

const fn table(fields: &'static [Field]) -> Table {
    Table {
        names: Names::AnyCase,
        fields,
    }
}

static SPAN: Table = table(&[
    one(&["traceId"], 1, Kind::Hex(16)),
    one(&["parentId"], 2, Kind::Hex(8)),
    one(&["id"], 3, Kind::Hex(8)),
    one(&["kind"], 4, Kind::NameOrZero(KINDS)),
    one(&["name"], 5, Kind::Text),
    one(&["timestamp"], 6, Kind::Fixed64),
    one(&["duration"], 7, Kind::Natural(u64::MAX)),
    field(&["localEndpoint"], 8, Value::Message(&ENDPOINT)),
    field(&["remoteEndpoint"], 9, Value::Message(&ENDPOINT)),
    field(&["annotations"], 10, Value::Messages(&ANNOTATION)),
    field(&["tags"], 11, Value::TextMap),
    one(&["debug"], 12, Kind::Bool),
    one(&["shared"], 13, Kind::Bool),
]);

const KINDS: &[(&str, u64)] = &[
    ("CLIENT", 1),
    ("SERVER", 2),
    ("PRODUCER", 3),
    ("CONSUMER", 4),
];

static ENDPOINT: Table = table(&[
    one(&["serviceName"], 1, Kind::Text),
    one(&["ipv4"], 2, Kind::Ip),
    one(&["ipv6"], 3, Kind::Ip),
    one(&["port"], 4, Kind::Natural(u16::MAX as u64)),
]);

static ANNOTATION: Table = table(&[
    one(&["timestamp"], 1, Kind::Fixed64),
    one(&["value"], 2, Kind::Text),
]);
