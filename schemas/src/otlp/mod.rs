//! Borrowed views over OTLP bytes.
//!
//! The three signals share one nesting: request → resource → scope → item. [`Items`] walks it for all of them;
//! [`SpanView`] and its siblings read the fields of one item in place.

mod attribute;
mod check;
mod items;
mod log;
pub(crate) mod schema;
mod signal;
mod span;

pub use attribute::{AnyValue, ArrayValues, Attributes, KeyValue};
pub(crate) use check::{DEPTH_MAX, packed_value};
pub use check::{check_item, check_request};
pub(crate) use items::{CHILDREN, RESOURCES};
pub use items::{Item, Items, ResourceHead, ScopeHead};
pub use log::LogView;
pub use signal::Signal;
pub use span::{SpanView, StatusCode};
