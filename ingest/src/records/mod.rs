//! From the items of requests to records on the bus.
//!
//! [`split`](mod@split) says which items go where and which are rejected, [`pack`] collects them with those of other requests, [`publish`] puts full records onto the bus,
//! [`completion`] wakes a request when all its records are durable. [`counts`] counts.

mod completion;
mod counts;
mod heads;
mod pack;
mod partial;
mod points;
mod publish;
mod split;
mod stamp;
mod unread;

pub use counts::{Counts, register};
pub use pack::{Closed, Pack, RecordLimits};
pub use partial::Partial;
pub use publish::{Collecting, Packs, RawTopics, Tenant};
pub use split::{Limits, Rejected, Split, split, split_stamped};
pub use stamp::{Stamp, StampValue};
pub use unread::{Unread, is_foreign};
