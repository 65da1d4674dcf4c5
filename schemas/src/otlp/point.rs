//! Data points of metrics and their exemplars, read in place: the fields of all five messages, as far as a kind has them.
//!
//! Repeated numbers stay where they are, and are read with [`fixed64s`] and [`varints`].

use super::numbers::{fixed64s, varints};
use super::{Attributes, MetricKind, PointView};
use crate::wire::{Fields, WireError};

/// The value of a `NumberDataPoint` or an exemplar.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Number {
    #[default]
    Empty,
    Int(i64),
    Double(f64),
}

/// What a data point holds; fields that its kind doesn't have are as if absent.
#[derive(Clone, Copy, Debug)]
pub struct PointFields<'a> {
    /// The whole message.
    pub body: &'a [u8],
    pub kind: MetricKind,
    /// Nanoseconds since 1970; 0 when unknown.
    pub start_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// `DataPointFlags`: 1 says that there is no value.
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
}

/// `ExponentialHistogramDataPoint.Buckets {offset = 1, bucket_counts = 2}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Buckets<'a> {
    pub offset: i32,
    /// The message: its counts are [`varints`] in field 2.
    pub body: &'a [u8],
}

/// `Exemplar {time_unix_nano = 2, as_double = 3, span_id = 4, trace_id = 5, as_int = 6, filtered_attributes = 7}`.
#[derive(Clone, Copy, Debug)]
pub struct ExemplarView<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    pub value: Number,
    /// As sent: empty, or 16 bytes when valid.
    pub trace_id: &'a [u8],
    /// As sent: empty, or 8 bytes when valid.
    pub span_id: &'a [u8],
}

/// `SummaryDataPoint.ValueAtQuantile {quantile = 1, value = 2}`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantile {
    /// 0 to 1.
    pub quantile: f64,
    pub value: f64,
}

impl<'a> PointView<'a> {
    /// One pass over the point's fields, with the checks of [`super::SpanView::parse`].
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn fields(&self) -> Result<PointFields<'a>, WireError> {
        let mut point = PointFields {
            body: self.body,
            kind: self.kind,
            start_unix_nano: 0,
            time_unix_nano: 0,
            flags: 0,
            value: Number::Empty,
            count: 0,
            sum: None,
            min: None,
            max: None,
            scale: 0,
            zero_count: 0,
            zero_threshold: 0.0,
            positive: Buckets::default(),
            negative: Buckets::default(),
        };
        for field in Fields::new(self.body) {
            let field = field?;
            let double = || field.fixed64_value().map(f64::from_bits);
            match (field.number, self.kind) {
                (2, _) => point.start_unix_nano = field.fixed64_value()?,
                (3, _) => point.time_unix_nano = field.fixed64_value()?,
                (4, MetricKind::Gauge | MetricKind::Sum) => point.value = Number::Double(double()?),
                (6, MetricKind::Gauge | MetricKind::Sum) => {
                    point.value = Number::Int(field.fixed64_value()? as i64);
                }
                (4, _) => point.count = field.fixed64_value()?,
                (5, MetricKind::Gauge | MetricKind::Sum) => {}
                (5, _) => point.sum = Some(double()?),
                (8, MetricKind::Gauge | MetricKind::Sum | MetricKind::Summary)
                | (10, MetricKind::Histogram | MetricKind::ExponentialHistogram) => {
                    point.flags = field.varint_value()? as u32;
                }
                (11, MetricKind::Histogram) | (12, MetricKind::ExponentialHistogram) => {
                    point.min = Some(double()?);
                }
                (12, MetricKind::Histogram) | (13, MetricKind::ExponentialHistogram) => {
                    point.max = Some(double()?);
                }
                (6, MetricKind::ExponentialHistogram) => {
                    point.scale = zigzag(field.varint_value()?)
                }
                (7, MetricKind::ExponentialHistogram) => {
                    point.zero_count = field.fixed64_value()?
                }
                (8, MetricKind::ExponentialHistogram) => {
                    point.positive = Buckets::parse(field.len_value()?)?;
                }
                (9, MetricKind::ExponentialHistogram) => {
                    point.negative = Buckets::parse(field.len_value()?)?;
                }
                (14, MetricKind::ExponentialHistogram) => point.zero_threshold = double()?,
                _ => {}
            }
        }
        Ok(point)
    }
}

