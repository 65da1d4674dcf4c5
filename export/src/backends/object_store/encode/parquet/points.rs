//! Data points of all kinds as rows of one table. A batch is one object, so all kinds share it: a column that a kind doesn't have is
//! null, which costs next to nothing. Pure.

use schemas::otlp::point::{ExemplarView, Number, PointFields};
use schemas::otlp::{Item, MetricKind, MetricView, PointView};
use schemas::wire::WireError;

use super::leaf::{Leaf, Levels, Map, Texts, Values};
use super::many::{List, Maybe};
use super::table::{Row, Table, nanos};

#[derive(Default)]
pub struct Points {
    kinds: Texts,
    names: Texts,
    descriptions: Texts,
    units: Texts,
    temporalities: Vec<i32>,
    monotonic: Vec<bool>,
    attributes: Map,
    starts: Vec<i64>,
    times: Vec<i64>,
    flags: Vec<i32>,
    values: Maybe<f64>,
    counts: Maybe<i64>,
    sums: Maybe<f64>,
    minima: Maybe<f64>,
    maxima: Maybe<f64>,
    buckets: List<i64>,
    bounds: List<f64>,
    scales: Maybe<i32>,
    zero_counts: Maybe<i64>,
    zero_thresholds: Maybe<f64>,
    positive_offsets: Maybe<i32>,
    positive: List<i64>,
    negative_offsets: Maybe<i32>,
    negative: List<i64>,
    quantiles: Quantiles,
    exemplars: Exemplars,
}

#[derive(Default)]
struct Quantiles {
    levels: Levels,
    quantiles: Vec<f64>,
    values: Vec<f64>,
}

#[derive(Default)]
struct Exemplars {
    levels: Levels,
    attributes: Map,
    times: Vec<i64>,
    values: Vec<f64>,
    span_ids: Texts,
    trace_ids: Texts,
}

/// A data point and its metric.
pub struct PointRow<'a> {
    metric: MetricView<'a>,
    point: PointFields<'a>,
    /// Else the metric has none.
    has_point: bool,
    is_first: bool,
}

impl Row for PointRow<'_> {
    fn time_unix_nano(&self) -> u64 {
        self.point.time_unix_nano
    }

    fn is_empty(&self) -> bool {
        !self.has_point
    }

    fn is_first(&self) -> bool {
        self.is_first
    }
}

