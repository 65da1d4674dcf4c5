//! A metric and its data points, read in place.

use crate::wire::{Fields, WireError};

/// `Gauge.data_points` and its siblings.
const POINTS: u32 = 1;

/// What kind of data a metric has: the field of `Metric` that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

impl MetricKind {
    /// By the number of the field within `Metric`.
    pub fn of_field(number: u32) -> Option<Self> {
        match number {
            5 => Some(Self::Gauge),
            7 => Some(Self::Sum),
            9 => Some(Self::Histogram),
            10 => Some(Self::ExponentialHistogram),
            11 => Some(Self::Summary),
            _ => None,
        }
    }

    /// The number of the field within `Metric`.
    pub fn field(self) -> u32 {
        match self {
            Self::Gauge => 5,
            Self::Sum => 7,
            Self::Histogram => 9,
            Self::ExponentialHistogram => 10,
            Self::Summary => 11,
        }
    }

    /// The number of the field that holds the attributes of a data point.
    pub fn point_attributes(self) -> u32 {
        match self {
            Self::Gauge | Self::Sum | Self::Summary => 7,
            Self::Histogram => 9,
            Self::ExponentialHistogram => 1,
        }
    }
}

/// `Metric {name = 1, description = 2, unit = 3, gauge = 5, sum = 7, histogram = 9, exponential_histogram = 10, summary = 11, metadata = 12}`.
#[derive(Clone, Copy, Debug)]
pub struct MetricView<'a> {
    /// The whole message.
    pub body: &'a [u8],
    pub name: &'a [u8],
    pub description: &'a [u8],
    /// In UCUM, such as `ms` or `{request}`.
    pub unit: &'a [u8],
    /// `None`: it has no data, or some of a newer protocol. Of several the last counts, as protobuf has it.
    pub kind: Option<MetricKind>,
    /// `AggregationTemporality`; 0 where there is none.
    pub aggregation_temporality: i32,
    pub is_monotonic: bool,
}

impl<'a> MetricView<'a> {
    /// One pass over the metric's fields and those of its data, with the checks of [`super::SpanView::parse`]. Data points are passed over.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut view = Self {
            body,
            name: &[],
            description: &[],
            unit: &[],
            kind: None,
            aggregation_temporality: 0,
            is_monotonic: false,
        };
        for field in Fields::new(body) {
            let field = field?;
            if let Some(kind) = MetricKind::of_field(field.number) {
                if view.kind != Some(kind) {
                    (view.aggregation_temporality, view.is_monotonic) = (0, false);
                }
                view.kind = Some(kind);
                view.data(kind, field.len_value()?)?;
                continue;
            }
            match field.number {
                1 => view.name = field.len_value()?,
                2 => view.description = field.len_value()?,
                3 => view.unit = field.len_value()?,
                _ => {}
            }
        }
        Ok(view)
    }

    fn data(&mut self, kind: MetricKind, data: &[u8]) -> Result<(), WireError> {
        for field in Fields::new(data) {
            let field = field?;
            match (field.number, kind) {
                (POINTS, _) => drop(field.len_value()?),
                (2, MetricKind::Sum | MetricKind::Histogram | MetricKind::ExponentialHistogram) => {
                    self.aggregation_temporality = field.varint_value()? as i32;
                }
                (3, MetricKind::Sum) => self.is_monotonic = field.varint_value()? != 0,
                _ => {}
            }
        }
        Ok(())
    }

    /// Its data points, in order.
    pub fn points(&self) -> DataPoints<'a> {
        DataPoints {
            kind: self.kind,
            metric: Fields::new(self.body),
            data: Fields::new(&[]),
        }
    }
}

/// One data point of a metric.
#[derive(Clone, Copy, Debug)]
pub struct PointView<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// The kind of the metric, which tells the message: `NumberDataPoint`, `HistogramDataPoint`, …
    pub kind: MetricKind,
}

/// Iterates over the data points of a metric. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct DataPoints<'a> {
    kind: Option<MetricKind>,
    metric: Fields<'a>,
    data: Fields<'a>,
}

impl<'a> DataPoints<'a> {
    fn step(&mut self) -> Result<Option<PointView<'a>>, WireError> {
        let Some(kind) = self.kind else {
            return Ok(None);
        };
        loop {
            for field in self.data.by_ref() {
                let field = field?;
                if field.number == POINTS {
                    let body = field.len_value()?;
                    return Ok(Some(PointView { body, kind }));
                }
            }
            let Some(field) = self.metric.next() else {
                return Ok(None);
            };
            let field = field?;
            if field.number == kind.field() {
                self.data = Fields::new(field.len_value()?);
            }
        }
    }
}

impl<'a> Iterator for DataPoints<'a> {
    type Item = Result<PointView<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.kind = None;
        }
        step.transpose()
    }
}
