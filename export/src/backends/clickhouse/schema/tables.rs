//! Our tables, and what their columns hold.

use schemas::Signal;
use schemas::otlp::MetricKind;

use super::column::Column;
use super::columns::{
    BUCKETS, EXEMPLARS, EXPONENTIAL, FLAGS, LOGS, METRIC, MONOTONIC, NUMBER, QUANTILES, RANGE,
    TEMPORALITY, TOTALS, TRACES,
};
use super::source::Source;
use crate::backends::clickhouse::config::Layout;

/// A table of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableId {
    Traces,
    Logs,
    Gauge,
    Sum,
    Summary,
    Histogram,
    ExponentialHistogram,
}

pub type OurColumn = Column<Source>;

impl TableId {
    /// Those that a signal goes to.
    pub fn of(signal: Signal) -> &'static [Self] {
        match signal {
            Signal::Traces => &[Self::Traces],
            Signal::Logs => &[Self::Logs],
            Signal::Metrics => &[
                Self::Gauge,
                Self::Sum,
                Self::Summary,
                Self::Histogram,
                Self::ExponentialHistogram,
            ],
        }
    }

    /// The place of a kind's table among those of the metrics.
    pub fn place_of(kind: MetricKind) -> usize {
        match kind {
            MetricKind::Gauge => 0,
            MetricKind::Sum => 1,
            MetricKind::Summary => 2,
            MetricKind::Histogram => 3,
            MetricKind::ExponentialHistogram => 4,
        }
    }

    pub fn name(self, layout: &Layout) -> &str {
        match self {
            Self::Traces => &layout.traces,
            Self::Logs => &layout.logs,
            Self::Gauge => &layout.gauge,
            Self::Sum => &layout.sum,
            Self::Summary => &layout.summary,
            Self::Histogram => &layout.histogram,
            Self::ExponentialHistogram => &layout.exponential_histogram,
        }
    }

    /// Its columns, in the order in which it is created with them.
    pub fn columns(self) -> Vec<OurColumn> {
        match self {
            Self::Traces => TRACES.to_vec(),
            Self::Logs => LOGS.to_vec(),
            Self::Gauge => [METRIC, NUMBER, EXEMPLARS].concat(),
            Self::Sum => [METRIC, NUMBER, EXEMPLARS, TEMPORALITY, MONOTONIC].concat(),
            Self::Summary => [METRIC, TOTALS, QUANTILES, FLAGS].concat(),
            Self::Histogram => [
                METRIC,
                TOTALS,
                BUCKETS,
                EXEMPLARS,
                FLAGS,
                RANGE,
                TEMPORALITY,
            ]
            .concat(),
            Self::ExponentialHistogram => [
                METRIC,
                TOTALS,
                EXPONENTIAL,
                EXEMPLARS,
                FLAGS,
                RANGE,
                TEMPORALITY,
            ]
            .concat(),
        }
    }
}
