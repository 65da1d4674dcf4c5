//! OTLP's messages as data: number, JSON name, type and meaning of every field.
//!
//! Both directions of JSON, the full check of a request and redaction walk these tables, so that a new field of OTLP is one line here.
//! Source: the `.proto` files of opentelemetry-proto 1.11, development-stage profiles excepted.
//!
//! ```
//! use schemas::Signal;
//! use schemas::otlp::schema::{self, Kind, Meaning};
//!
//! let span = schema::item(Signal::Traces);
//! assert_eq!(span.name, "Span");
//! let name = span.field(5).expect("a span has a name");
//! assert!(matches!((name.name, name.kind), ("name", Kind::Text)));
//! assert_eq!(span.field(9).map(|field| field.meaning), Some(Meaning::Attribute));
//! assert!(span.field(99).is_none(), "not in this version of the protocol");
//! ```

mod metrics;

use super::Signal;
use Kind::{Bool, Bytes, Double, Enum, Fixed32, Fixed64, Id, Int32, Int64, Text, Uint32};
use Presence::{Many, OneOf, Scalar, Set};
use metrics::METRIC;

/// A message type.
#[derive(Debug)]
pub struct Message {
    /// As the protocol calls it: `Span`.
    pub name: &'static str,
    pub role: Role,
    pub fields: &'static [Field],
    /// Index into `fields` by number, [`ABSENT`] where there is none; OTLP has no number above 16.
    by_number: [u8; 17],
    /// The tag of the field that holds its attributes; 0, which is no tag, where there are none.
    pub attributes_tag: u8,
    /// Whether all of its fields are alternatives of one `oneof`.
    pub is_choice: bool,
}

/// What a message is in the nesting that the signals share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The request, or anything within a resource, a scope or an item that isn't named here.
    Inner,
    /// `ResourceSpans` and its siblings: a resource with its scopes.
    OfResource,
    Resource,
    /// `ScopeSpans` and its siblings: a scope with its items.
    OfScope,
    /// A span or log record.
    Item,
    /// An item that has no attributes of its own: its data points do.
    Metric,
    /// A data point of a metric.
    DataPoint,
}

#[derive(Debug)]
pub struct Field {
    pub number: u32,
    /// The lowerCamelCase name.
    pub name: &'static str,
    pub kind: Kind,
    pub presence: Presence,
    pub meaning: Meaning,
}

/// What a field holds, beyond its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Plain,
    /// One of repeated `KeyValue`s.
    Attribute,
    /// W3C `tracestate`: entries, separated by commas.
    TraceState,
}

/// Protobuf's types, where JSON or the wire treats them differently.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Message(&'static Message),
    Text,
    /// Base64 in JSON.
    Bytes,
    /// Trace and span ids, of this many bytes: hex in JSON.
    Id(u8),
    Bool,
    Int32,
    Uint32,
    Sint32,
    Int64,
    Uint64,
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
    Enum,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Absent is the same as zero or empty.
    Scalar,
    /// `optional`, or a message: zero or empty differs from absent.
    Set,
    /// Repeated; numbers are packed.
    Many,
    /// One of the message's alternatives. No OTLP message has two such groups.
    OneOf,
}

const ABSENT: u8 = u8::MAX;

impl Message {
    const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self::at(Role::Inner, name, fields)
    }

    const fn at(role: Role, name: &'static str, fields: &'static [Field]) -> Self {
        let mut by_number = [ABSENT; 17];
        let mut attributes_tag = 0;
        let mut is_choice = true;
        let mut at = 0;
        while at < fields.len() {
            by_number[fields[at].number as usize] = at as u8;
            if matches!(fields[at].meaning, Meaning::Attribute) {
                attributes_tag = (fields[at].number as u8) << 3 | 2;
            }
            is_choice &= matches!(fields[at].presence, OneOf);
            at += 1;
        }
        Self {
            name,
            role,
            fields,
            by_number,
            attributes_tag,
            is_choice,
        }
    }

    /// The field with this number; `None`: this version of the protocol has none.
    #[inline]
    pub fn field(&self, number: u32) -> Option<&'static Field> {
        let index = *self.by_number.get(number as usize)?;
        self.fields.get(usize::from(index))
    }

    /// The field with this lowerCamelCase name.
    pub fn field_named(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Kind {
    /// The wire type of a single number; `None` for what is length-delimited.
    #[inline]
    pub fn wire_type(self) -> Option<u8> {
        match self {
            Self::Message(_) | Self::Text | Self::Bytes | Self::Id(_) => None,
            Self::Fixed64 | Self::Sfixed64 | Self::Double => Some(1),
            Self::Fixed32 => Some(5),
            _ => Some(0),
        }
    }

    #[inline]
    pub fn is_number(self) -> bool {
        self.wire_type().is_some()
    }
}

/// The export request of a signal.
pub fn request(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
    }
}

