//! Where text can stand in OTLP: every message of the three signals, field by field.
//!
//! Source: opentelemetry-proto 1.9 (`common`, `resource`, `trace`, `logs`, `metrics`, `v1`). A field that isn't named
//! here is of a newer protocol, and treated as unknown. Numbers can't hide text; a number's field that comes as a length
//! is refused. The tests hold these tables against the generated types.

mod metrics;

use crate::rules::KeyAction;

/// What a field holds, and so what is done to it.
#[derive(Debug)]
pub enum Kind {
    /// Not in the protocol that this version knows.
    Unknown,
    /// A varint or a fixed number.
    Number,
    /// Repeated numbers, packed or not.
    Numbers,
    /// UTF-8 text.
    Text,
    /// W3C `tracestate`: its sampling entry must survive, the rest is text.
    TraceState,
    /// A trace or span id: random bytes when of the right length, else bytes like any other.
    Id,
    Bytes,
    /// One of repeated `KeyValue`s.
    Attribute,
    Message(&'static Shape),
}

/// What a message is in the nesting that the signals share: where an error is contained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The request, or anything within an item.
    Inner,
    /// `ResourceSpans` and its siblings.
    Resource,
    /// `ScopeSpans` and its siblings.
    Scope,
    /// A span, log record or metric.
    Item,
}

/// Where rules that name a place apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    Resource,
    /// A span, log record or data point.
    Item,
}

impl Context {
    /// The keys that are set here, and so replaced.
    pub(crate) fn set_action(self) -> u8 {
        match self {
            Self::Resource => KeyAction::SET_RESOURCE,
            Self::Item => KeyAction::SET_ITEM,
        }
    }
}

/// One message: its fields by number.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub level: Level,
    /// With the number of the field that holds its attributes.
    pub context: Option<(Context, u32)>,
    /// At most one of its fields may be there (a `oneof`).
    pub exclusive: bool,
    pub fields: &'static [Kind],
    /// The tag of its field of attributes, which takes one byte; 0: there is none.
    pub attributes_tag: u8,
}

impl Shape {
    #[inline]
    pub fn field(&self, number: u32) -> &'static Kind {
        self.fields.get(number as usize).unwrap_or(&Kind::Unknown)
    }
}

use Kind::{Attribute, Bytes, Id, Message, Number, Text, TraceState, Unknown};

const fn inner(name: &'static str, fields: &'static [Kind]) -> Shape {
    at(Level::Inner, name, fields)
}

const fn at(level: Level, name: &'static str, fields: &'static [Kind]) -> Shape {
    Shape {
        name,
        level,
        context: None,
        exclusive: false,
        fields,
        attributes_tag: attributes_tag(fields),
    }
}

const fn attributes_tag(fields: &[Kind]) -> u8 {
    let mut number = 0;
    while number < fields.len() {
        if matches!(fields[number], Attribute) {
            return (number as u8) << 3 | 2;
        }
        number += 1;
    }
    0
}

const fn with(shape: Shape, context: Context, attributes: u32) -> Shape {
    Shape {
        name: shape.name,
        level: shape.level,
        context: Some((context, attributes)),
        exclusive: shape.exclusive,
        fields: shape.fields,
        attributes_tag: shape.attributes_tag,
    }
}

/// The request of a signal.
pub fn request(signal: schemas::Signal) -> &'static Shape {
    match signal {
        schemas::Signal::Traces => &TRACES,
        schemas::Signal::Logs => &LOGS,
        schemas::Signal::Metrics => &METRICS,
    }
}

// The nesting that the signals share: resource = 1, scopes = 2, schema_url = 3; scope = 1, items = 2, schema_url = 3.
static TRACES: Shape = inner(
    "ExportTraceServiceRequest",
    &[Unknown, Message(&RESOURCE_SPANS)],
);
static LOGS: Shape = inner(
    "ExportLogsServiceRequest",
    &[Unknown, Message(&RESOURCE_LOGS)],
);
static METRICS: Shape = inner(
    "ExportMetricsServiceRequest",
    &[Unknown, Message(&RESOURCE_METRICS)],
);

