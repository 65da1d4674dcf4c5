//! From the items of requests to records on the bus.
//!
//! [`filter`] takes out what isn't wanted, [`split`](mod@split) says which items go where and which are rejected, [`pack`] collects them with those of other requests, [`publish`] puts full records onto the bus,
//! [`completion`] wakes a request when all its records are durable. [`counts`] counts.

mod completion;
mod counts;
mod filter;
mod heads;
mod pack;
mod partial;
mod pending;
mod points;
mod publish;
mod split;
mod stamp;
mod unread;

pub use counts::{Counts, register};
pub use filter::{Filter, FilterCounts};
pub use pack::{Closed, Pack, RecordLimits};
pub use partial::Partial;
pub use publish::{Collecting, Packs, RawTopics, Tenant};
pub use split::{Limits, Rejected, Split, split, split_stamped};
pub use stamp::{Stamp, StampValue};
pub use unread::{Unread, is_foreign};
