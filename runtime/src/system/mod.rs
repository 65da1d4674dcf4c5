//! The process and the system that it runs on: signals, exit codes, its name, secrets as digests, its limits of files and memory, who may read its files.

mod digest;
pub mod exit;
pub mod files;
mod instance;
pub mod memory;
mod signals;
mod umask;

pub use digest::Digest;
pub use instance::Instance;
pub use signals::{abort_on_panic, stop_on_signals};
pub use umask::keep_from_others;
