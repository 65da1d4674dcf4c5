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

mod common;
mod message;
mod metrics;

pub use common::{ANY_VALUE, KEY_VALUE};
pub use message::{Field, Kind, Meaning, Message, Presence, Role};

use super::Signal;
use common::{attributes, dropped_attributes};
use message::Kind::{Enum, Fixed32, Fixed64, Id, Text, Uint32};
use message::Presence::{Many, Scalar};
use message::{field, message, messages, trace_state};
use metrics::METRIC;

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