/// `sint32`, as protobuf decodes it.
fn zigzag(value: u64) -> i32 {
    let value = value as u32;
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

impl<'a> PointFields<'a> {
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, self.kind.point_attributes())
    }

    /// In order; summaries have none.
    pub fn exemplars(&self) -> impl Iterator<Item = Result<ExemplarView<'a>, WireError>> + use<'a> {
        let number = match self.kind {
            MetricKind::Gauge | MetricKind::Sum => 5,
            MetricKind::Histogram => 8,
            MetricKind::ExponentialHistogram => 11,
            MetricKind::Summary => 0,
        };
        messages(self.body, number).map(|message| message.and_then(ExemplarView::parse))
    }

    /// The counts of an explicit histogram's buckets, in order: bits of `fixed64`.
    pub fn bucket_counts(&self) -> impl Iterator<Item = Result<u64, WireError>> + use<'a> {
        fixed64s(
            self.body,
            if self.kind == MetricKind::Histogram {
                6
            } else {
                0
            },
        )
    }

    /// The upper bounds of all of an explicit histogram's buckets but the last.
    pub fn explicit_bounds(&self) -> impl Iterator<Item = Result<f64, WireError>> + use<'a> {
        let number = if self.kind == MetricKind::Histogram {
            7
        } else {
            0
        };
        fixed64s(self.body, number).map(|bits| bits.map(f64::from_bits))
    }

    /// A summary's quantiles, in order.
    pub fn quantiles(&self) -> impl Iterator<Item = Result<Quantile, WireError>> + use<'a> {
        let number = if self.kind == MetricKind::Summary {
            6
        } else {
            0
        };
        messages(self.body, number).map(|message| message.and_then(Quantile::parse))
    }
}

impl<'a> Buckets<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut buckets = Self { offset: 0, body };
        for field in Fields::new(body) {
            let field = field?;
            if field.number == 1 {
                buckets.offset = zigzag(field.varint_value()?);
            }
        }
        Ok(buckets)
    }

    pub fn counts(&self) -> impl Iterator<Item = Result<u64, WireError>> + use<'a> {
        varints(self.body, 2)
    }
}

impl<'a> ExemplarView<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut view = Self {
            body,
            time_unix_nano: 0,
            value: Number::Empty,
            trace_id: &[],
            span_id: &[],
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                2 => view.time_unix_nano = field.fixed64_value()?,
                3 => view.value = Number::Double(f64::from_bits(field.fixed64_value()?)),
                4 => view.span_id = field.len_value()?,
                5 => view.trace_id = field.len_value()?,
                6 => view.value = Number::Int(field.fixed64_value()? as i64),
                _ => {}
            }
        }
        Ok(view)
    }

    /// Field 7, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 7)
    }
}

impl Quantile {
    fn parse(body: &[u8]) -> Result<Self, WireError> {
        let mut quantile = Self::default();
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                1 => quantile.quantile = f64::from_bits(field.fixed64_value()?),
                2 => quantile.value = f64::from_bits(field.fixed64_value()?),
                _ => {}
            }
        }
        Ok(quantile)
    }
}

/// The messages in one field, in order.
fn messages(body: &[u8], number: u32) -> impl Iterator<Item = Result<&[u8], WireError>> {
    Fields::new(body).filter_map(move |field| match field {
        Ok(field) => (field.number == number).then(|| field.len_value()),
        Err(error) => Some(Err(error)),
    })
}
