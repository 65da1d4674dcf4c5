//! The columns of our tables, in the order in which tables are created with them.

use super::column::Column;
use super::column::Scalar::{
    self, Bool, Float64, Int32, Map, Nanos, Seconds, Text, UInt8, UInt32, UInt64, Word,
};
use super::source::{Head, OfLog, OfMetric, OfPoint, OfSpan, Source};

type Columns = &'static [Column<Source>];

const DELTA: &str = "Delta, ZSTD(3)";

const fn column(name: &'static str, scalar: Scalar, source: Source) -> Column<Source> {
    Column {
        name,
        scalar,
        many: false,
        codec: "ZSTD(3)",
        required: true,
        source,
    }
}

const fn head(name: &'static str, scalar: Scalar, of: Head) -> Column<Source> {
    column(name, scalar, Source::Head(of))
}

const fn span(name: &'static str, scalar: Scalar, of: OfSpan) -> Column<Source> {
    column(name, scalar, Source::Span(of))
}

const fn log(name: &'static str, scalar: Scalar, of: OfLog) -> Column<Source> {
    column(name, scalar, Source::Log(of))
}

const fn metric(name: &'static str, scalar: Scalar, of: OfMetric) -> Column<Source> {
    column(name, scalar, Source::Metric(of))
}

const fn point(name: &'static str, scalar: Scalar, of: OfPoint) -> Column<Source> {
    column(name, scalar, Source::Point(of))
}

impl Column<Source> {
    const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    const fn codec(self, codec: &'static str) -> Self {
        Self { codec, ..self }
    }

    /// Came in a later version of the Collector's exporter.
    const fn later(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }
}

pub const TRACES: Columns = &[
    span("Timestamp", Nanos, OfSpan::Timestamp).codec(DELTA),
    span("TraceId", Text, OfSpan::TraceId),
    span("SpanId", Text, OfSpan::SpanId),
    span("ParentSpanId", Text, OfSpan::ParentSpanId),
    span("TraceState", Text, OfSpan::TraceState),
    span("SpanName", Word, OfSpan::Name),
    span("SpanKind", Word, OfSpan::Kind),
    head("ServiceName", Word, Head::ServiceName),
    head("ResourceAttributes", Map, Head::ResourceAttributes),
    head("ScopeName", Text, Head::ScopeName).later(),
    head("ScopeVersion", Text, Head::ScopeVersion).later(),
    span("SpanAttributes", Map, OfSpan::Attributes),
    span("Duration", UInt64, OfSpan::Duration),
    span("StatusCode", Word, OfSpan::StatusCode),
    span("StatusMessage", Text, OfSpan::StatusMessage),
    span("Events.Timestamp", Nanos, OfSpan::EventTimes).many(),
    span("Events.Name", Word, OfSpan::EventNames).many(),
    span("Events.Attributes", Map, OfSpan::EventAttributes).many(),
    span("Links.TraceId", Text, OfSpan::LinkTraceIds).many(),
    span("Links.SpanId", Text, OfSpan::LinkSpanIds).many(),
    span("Links.TraceState", Text, OfSpan::LinkTraceStates).many(),
    span("Links.Attributes", Map, OfSpan::LinkAttributes).many(),
];

pub const LOGS: Columns = &[
    log("Timestamp", Nanos, OfLog::Timestamp).codec("Delta(8), ZSTD(3)"),
    log("TraceId", Text, OfLog::TraceId),
    log("SpanId", Text, OfLog::SpanId),
    log("TraceFlags", UInt8, OfLog::TraceFlags).codec(""),
    log("SeverityText", Word, OfLog::SeverityText),
    log("SeverityNumber", UInt8, OfLog::SeverityNumber).codec(""),
    head("ServiceName", Word, Head::ServiceName),
    log("Body", Text, OfLog::Body),
    head("ResourceSchemaUrl", Word, Head::ResourceSchemaUrl).later(),
    head("ResourceAttributes", Map, Head::ResourceAttributes),
    head("ScopeSchemaUrl", Word, Head::ScopeSchemaUrl).later(),
    head("ScopeName", Text, Head::ScopeName).later(),
    head("ScopeVersion", Word, Head::ScopeVersion).later(),
    head("ScopeAttributes", Map, Head::ScopeAttributes).later(),
    log("LogAttributes", Map, OfLog::Attributes),
    log("EventName", Text, OfLog::EventName).later(),
];

