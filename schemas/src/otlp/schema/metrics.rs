//! The messages of the metrics signal, as data.

use super::common::{attributes, pairs};
use super::message::Kind::{
    Bool, Double, Enum, Fixed64, Id, Message as Of, Sfixed64, Sint32, Text, Uint32, Uint64,
};
use super::message::Presence::{Many, Scalar, Set};
use super::message::{Message, Role, choice, field, message, messages};

pub(super) static METRIC: Message = Message::at(
    Role::Metric,
    "Metric",
    &[
        field(1, "name", Text, Scalar),
        field(2, "description", Text, Scalar),
        field(3, "unit", Text, Scalar),
        choice(5, "gauge", Of(&GAUGE)),
        choice(7, "sum", Of(&SUM)),
        choice(9, "histogram", Of(&HISTOGRAM)),
        choice(10, "exponentialHistogram", Of(&EXPONENTIAL_HISTOGRAM)),
        choice(11, "summary", Of(&SUMMARY)),
        pairs(12, "metadata"),
    ],
);
static GAUGE: Message = Message::new("Gauge", &[messages(1, "dataPoints", &NUMBER_POINT)]);
static SUM: Message = Message::new(
    "Sum",
    &[
        messages(1, "dataPoints", &NUMBER_POINT),
        field(2, "aggregationTemporality", Enum, Scalar),
        field(3, "isMonotonic", Bool, Scalar),
    ],
);
static HISTOGRAM: Message = Message::new(
    "Histogram",
    &[
        messages(1, "dataPoints", &HISTOGRAM_POINT),
        field(2, "aggregationTemporality", Enum, Scalar),
    ],
);
static EXPONENTIAL_HISTOGRAM: Message = Message::new(
    "ExponentialHistogram",
    &[
        messages(1, "dataPoints", &EXPONENTIAL_POINT),
        field(2, "aggregationTemporality", Enum, Scalar),
    ],
);
static SUMMARY: Message = Message::new("Summary", &[messages(1, "dataPoints", &SUMMARY_POINT)]);

static NUMBER_POINT: Message = Message::at(
    Role::DataPoint,
    "NumberDataPoint",
    &[
        field(2, "startTimeUnixNano", Fixed64, Scalar),
        field(3, "timeUnixNano", Fixed64, Scalar),
        choice(4, "asDouble", Double),
        messages(5, "exemplars", &EXEMPLAR),
        choice(6, "asInt", Sfixed64),
        attributes(7),
        field(8, "flags", Uint32, Scalar),
    ],
);
static HISTOGRAM_POINT: Message = Message::at(
    Role::DataPoint,
    "HistogramDataPoint",
    &[
        field(2, "startTimeUnixNano", Fixed64, Scalar),
        field(3, "timeUnixNano", Fixed64, Scalar),
        field(4, "count", Fixed64, Scalar),
        field(5, "sum", Double, Set),
        field(6, "bucketCounts", Fixed64, Many),
        field(7, "explicitBounds", Double, Many),
        messages(8, "exemplars", &EXEMPLAR),
        attributes(9),
        field(10, "flags", Uint32, Scalar),
        field(11, "min", Double, Set),
        field(12, "max", Double, Set),
    ],
);
static EXPONENTIAL_POINT: Message = Message::at(
    Role::DataPoint,
    "ExponentialHistogramDataPoint",
    &[
        attributes(1),
        field(2, "startTimeUnixNano", Fixed64, Scalar),
        field(3, "timeUnixNano", Fixed64, Scalar),
        field(4, "count", Fixed64, Scalar),
        field(5, "sum", Double, Set),
        field(6, "scale", Sint32, Scalar),
        field(7, "zeroCount", Fixed64, Scalar),
        message(8, "positive", &BUCKETS),
        message(9, "negative", &BUCKETS),
        field(10, "flags", Uint32, Scalar),
        messages(11, "exemplars", &EXEMPLAR),
        field(12, "min", Double, Set),
        field(13, "max", Double, Set),
        field(14, "zeroThreshold", Double, Scalar),
    ],
);
static BUCKETS: Message = Message::new(
    "Buckets",
    &[
        field(1, "offset", Sint32, Scalar),
        field(2, "bucketCounts", Uint64, Many),
    ],
);
static SUMMARY_POINT: Message = Message::at(
    Role::DataPoint,
    "SummaryDataPoint",
    &[
        field(2, "startTimeUnixNano", Fixed64, Scalar),
        field(3, "timeUnixNano", Fixed64, Scalar),
        field(4, "count", Fixed64, Scalar),
        field(5, "sum", Double, Scalar),
        messages(6, "quantileValues", &QUANTILE),
        attributes(7),
        field(8, "flags", Uint32, Scalar),
    ],
);
static QUANTILE: Message = Message::new(
    "ValueAtQuantile",
    &[
        field(1, "quantile", Double, Scalar),
        field(2, "value", Double, Scalar),
    ],
);
static EXEMPLAR: Message = Message::new(
    "Exemplar",
    &[
        field(2, "timeUnixNano", Fixed64, Scalar),
        choice(3, "asDouble", Double),
        field(4, "spanId", Id(8), Scalar),
        field(5, "traceId", Id(16), Scalar),
        choice(6, "asInt", Sfixed64),
        pairs(7, "filteredAttributes"),
    ],
);