/// What stands round the scopes of one resource, with them.
pub fn resource(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &RESOURCE_SPANS,
        Signal::Logs => &RESOURCE_LOGS,
        Signal::Metrics => &RESOURCE_METRICS,
    }
}

/// What stands round the items of one scope, with them.
pub fn scope(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &SCOPE_SPANS,
        Signal::Logs => &SCOPE_LOGS,
        Signal::Metrics => &SCOPE_METRICS,
    }
}

/// One span, log record or metric.
pub fn item(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &SPAN,
        Signal::Logs => &LOG_RECORD,
        Signal::Metrics => &METRIC,
    }
}

pub(super) const fn field(
    number: u32,
    name: &'static str,
    kind: Kind,
    presence: Presence,
) -> Field {
    Field {
        number,
        name,
        kind,
        presence,
        meaning: Meaning::Plain,
    }
}

const fn trace_state(number: u32) -> Field {
    Field {
        meaning: Meaning::TraceState,
        ..field(number, "traceState", Text, Scalar)
    }
}

/// Repeated `KeyValue`s.
pub(super) const fn pairs(number: u32, name: &'static str) -> Field {
    Field {
        meaning: Meaning::Attribute,
        ..messages(number, name, &KEY_VALUE)
    }
}

pub(super) const fn message(number: u32, name: &'static str, of: &'static Message) -> Field {
    field(number, name, Kind::Message(of), Set)
}

pub(super) const fn messages(number: u32, name: &'static str, of: &'static Message) -> Field {
    field(number, name, Kind::Message(of), Many)
}

pub(super) const fn choice(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, OneOf)
}

pub(super) const fn attributes(number: u32) -> Field {
    pairs(number, "attributes")
}

const fn dropped_attributes(number: u32) -> Field {
    field(number, "droppedAttributesCount", Uint32, Scalar)
}

static TRACES: Message = Message::new(
    "ExportTraceServiceRequest",
    &[messages(1, "resourceSpans", &RESOURCE_SPANS)],
);
static LOGS: Message = Message::new(
    "ExportLogsServiceRequest",
    &[messages(1, "resourceLogs", &RESOURCE_LOGS)],
);
static METRICS: Message = Message::new(
    "ExportMetricsServiceRequest",
    &[messages(1, "resourceMetrics", &RESOURCE_METRICS)],
);

static RESOURCE_SPANS: Message = Message::at(
    Role::OfResource,
    "ResourceSpans",
    &[
        message(1, "resource", &RESOURCE),
        messages(2, "scopeSpans", &SCOPE_SPANS),
        field(3, "schemaUrl", Text, Scalar),
    ],
);
static RESOURCE_LOGS: Message = Message::at(
    Role::OfResource,
    "ResourceLogs",
    &[
        message(1, "resource", &RESOURCE),
        messages(2, "scopeLogs", &SCOPE_LOGS),
        field(3, "schemaUrl", Text, Scalar),
    ],
);
static RESOURCE_METRICS: Message = Message::at(
    Role::OfResource,
    "ResourceMetrics",
    &[
        message(1, "resource", &RESOURCE),
        messages(2, "scopeMetrics", &SCOPE_METRICS),
        field(3, "schemaUrl", Text, Scalar),
    ],
);
static SCOPE_SPANS: Message = Message::at(
    Role::OfScope,
    "ScopeSpans",
    &[
        message(1, "scope", &SCOPE),
        messages(2, "spans", &SPAN),
        field(3, "schemaUrl", Text, Scalar),
    ],
);
static SCOPE_LOGS: Message = Message::at(
    Role::OfScope,
    "ScopeLogs",
    &[
        message(1, "scope", &SCOPE),
        messages(2, "logRecords", &LOG_RECORD),
        field(3, "schemaUrl", Text, Scalar),
    ],
);
static SCOPE_METRICS: Message = Message::at(
    Role::OfScope,
    "ScopeMetrics",
    &[
        message(1, "scope", &SCOPE),
        messages(2, "metrics", &METRIC),
        field(3, "schemaUrl", Text, Scalar),
    ],
);

