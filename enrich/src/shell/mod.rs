//! The shell: membership of the group, batches, commits, and the counts that become known after them.

mod batch;
mod routes;
mod session;
mod stage;
mod tally;

pub use stage::run;
pub use tally::register;
