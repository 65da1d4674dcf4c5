//! A point of any kind, for who writes all kinds alike: fields that its kind doesn't have are as if absent.

use super::{
    Buckets, ExemplarView, Exemplars, ExponentialHistogramPoint, Fixed64s, HistogramPoint, Number,
    NumberPoint, SummaryPoint,
};
use crate::otlp::{Attributes, MetricKind, PointView};
use crate::wire::WireError;

/// What a data point holds.
#[derive(Clone, Copy, Debug)]
pub struct PointFields<'a> {
    pub kind: MetricKind,
    /// Nanoseconds since 1970; 0: not known.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    pub flags: u32,
    /// Of gauges and sums.
    pub value: Number,
    /// Of all others, down to `max`.
    pub count: u64,
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Of exponential histograms, down to `negative`.
    pub scale: i32,
    pub zero_count: u64,
    pub zero_threshold: f64,
    pub positive: Buckets<'a>,
    pub negative: Buckets<'a>,
    body: &'a [u8],
}

impl<'a> PointFields<'a> {
    /// One pass over the point's fields.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    // Long: for each kind the list of its fields.
    pub fn of(point: PointView<'a>) -> Result<Self, WireError> {
        let absent = Self {
            kind: point.kind,
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            flags: 0,
            value: Number::Absent,
            count: 0,
            sum: None,
            min: None,
            max: None,
            scale: 0,
            zero_count: 0,
            zero_threshold: 0.0,
            positive: Buckets::default(),
            negative: Buckets::default(),
            body: point.body,
        };
        Ok(match point.kind {
            MetricKind::Gauge | MetricKind::Sum => {
                let own = NumberPoint::parse(point.body)?;
                Self {
                    start_time_unix_nano: own.start_time_unix_nano,
                    time_unix_nano: own.time_unix_nano,
                    flags: own.flags,
                    value: own.value,
                    ..absent
                }
            }
            MetricKind::Histogram => {
                let own = HistogramPoint::parse(point.body)?;
                Self {
                    start_time_unix_nano: own.start_time_unix_nano,
                    time_unix_nano: own.time_unix_nano,
                    flags: own.flags,
                    count: own.count,
                    sum: own.sum,
                    min: own.min,
                    max: own.max,
                    ..absent
                }
            }
            MetricKind::ExponentialHistogram => {
                let own = ExponentialHistogramPoint::parse(point.body)?;
                Self {
                    start_time_unix_nano: own.start_time_unix_nano,
                    time_unix_nano: own.time_unix_nano,
                    flags: own.flags,
                    count: own.count,
                    sum: own.sum,
                    min: own.min,
                    max: own.max,
                    scale: own.scale,
                    zero_count: own.zero_count,
                    zero_threshold: own.zero_threshold,
                    positive: own.positive,
                    negative: own.negative,
                    ..absent
                }
            }
            MetricKind::Summary => {
                let own = SummaryPoint::parse(point.body)?;
                Self {
                    start_time_unix_nano: own.start_time_unix_nano,
                    time_unix_nano: own.time_unix_nano,
                    flags: own.flags,
                    count: own.count,
                    sum: Some(own.sum),
                    ..absent
                }
            }
        })
    }

    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, self.kind.point_attributes())
    }

    /// In order; summaries have none.
    pub fn exemplars(&self) -> impl Iterator<Item = Result<ExemplarView<'a>, WireError>> + use<'a> {
        Exemplars::new(
            self.body,
            match self.kind {
                MetricKind::Gauge | MetricKind::Sum => 5,
                MetricKind::Histogram => 8,
                MetricKind::ExponentialHistogram => 11,
                MetricKind::Summary => NONE,
            },
        )
    }

    /// The counts of an explicit histogram's buckets, in order.
    pub fn bucket_counts(&self) -> Fixed64s<'a> {
        Fixed64s::new(self.body, self.of_histogram(6))
    }

    /// The upper bounds of all of an explicit histogram's buckets but the last.
    pub fn explicit_bounds(&self) -> impl Iterator<Item = Result<f64, WireError>> + use<'a> {
        Fixed64s::new(self.body, self.of_histogram(7)).map(|bits| bits.map(f64::from_bits))
    }

    /// (quantile, value) of a summary, in order.
    pub fn quantiles(&self) -> impl Iterator<Item = Result<(f64, f64), WireError>> + use<'a> {
        let body = match self.kind {
            MetricKind::Summary => self.body,
            _ => &[],
        };
        SummaryPoint::quantiles_of(body)
    }

    fn of_histogram(&self, field: u32) -> u32 {
        match self.kind {
            MetricKind::Histogram => field,
            _ => NONE,
        }
    }
}

/// No field has this number.
const NONE: u32 = 0;
