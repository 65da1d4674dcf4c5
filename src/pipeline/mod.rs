//! Stages put together over one bus, in this process: what `run`, the single stages and `demo` share.

mod live_bus;
mod opening;
mod pages;
mod reload;
mod running;
mod summary;
mod watching;

pub use running::Pipeline;
pub use summary::Summary;