impl Table for Points {
    const SCHEMA: &'static str = "
        REQUIRED BYTE_ARRAY Kind (STRING);
        REQUIRED BYTE_ARRAY MetricName (STRING);
        REQUIRED BYTE_ARRAY MetricDescription (STRING);
        REQUIRED BYTE_ARRAY MetricUnit (STRING);
        REQUIRED INT32 AggregationTemporality;
        REQUIRED BOOLEAN IsMonotonic;
        REQUIRED group Attributes (MAP) { REPEATED group key_value {
            REQUIRED BYTE_ARRAY key (STRING); REQUIRED BYTE_ARRAY value (STRING); } }
        REQUIRED INT64 StartTimeUnix (TIMESTAMP(NANOS,true));
        REQUIRED INT64 TimeUnix (TIMESTAMP(NANOS,true));
        REQUIRED INT32 Flags (INTEGER(32,false));
        OPTIONAL DOUBLE Value;
        OPTIONAL INT64 Count (INTEGER(64,false));
        OPTIONAL DOUBLE Sum;
        OPTIONAL DOUBLE Min;
        OPTIONAL DOUBLE Max;
        REQUIRED group BucketCounts (LIST) { REPEATED group list {
            REQUIRED INT64 element (INTEGER(64,false)); } }
        REQUIRED group ExplicitBounds (LIST) { REPEATED group list { REQUIRED DOUBLE element; } }
        OPTIONAL INT32 Scale;
        OPTIONAL INT64 ZeroCount (INTEGER(64,false));
        OPTIONAL DOUBLE ZeroThreshold;
        OPTIONAL INT32 PositiveOffset;
        REQUIRED group PositiveBucketCounts (LIST) { REPEATED group list {
            REQUIRED INT64 element (INTEGER(64,false)); } }
        OPTIONAL INT32 NegativeOffset;
        REQUIRED group NegativeBucketCounts (LIST) { REPEATED group list {
            REQUIRED INT64 element (INTEGER(64,false)); } }
        REQUIRED group ValueAtQuantiles (LIST) { REPEATED group list { REQUIRED group element {
            REQUIRED DOUBLE Quantile; REQUIRED DOUBLE Value; } } }
        REQUIRED group Exemplars (LIST) { REPEATED group list { REQUIRED group element {
            REQUIRED group FilteredAttributes (MAP) { REPEATED group key_value {
                REQUIRED BYTE_ARRAY key (STRING); REQUIRED BYTE_ARRAY value (STRING); } }
            REQUIRED INT64 TimeUnix (TIMESTAMP(NANOS,true));
            REQUIRED DOUBLE Value;
            REQUIRED BYTE_ARRAY SpanId (STRING);
            REQUIRED BYTE_ARRAY TraceId (STRING); } } }
    ";
    const BOUNDED: &'static [&'static str] = &["TimeUnix", "MetricName"];
    const UNIQUE: &'static [&'static str] = &[];
    const TIMES: &'static [&'static str] = &["TimeUnix", "StartTimeUnix"];

    type Row<'a> = PointRow<'a>;

    fn rows<'a>(
        item: &Item<'a>,
        mut each: impl FnMut(&PointRow<'a>) -> Result<(), String>,
    ) -> Result<(), String> {
        let failed = |error: WireError| error.to_string();
        let metric = MetricView::parse(item.body).map_err(failed)?;
        let mut row = PointRow {
            metric,
            point: PointFields::of(PointView {
                body: &[],
                kind: MetricKind::Gauge,
            })
            .map_err(failed)?,
            has_point: false,
            is_first: true,
        };
        for point in metric.points() {
            row.point = point.and_then(PointFields::of).map_err(failed)?;
            row.has_point = true;
            each(&row)?;
            row.is_first = false;
        }
        match row.has_point {
            true => Ok(()),
            false => each(&row),
        }
    }

    fn push(&mut self, row: &PointRow<'_>) -> Result<(), WireError> {
        let (metric, point) = (&row.metric, &row.point);
        match row.has_point {
            true => self.kinds.push(kind(point.kind)),
            false => self.kinds.push(&[]),
        }
        self.names.push(metric.name);
        self.descriptions.push(metric.description);
        self.units.push(metric.unit);
        self.temporalities.push(metric.aggregation_temporality);
        self.monotonic.push(metric.is_monotonic);
        self.attributes.push((0, 0), point.attributes())?;
        self.starts.push(nanos(point.start_time_unix_nano));
        self.times.push(nanos(point.time_unix_nano));
        self.flags.push(point.flags as i32);
        self.push_values(point)?;
        self.quantiles.push(point)?;
        self.exemplars.push(point)
    }

    fn leaves(&mut self) -> Vec<Leaf<'_>> {
        let mut leaves = vec![
            Leaf::plain(Values::Texts(&mut self.kinds)),
            Leaf::plain(Values::Texts(&mut self.names)),
            Leaf::plain(Values::Texts(&mut self.descriptions)),
            Leaf::plain(Values::Texts(&mut self.units)),
            Leaf::plain(Values::Ints(&mut self.temporalities)),
            Leaf::plain(Values::Bools(&mut self.monotonic)),
        ];
        leaves.extend(self.attributes.leaves());
        leaves.extend([
            Leaf::plain(Values::Longs(&mut self.starts)),
            Leaf::plain(Values::Longs(&mut self.times)),
            Leaf::plain(Values::Ints(&mut self.flags)),
            self.values.leaf(),
            self.counts.leaf(),
            self.sums.leaf(),
            self.minima.leaf(),
            self.maxima.leaf(),
            self.buckets.leaf(),
            self.bounds.leaf(),
            self.scales.leaf(),
            self.zero_counts.leaf(),
            self.zero_thresholds.leaf(),
            self.positive_offsets.leaf(),
            self.positive.leaf(),
            self.negative_offsets.leaf(),
            self.negative.leaf(),
        ]);
        leaves.extend(self.quantiles.leaves());
        leaves.extend(self.exemplars.leaves());
        leaves
    }
}

