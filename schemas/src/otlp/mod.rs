//! Borrowed views over OTLP bytes.
//!
//! The three signals share one nesting: request → resource → scope → item. [`Items`] walks it for all of them;
//! [`SpanView`] and its siblings read the fields of one item in place.

mod attribute;
mod check;
mod event;
mod items;
mod log;
pub mod schema;
mod signal;
mod span;
pub mod trace_state;

pub use attribute::{AnyValue, ArrayValues, Attributes, KeyValue};
pub use check::{Checked, Fault, check_item, check_request, check_resource, check_scope};
pub(crate) use check::{DEPTH_MAX, packed_value};
pub use event::{EventView, Events};
pub(crate) use items::{CHILDREN, RESOURCES};
pub use items::{Item, Items, ResourceHead, ScopeHead, head_hash};
pub use log::LogView;
pub use signal::Signal;
pub use span::{SpanView, StatusCode};
