//! The fields that paths lead to: data only, so that each context's file can name them.

use crate::telemetry::Part;
use schemas::otlp::MetricKind;

/// A field of some message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Resource(ResourceField),
    Scope(ScopeField),
    Span(SpanField),
    Event(EventField),
    Log(LogField),
    Metric(MetricField),
    Point(PointField),
    Trace(TraceField),
    /// The scratch map of a context, which is empty while conditions are evaluated.
    Cache,
}

impl Field {
    /// The message that it is a field of. The scratch map is nobody's; it counts as the trace's, which is never changed.
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Resource(_) => Part::Resource,
            Self::Scope(_) => Part::Scope,
            Self::Span(_) => Part::Span,
            Self::Event(_) => Part::Event,
            Self::Log(_) => Part::Log,
            Self::Metric(_) => Part::Metric,
            Self::Point(_) => Part::DataPoint,
            Self::Trace(_) | Self::Cache => Part::Trace,
        }
    }

    pub(crate) fn is_attributes(self) -> bool {
        matches!(
            self,
            Self::Resource(ResourceField::Attributes)
                | Self::Scope(ScopeField::Attributes)
                | Self::Span(SpanField::Attributes)
                | Self::Event(EventField::Attributes)
                | Self::Log(LogField::Attributes)
                | Self::Metric(MetricField::Metadata)
                | Self::Point(PointField::Attributes)
        )
    }
}

impl ScopeField {
    /// The number of the field within `InstrumentationScope`.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Name => 1,
            Self::Version => 2,
            Self::Attributes => 3,
            Self::DroppedAttributesCount => 4,
            // Not in the scope, but round it.
            Self::SchemaUrl => 0,
        }
    }
}

impl SpanField {
    /// The number of the field that it is read from. 0: of none that can be set.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::TraceId | Self::TraceIdString => 1,
            Self::SpanId | Self::SpanIdString => 2,
            Self::TraceState => 3,
            Self::ParentSpanId | Self::ParentSpanIdString => 4,
            Self::Name => 5,
            Self::Kind | Self::KindString | Self::KindDeprecatedString => 6,
            Self::StartTime | Self::StartTimeUnixNano => 7,
            Self::EndTime | Self::EndTimeUnixNano => 8,
            Self::Attributes => 9,
            Self::DroppedAttributesCount => 10,
            Self::DroppedEventsCount => 12,
            Self::DroppedLinksCount => 14,
            Self::StatusCode | Self::StatusMessage => 15,
            Self::Flags => 16,
            Self::Events | Self::Links | Self::Status | Self::Service | Self::Duration => 0,
        }
    }
}

impl EventField {
    /// As that of a span.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Time | Self::TimeUnixNano => 1,
            Self::Name => 2,
            Self::Attributes => 3,
            Self::DroppedAttributesCount => 4,
            Self::Index => 0,
        }
    }
}

impl LogField {
    /// As that of a span.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Time | Self::TimeUnixNano => 1,
            Self::SeverityNumber => 2,
            Self::SeverityText => 3,
            Self::Body | Self::BodyString => 5,
            Self::Attributes => 6,
            Self::DroppedAttributesCount => 7,
            Self::Flags => 8,
            Self::TraceId | Self::TraceIdString => 9,
            Self::SpanId | Self::SpanIdString => 10,
            Self::ObservedTime | Self::ObservedTimeUnixNano => 11,
            Self::EventName => 12,
        }
    }
}

impl MetricField {
    /// As that of a span.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Name => 1,
            Self::Description => 2,
            Self::Unit => 3,
            Self::Metadata => 12,
            // In the message within that holds the data.
            Self::Type | Self::AggregationTemporality | Self::IsMonotonic | Self::DataPoints => 0,
        }
    }
}

impl PointField {
    /// The number of the field that it is read from, in a data point of that kind. 0: it has none.
    pub(crate) fn number(self, kind: MetricKind) -> u32 {
        use MetricKind::{ExponentialHistogram, Gauge, Histogram, Sum, Summary};
        match (self, kind) {
            (Self::Attributes, kind) => kind.point_attributes(),
            (Self::StartTime | Self::StartTimeUnixNano, _) => 2,
            (Self::Time | Self::TimeUnixNano, _) => 3,
            (Self::ValueDouble, Gauge | Sum) => 4,
            (Self::ValueInt, Gauge | Sum) => 6,
            (Self::Flags, Gauge | Sum | Summary) => 8,
            (Self::Flags, _) => 10,
            (Self::Exemplars, Gauge | Sum) => 5,
            (Self::Exemplars, Histogram) => 8,
            (Self::Exemplars, ExponentialHistogram) => 11,
            (Self::Count, Histogram | ExponentialHistogram | Summary) => 4,
            (Self::Sum, Histogram | ExponentialHistogram | Summary) => 5,
            (Self::BucketCounts, Histogram) => 6,
            (Self::ExplicitBounds, Histogram) => 7,
            (Self::Scale, ExponentialHistogram) => 6,
            (Self::ZeroCount, ExponentialHistogram) => 7,
            (
                Self::Positive | Self::PositiveOffset | Self::PositiveBucketCounts,
                ExponentialHistogram,
            ) => 8,
            (
                Self::Negative | Self::NegativeOffset | Self::NegativeBucketCounts,
                ExponentialHistogram,
            ) => 9,
            (Self::QuantileValues, Summary) => 6,
            _ => 0,
        }
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
pub(crate) enum MetricField {
    Name,
    Description,
    Unit,
    Type,
    AggregationTemporality,
    IsMonotonic,
    DataPoints,
    Metadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointField {
    Attributes,
    StartTime,
    StartTimeUnixNano,
    Time,
    TimeUnixNano,
    ValueDouble,
    ValueInt,
    Exemplars,
    Flags,
    Count,
    Sum,
    BucketCounts,
    ExplicitBounds,
    Scale,
    ZeroCount,
    Positive,
    PositiveOffset,
    PositiveBucketCounts,
    Negative,
    NegativeOffset,
    NegativeBucketCounts,
    QuantileValues,
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