impl Points {
    fn push_values(&mut self, point: &PointFields<'_>) -> Result<(), WireError> {
        let is_number = matches!(point.kind, MetricKind::Gauge | MetricKind::Sum);
        let is_exponential = point.kind == MetricKind::ExponentialHistogram;
        self.values.push(number(point.value));
        self.counts.push((!is_number).then_some(point.count as i64));
        self.sums.push(point.sum);
        self.minima.push(point.min);
        self.maxima.push(point.max);
        let counts = |count: Result<u64, WireError>| count.map(|count| count as i64);
        self.buckets.push(point.bucket_counts().map(counts))?;
        self.bounds.push(point.explicit_bounds())?;
        self.scales.push(is_exponential.then_some(point.scale));
        self.zero_counts
            .push(is_exponential.then_some(point.zero_count as i64));
        self.zero_thresholds
            .push(is_exponential.then_some(point.zero_threshold));
        self.positive_offsets
            .push(is_exponential.then_some(point.positive.offset));
        self.positive.push(point.positive.counts().map(counts))?;
        self.negative_offsets
            .push(is_exponential.then_some(point.negative.offset));
        self.negative.push(point.negative.counts().map(counts))
    }
}

impl Quantiles {
    fn push(&mut self, point: &PointFields<'_>) -> Result<(), WireError> {
        let mut rep = 0;
        for at in point.quantiles() {
            let (quantile, value) = at?;
            self.levels.push(rep, 1);
            self.quantiles.push(quantile);
            self.values.push(value);
            rep = 1;
        }
        if rep == 0 {
            self.levels.push(0, 0);
        }
        Ok(())
    }

    fn leaves(&mut self) -> [Leaf<'_>; 2] {
        [
            Leaf::nested(&self.levels, Values::Doubles(&mut self.quantiles)),
            Leaf::nested(&self.levels, Values::Doubles(&mut self.values)),
        ]
    }
}

impl Exemplars {
    fn push(&mut self, point: &PointFields<'_>) -> Result<(), WireError> {
        let mut rep = 0;
        for exemplar in point.exemplars() {
            let exemplar: ExemplarView<'_> = exemplar?;
            self.levels.push(rep, 1);
            self.attributes
                .push((rep, 1), exemplar.filtered_attributes())?;
            self.times.push(nanos(exemplar.time_unix_nano));
            self.values.push(number(exemplar.value).unwrap_or_default());
            self.span_ids.push_id(exemplar.span_id);
            self.trace_ids.push_id(exemplar.trace_id);
            rep = 1;
        }
        if rep == 0 {
            self.levels.push(0, 0);
            self.attributes.push_absent();
        }
        Ok(())
    }

    fn leaves(&mut self) -> Vec<Leaf<'_>> {
        let mut leaves: Vec<_> = self.attributes.leaves().into();
        leaves.extend([
            Leaf::nested(&self.levels, Values::Longs(&mut self.times)),
            Leaf::nested(&self.levels, Values::Doubles(&mut self.values)),
            Leaf::nested(&self.levels, Values::Texts(&mut self.span_ids)),
            Leaf::nested(&self.levels, Values::Texts(&mut self.trace_ids)),
        ]);
        leaves
    }
}

/// Columns are of one type, whatever was sent.
fn number(number: Number) -> Option<f64> {
    match number {
        Number::Absent => None,
        Number::Int(value) => Some(value as f64),
        Number::Double(value) => Some(value),
    }
}

fn kind(kind: MetricKind) -> &'static [u8] {
    match kind {
        MetricKind::Gauge => b"gauge",
        MetricKind::Sum => b"sum",
        MetricKind::Histogram => b"histogram",
        MetricKind::ExponentialHistogram => b"exponential_histogram",
        MetricKind::Summary => b"summary",
    }
}
