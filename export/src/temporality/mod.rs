//! From cumulative to delta and back: state machines of their own, without a clock but the time when the bus took a record, and without I/O.
//!
//! `table` holds what is remembered, by partition and stream, within bounds. `cumulative` adds deltas up: tentatively, for who may have to make a
//! request once more. `delta` takes the last total away. `convert` does either with a whole record, before it is batched, so that
//! each attempt sends the same bytes; `identity` tells streams apart, `points` reads and writes data points.
//!
//! Nothing is kept on disk: what is remembered begins anew when the process or the owner of a partition changes.

mod convert;
mod cumulative;
mod delta;
mod identity;
mod points;
mod stream;
mod table;
mod value;
mod why;

pub use convert::{Converter, Direction, Limits};
pub use cumulative::{Streams, Tentative};
pub use stream::Delta;
pub use table::StreamLimits;
pub use value::{DenseBuckets, Explicit, Exponential, Total};
pub use why::Why;
