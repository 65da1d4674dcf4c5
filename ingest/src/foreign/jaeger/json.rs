//! Jaeger's span in JSON: protobuf's JSON mapping of `model.proto`, as Go's `jsonpb` reads it. Not the JSON of Jaeger's user interface.

use super::super::malformed::Malformed;
use super::super::scalar::Kind;
use super::super::transcode::{Field, Names, Table, Value, object};

/// A span as protobuf.
pub fn span(json: &[u8]) -> Result<Vec<u8>, Malformed> {
    object(json, &SPAN)
}

const fn field(names: &'static [&'static str], number: u32, value: Value) -> Field {
    Field {
        names,
        number,
        value,
    }
}

const fn table(fields: &'static [Field]) -> Table {
    Table {
        names: Names::Exact,
        fields,
    }
}

const fn one(names: &'static [&'static str], number: u32, kind: Kind) -> Field {
    field(names, number, Value::One(kind))
}

static SPAN: Table = table(&[
    one(&["traceId", "trace_id"], 1, Kind::Base64),
    one(&["spanId", "span_id"], 2, Kind::Base64),
    one(&["operationName", "operation_name"], 3, Kind::Text),
    field(&["references"], 4, Value::Messages(&REFERENCE)),
    one(&["flags"], 5, Kind::Uint32),
    one(&["startTime", "start_time"], 6, Kind::Timestamp),
    one(&["duration"], 7, Kind::Duration),
    field(&["tags"], 8, Value::Messages(&TAG)),
    field(&["logs"], 9, Value::Messages(&LOG)),
    field(&["process"], 10, Value::Message(&PROCESS)),
    one(&["processId", "process_id"], 11, Kind::Text),
    field(&["warnings"], 12, Value::Texts),
]);

static REFERENCE: Table = table(&[
    one(&["traceId", "trace_id"], 1, Kind::Base64),
    one(&["spanId", "span_id"], 2, Kind::Base64),
    one(
        &["refType", "ref_type"],
        3,
        Kind::Enum(&[("CHILD_OF", 0), ("FOLLOWS_FROM", 1)]),
    ),
]);

static TAG: Table = table(&[
    one(&["key"], 1, Kind::Text),
    one(&["vType", "v_type"], 2, Kind::Enum(TYPES)),
    one(&["vStr", "v_str"], 3, Kind::Text),
    one(&["vBool", "v_bool"], 4, Kind::Bool),
    one(&["vInt64", "v_int64"], 5, Kind::Int64),
    one(&["vFloat64", "v_float64"], 6, Kind::Double),
    one(&["vBinary", "v_binary"], 7, Kind::Base64),
]);

const TYPES: &[(&str, u64)] = &[
    ("STRING", 0),
    ("BOOL", 1),
    ("INT64", 2),
    ("FLOAT64", 3),
    ("BINARY", 4),
];

static LOG: Table = table(&[
    one(&["timestamp"], 1, Kind::Timestamp),
    field(&["fields"], 2, Value::Messages(&TAG)),
]);

static PROCESS: Table = table(&[
    one(&["serviceName", "service_name"], 1, Kind::Text),
    field(&["tags"], 2, Value::Messages(&TAG)),
]);
