//! Borrowed views over OTLP bytes.
//!
//! The three signals share one nesting: request → resource → scope → item. [`Items`] walks it for all of them;
//! [`SpanView`] and its siblings read the fields of one item in place. Nothing is copied, and malformed input is an error, never a panic.
//!
//! ```
//! use schemas::Signal;
//! use schemas::otlp::{AnyValue, Items, SpanView, StatusCode};
//!
//! let request = schemas::json::to_protobuf(Signal::Traces, br#"{"resourceSpans": [{
//!     "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
//!     "scopeSpans": [{"spans": [{
//!         "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": "GET /pay",
//!         "startTimeUnixNano": "1000", "endTimeUnixNano": "1500", "status": {"code": 2}
//!     }]}]
//! }]}"#)?;
//! for item in Items::new(&request) {
//!     let item = item?;
//!     let service = item.resource.attributes().next().expect("an attribute")?;
//!     assert_eq!((service.key, service.value), (&b"service.name"[..], AnyValue::String(b"shop")));
//!     let span = SpanView::parse(item.body)?;
//!     assert_eq!((span.name, span.status), (&b"GET /pay"[..], StatusCode::Error));
//!     assert_eq!(span.end_unix_nano - span.start_unix_nano, 500);
//!     assert!(span.valid_trace_id().is_some() && span.is_root());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod as_string;
mod attribute;
mod check;
mod event;
mod items;
mod link;
mod log;
mod metric;
pub mod point;
mod rest;
pub mod sampling;
pub mod schema;
mod signal;
mod span;
mod texts;
pub mod trace_state;

pub use attribute::{AnyValue, ArrayValues, Attributes, KeyValue};
pub use check::{Checked, Fault, check_item, check_request, check_resource, check_scope};
pub(crate) use check::{DEPTH_MAX, packed_value};
pub use event::{EventView, Events};
pub(crate) use items::{CHILDREN, RESOURCES};
pub use items::{Item, Items, ResourceHead, ScopeHead, head_hash};
pub use link::{LinkView, Links};
pub use log::LogView;
pub use metric::{DataPoints, MetricKind, MetricView, PointView};
pub use rest::{LogRest, ResourceRest, ScopeRest, SpanRest};
pub use signal::Signal;
pub use span::{SpanView, StatusCode};
pub use texts::{Place, Text, Texts, each_text};
