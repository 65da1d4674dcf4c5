//! How much of a tenant's telemetry a backend gets in an hour or a day, over all processes of its group.
//!
//! `rules` is what is allowed, `table` counts, `usage` knows what every partition counted, this process's and those of others. `exchange` tells and
//! hears it over a compacted topic, and `shown` says it in metrics and the log. What a partition counted belongs to the partition: whoever reads it next goes on from there.

mod exchange;
mod message;
mod rules;
mod shared;
mod shown;
mod table;
mod usage;

pub use exchange::Exchange;
pub use rules::{By, Over, Rules, Window};
pub use shared::Shared;
pub use table::Amount;
pub use usage::{Asked, Standing};