static RESOURCE_SPANS: Shape = at(
    Level::Resource,
    "ResourceSpans",
    &[Unknown, Message(&RESOURCE), Message(&SCOPE_SPANS), Text],
);
static RESOURCE_LOGS: Shape = at(
    Level::Resource,
    "ResourceLogs",
    &[Unknown, Message(&RESOURCE), Message(&SCOPE_LOGS), Text],
);
static RESOURCE_METRICS: Shape = at(
    Level::Resource,
    "ResourceMetrics",
    &[Unknown, Message(&RESOURCE), Message(&SCOPE_METRICS), Text],
);

static SCOPE_SPANS: Shape = at(
    Level::Scope,
    "ScopeSpans",
    &[Unknown, Message(&SCOPE), Message(&SPAN), Text],
);
static SCOPE_LOGS: Shape = at(
    Level::Scope,
    "ScopeLogs",
    &[Unknown, Message(&SCOPE), Message(&LOG_RECORD), Text],
);
static SCOPE_METRICS: Shape = at(
    Level::Scope,
    "ScopeMetrics",
    &[Unknown, Message(&SCOPE), Message(&metrics::METRIC), Text],
);

/// attributes, dropped_attributes_count, entity_refs
pub(crate) static RESOURCE: Shape = with(
    inner(
        "Resource",
        &[Unknown, Attribute, Number, Message(&ENTITY_REF)],
    ),
    Context::Resource,
    1,
);
/// schema_url, type, id_keys, description_keys
static ENTITY_REF: Shape = inner("EntityRef", &[Unknown, Text, Text, Text, Text]);
/// name, version, attributes, dropped_attributes_count
static SCOPE: Shape = inner(
    "InstrumentationScope",
    &[Unknown, Text, Text, Attribute, Number],
);

/// key, value, key_strindex; walked by hand, because the key decides about the value.
pub(crate) static KEY_VALUE: Shape =
    inner("KeyValue", &[Unknown, Text, Message(&ANY_VALUE), Number]);
/// string, bool, int, double, array, kvlist, bytes, string_strindex
pub(crate) static ANY_VALUE: Shape = Shape {
    exclusive: true,
    ..inner(
        "AnyValue",
        &[
            Unknown,
            Text,
            Number,
            Number,
            Number,
            Message(&ARRAY_VALUE),
            Message(&KEY_VALUE_LIST),
            Bytes,
            Number,
        ],
    )
};
static ARRAY_VALUE: Shape = inner("ArrayValue", &[Unknown, Message(&ANY_VALUE)]);
static KEY_VALUE_LIST: Shape = inner("KeyValueList", &[Unknown, Attribute]);

static SPAN: Shape = with(
    at(
        Level::Item,
        "Span",
        &[
            Unknown,
            Id,               // trace_id
            Id,               // span_id
            TraceState,       // trace_state
            Id,               // parent_span_id
            Text,             // name
            Number,           // kind
            Number,           // start_time_unix_nano
            Number,           // end_time_unix_nano
            Attribute,        // attributes
            Number,           // dropped_attributes_count
            Message(&EVENT),  // events
            Number,           // dropped_events_count
            Message(&LINK),   // links
            Number,           // dropped_links_count
            Message(&STATUS), // status
            Number,           // flags
        ],
    ),
    Context::Item,
    9,
);
/// time, name, attributes, dropped_attributes_count
static EVENT: Shape = inner("Event", &[Unknown, Number, Text, Attribute, Number]);
/// trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags
static LINK: Shape = inner(
    "Link",
    &[Unknown, Id, Id, TraceState, Attribute, Number, Number],
);
/// message, code
static STATUS: Shape = inner("Status", &[Unknown, Unknown, Text, Number]);

static LOG_RECORD: Shape = with(
    at(
        Level::Item,
        "LogRecord",
        &[
            Unknown,
            Number, // time_unix_nano
            Number, // severity_number
            Text,   // severity_text
            Unknown,
            Message(&ANY_VALUE), // body
            Attribute,           // attributes
            Number,              // dropped_attributes_count
            Number,              // flags
            Id,                  // trace_id
            Id,                  // span_id
            Number,              // observed_time_unix_nano
            Text,                // event_name
        ],
    ),
    Context::Item,
    6,
);
