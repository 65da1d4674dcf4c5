//! The data points of metrics by their kinds, read in place.
//!
//! [`super::DataPoints`] says where the points of a metric are; [`super::PointView::body`] is what these views are made of.

mod exemplar;
mod exponential;
mod fields;
mod histogram;
mod number;
mod repeated;
mod summary;
mod value;

pub use exemplar::{ExemplarView, Exemplars};
pub use exponential::{Buckets, ExponentialHistogramPoint};
pub use fields::PointFields;
pub use histogram::HistogramPoint;
pub use number::NumberPoint;
pub use repeated::{Fixed64s, Varints};
pub use summary::{Quantiles, SummaryPoint};
pub use value::Number;

/// `DataPointFlags.NO_RECORDED_VALUE_MASK`: the point only says that there is no value any more.
pub const NO_RECORDED_VALUE: u32 = 1;

#[cfg(test)]
mod tests;
