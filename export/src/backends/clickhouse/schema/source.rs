//! What columns hold.

/// What a column holds, by what it is the same for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// All items of a scope.
    Head(Head),
    Span(OfSpan),
    Log(OfLog),
    /// All points of a metric.
    Metric(OfMetric),
    Point(OfPoint),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    ResourceAttributes,
    ResourceSchemaUrl,
    ServiceName,
    ScopeName,
    ScopeVersion,
    ScopeAttributes,
    ScopeDropped,
    ScopeSchemaUrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfSpan {
    Timestamp,
    TraceId,
    SpanId,
    ParentSpanId,
    TraceState,
    Name,
    Kind,
    Attributes,
    Duration,
    StatusCode,
    StatusMessage,
    EventTimes,
    EventNames,
    EventAttributes,
    LinkTraceIds,
    LinkSpanIds,
    LinkTraceStates,
    LinkAttributes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfLog {
    Timestamp,
    TraceId,
    SpanId,
    TraceFlags,
    SeverityText,
    SeverityNumber,
    Body,
    Attributes,
    EventName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfMetric {
    Name,
    Description,
    Unit,
    AggregationTemporality,
    IsMonotonic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfPoint {
    Attributes,
    StartTime,
    Time,
    Value,
    Flags,
    Count,
    Sum,
    Min,
    Max,
    BucketCounts,
    ExplicitBounds,
    Scale,
    ZeroCount,
    PositiveOffset,
    PositiveCounts,
    NegativeOffset,
    NegativeCounts,
    Quantiles,
    QuantileValues,
    ExemplarAttributes,
    ExemplarTimes,
    ExemplarValues,
    ExemplarSpanIds,
    ExemplarTraceIds,
}
