//! The shell: membership of the group, batches, commits, and the counts that become known after them.

mod batch;
mod reload;
mod routes;
mod session;
mod stage;
mod tables;
mod tally;

pub use reload::Reload;
pub use stage::{Setting, run};
pub use tally::register;