pub const METRIC: Columns = &[
    head("ResourceAttributes", Map, Head::ResourceAttributes),
    head("ResourceSchemaUrl", Text, Head::ResourceSchemaUrl),
    head("ScopeName", Text, Head::ScopeName),
    head("ScopeVersion", Text, Head::ScopeVersion),
    head("ScopeAttributes", Map, Head::ScopeAttributes),
    head("ScopeDroppedAttrCount", UInt32, Head::ScopeDropped),
    head("ScopeSchemaUrl", Text, Head::ScopeSchemaUrl),
    head("ServiceName", Word, Head::ServiceName).later(),
    metric("MetricName", Word, OfMetric::Name),
    metric("MetricDescription", Text, OfMetric::Description),
    metric("MetricUnit", Text, OfMetric::Unit),
    point("Attributes", Map, OfPoint::Attributes),
    point("StartTimeUnix", Seconds, OfPoint::StartTime).codec(DELTA),
    point("TimeUnix", Seconds, OfPoint::Time).codec(DELTA),
];

pub const NUMBER: Columns = &[
    point("Value", Float64, OfPoint::Value),
    point("Flags", UInt32, OfPoint::Flags),
];

pub const FLAGS: Columns = &[point("Flags", UInt32, OfPoint::Flags)];

pub const TOTALS: Columns = &[
    point("Count", UInt64, OfPoint::Count).codec(DELTA),
    point("Sum", Float64, OfPoint::Sum),
];

pub const BUCKETS: Columns = &[
    point("BucketCounts", UInt64, OfPoint::BucketCounts).many(),
    point("ExplicitBounds", Float64, OfPoint::ExplicitBounds).many(),
];

pub const EXPONENTIAL: Columns = &[
    point("Scale", Int32, OfPoint::Scale),
    point("ZeroCount", UInt64, OfPoint::ZeroCount),
    point("PositiveOffset", Int32, OfPoint::PositiveOffset),
    point("PositiveBucketCounts", UInt64, OfPoint::PositiveCounts).many(),
    point("NegativeOffset", Int32, OfPoint::NegativeOffset),
    point("NegativeBucketCounts", UInt64, OfPoint::NegativeCounts).many(),
];

pub const QUANTILES: Columns = &[
    point("ValueAtQuantiles.Quantile", Float64, OfPoint::Quantiles).many(),
    point("ValueAtQuantiles.Value", Float64, OfPoint::QuantileValues).many(),
];

pub const EXEMPLARS: Columns = &[
    point(
        "Exemplars.FilteredAttributes",
        Map,
        OfPoint::ExemplarAttributes,
    )
    .many(),
    point("Exemplars.TimeUnix", Seconds, OfPoint::ExemplarTimes).many(),
    point("Exemplars.Value", Float64, OfPoint::ExemplarValues).many(),
    point("Exemplars.SpanId", Text, OfPoint::ExemplarSpanIds).many(),
    point("Exemplars.TraceId", Text, OfPoint::ExemplarTraceIds).many(),
];

pub const RANGE: Columns = &[
    point("Min", Float64, OfPoint::Min),
    point("Max", Float64, OfPoint::Max),
];

pub const TEMPORALITY: Columns = &[metric(
    "AggregationTemporality",
    Int32,
    OfMetric::AggregationTemporality,
)
.later()];

pub const MONOTONIC: Columns = &[metric("IsMonotonic", Bool, OfMetric::IsMonotonic)
    .codec(DELTA)
    .later()];
