//! A metric, down to its exemplars.

use super::Kind::{Attribute, Id, Message, Number, Numbers, Text, Unknown};
use super::{Context, Level, Shape, at, inner, with};

pub(super) static METRIC: Shape = at(
    Level::Item,
    "Metric",
    &[
        Unknown,
        Text, // name
        Text, // description
        Text, // unit
        Unknown,
        Message(&NUMBERS), // gauge
        Unknown,
        Message(&NUMBERS), // sum
        Unknown,
        Message(&HISTOGRAM),
        Message(&EXPONENTIAL_HISTOGRAM),
        Message(&SUMMARY),
        Attribute, // metadata
    ],
);
/// data_points; for sums also aggregation_temporality, is_monotonic
static NUMBERS: Shape = inner(
    "Gauge or Sum",
    &[Unknown, Message(&NUMBER_POINT), Number, Number],
);
static HISTOGRAM: Shape = inner("Histogram", &[Unknown, Message(&HISTOGRAM_POINT), Number]);
static EXPONENTIAL_HISTOGRAM: Shape = inner(
    "ExponentialHistogram",
    &[Unknown, Message(&EXPONENTIAL_POINT), Number],
);
static SUMMARY: Shape = inner("Summary", &[Unknown, Message(&SUMMARY_POINT)]);

static NUMBER_POINT: Shape = with(
    inner(
        "NumberDataPoint",
        &[
            Unknown,
            Unknown,
            Number,             // start_time_unix_nano
            Number,             // time_unix_nano
            Number,             // as_double
            Message(&EXEMPLAR), // exemplars
            Number,             // as_int
            Attribute,          // attributes
            Number,             // flags
        ],
    ),
    Context::Item,
    7,
);
static HISTOGRAM_POINT: Shape = with(
    inner(
        "HistogramDataPoint",
        &[
            Unknown,
            Unknown,
            Number,             // start_time_unix_nano
            Number,             // time_unix_nano
            Number,             // count
            Number,             // sum
            Numbers,            // bucket_counts
            Numbers,            // explicit_bounds
            Message(&EXEMPLAR), // exemplars
            Attribute,          // attributes
            Number,             // flags
            Number,             // min
            Number,             // max
        ],
    ),
    Context::Item,
    9,
);
static EXPONENTIAL_POINT: Shape = with(
    inner(
        "ExponentialHistogramDataPoint",
        &[
            Unknown,
            Attribute,          // attributes
            Number,             // start_time_unix_nano
            Number,             // time_unix_nano
            Number,             // count
            Number,             // sum
            Number,             // scale
            Number,             // zero_count
            Message(&BUCKETS),  // positive
            Message(&BUCKETS),  // negative
            Number,             // flags
            Message(&EXEMPLAR), // exemplars
            Number,             // min
            Number,             // max
            Number,             // zero_threshold
        ],
    ),
    Context::Item,
    1,
);
/// offset, bucket_counts
static BUCKETS: Shape = inner("Buckets", &[Unknown, Number, Numbers]);
static SUMMARY_POINT: Shape = with(
    inner(
        "SummaryDataPoint",
        &[
            Unknown,
            Unknown,
            Number,             // start_time_unix_nano
            Number,             // time_unix_nano
            Number,             // count
            Number,             // sum
            Message(&QUANTILE), // quantile_values
            Attribute,          // attributes
            Number,             // flags
        ],
    ),
    Context::Item,
    7,
);
/// quantile, value
static QUANTILE: Shape = inner("ValueAtQuantile", &[Unknown, Number, Number]);
static EXEMPLAR: Shape = inner(
    "Exemplar",
    &[
        Unknown, Unknown, Number,    // time_unix_nano
        Number,    // as_double
        Id,        // span_id
        Id,        // trace_id
        Number,    // as_int
        Attribute, // filtered_attributes
    ],
);
