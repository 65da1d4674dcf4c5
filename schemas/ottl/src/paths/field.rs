//! The fields that paths lead to: data only, so that each context's file can name them.

/// A field of some message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Resource(ResourceField),
    Scope(ScopeField),
    Span(SpanField),
    Event(EventField),
    Log(LogField),
    Trace(TraceField),
    /// The scratch map of a context, which is empty while conditions are evaluated.
    Cache,
}

impl Field {
    pub(crate) fn is_attributes(self) -> bool {
        matches!(
            self,
            Self::Resource(ResourceField::Attributes)
                | Self::Scope(ScopeField::Attributes)
                | Self::Span(SpanField::Attributes)
                | Self::Event(EventField::Attributes)
                | Self::Log(LogField::Attributes)
        )
    }
}

/// How many keys a path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    None,
    /// Any number; the first is a string.
    Map,
    /// Any number of any kind.
    Any,
    /// One string.
    One,
}

/// A path of a table, without the context in front.
pub(crate) type Entry = (&'static str, Keys, Field);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceField {
    Attributes,
    DroppedAttributesCount,
    SchemaUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeField {
    Attributes,
    Name,
    Version,
    DroppedAttributesCount,
    SchemaUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanField {
    Attributes,
    TraceId,
    TraceIdString,
    SpanId,
    SpanIdString,
    ParentSpanId,
    ParentSpanIdString,
    TraceState,
    Name,
    Kind,
    KindString,
    KindDeprecatedString,
    StartTime,
    EndTime,
    StartTimeUnixNano,
    EndTimeUnixNano,
    DroppedAttributesCount,
    Events,
    DroppedEventsCount,
    Links,
    DroppedLinksCount,
    Status,
    StatusCode,
    StatusMessage,
    Flags,
    /// The resource's `service.name`, for `root.service`.
    Service,
    /// End less start, for `root.duration`.
    Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventField {
    Attributes,
    Name,
    Time,
    TimeUnixNano,
    DroppedAttributesCount,
    Index,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogField {
    Attributes,
    Body,
    BodyString,
    EventName,
    TraceId,
    TraceIdString,
    SpanId,
    SpanIdString,
    Time,
    TimeUnixNano,
    ObservedTime,
    ObservedTimeUnixNano,
    SeverityNumber,
    SeverityText,
    DroppedAttributesCount,
    Flags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceField {
    Duration,
    DurationMs,
    SpanCount,
    ErrorCount,
    ServiceCount,
    Bytes,
    HasRoot,
}