static RESOURCE: Message = Message::at(
    Role::Resource,
    "Resource",
    &[
        attributes(1),
        dropped_attributes(2),
        messages(3, "entityRefs", &ENTITY_REF),
    ],
);
static ENTITY_REF: Message = Message::new(
    "EntityRef",
    &[
        field(1, "schemaUrl", Text, Scalar),
        field(2, "type", Text, Scalar),
        field(3, "idKeys", Text, Many),
        field(4, "descriptionKeys", Text, Many),
    ],
);
static SCOPE: Message = Message::new(
    "InstrumentationScope",
    &[
        field(1, "name", Text, Scalar),
        field(2, "version", Text, Scalar),
        attributes(3),
        dropped_attributes(4),
    ],
);
pub static KEY_VALUE: Message = Message::new(
    "KeyValue",
    &[
        field(1, "key", Text, Scalar),
        message(2, "value", &ANY_VALUE),
        field(3, "keyStrindex", Int32, Scalar),
    ],
);
pub static ANY_VALUE: Message = Message::new(
    "AnyValue",
    &[
        choice(1, "stringValue", Text),
        choice(2, "boolValue", Bool),
        choice(3, "intValue", Int64),
        choice(4, "doubleValue", Double),
        choice(5, "arrayValue", Kind::Message(&ARRAY_VALUE)),
        choice(6, "kvlistValue", Kind::Message(&KEY_VALUE_LIST)),
        choice(7, "bytesValue", Bytes),
        choice(8, "stringValueStrindex", Int32),
    ],
);
static ARRAY_VALUE: Message = Message::new("ArrayValue", &[messages(1, "values", &ANY_VALUE)]);
static KEY_VALUE_LIST: Message = Message::new("KeyValueList", &[pairs(1, "values")]);

static SPAN: Message = Message::at(
    Role::Item,
    "Span",
    &[
        field(1, "traceId", Id(16), Scalar),
        field(2, "spanId", Id(8), Scalar),
        trace_state(3),
        field(4, "parentSpanId", Id(8), Scalar),
        field(5, "name", Text, Scalar),
        field(6, "kind", Enum, Scalar),
        field(7, "startTimeUnixNano", Fixed64, Scalar),
        field(8, "endTimeUnixNano", Fixed64, Scalar),
        attributes(9),
        dropped_attributes(10),
        messages(11, "events", &EVENT),
        field(12, "droppedEventsCount", Uint32, Scalar),
        messages(13, "links", &LINK),
        field(14, "droppedLinksCount", Uint32, Scalar),
        message(15, "status", &STATUS),
        field(16, "flags", Fixed32, Scalar),
    ],
);
static EVENT: Message = Message::new(
    "Event",
    &[
        field(1, "timeUnixNano", Fixed64, Scalar),
        field(2, "name", Text, Scalar),
        attributes(3),
        dropped_attributes(4),
    ],
);
static LINK: Message = Message::new(
    "Link",
    &[
        field(1, "traceId", Id(16), Scalar),
        field(2, "spanId", Id(8), Scalar),
        trace_state(3),
        attributes(4),
        dropped_attributes(5),
        field(6, "flags", Fixed32, Scalar),
    ],
);
static STATUS: Message = Message::new(
    "Status",
    &[
        field(2, "message", Text, Scalar),
        field(3, "code", Enum, Scalar),
    ],
);

static LOG_RECORD: Message = Message::at(
    Role::Item,
    "LogRecord",
    &[
        field(1, "timeUnixNano", Fixed64, Scalar),
        field(2, "severityNumber", Enum, Scalar),
        field(3, "severityText", Text, Scalar),
        message(5, "body", &ANY_VALUE),
        attributes(6),
        dropped_attributes(7),
        field(8, "flags", Fixed32, Scalar),
        field(9, "traceId", Id(16), Scalar),
        field(10, "spanId", Id(8), Scalar),
        field(11, "observedTimeUnixNano", Fixed64, Scalar),
        field(12, "eventName", Text, Scalar),
    ],
);
