//! What is on disk: the store with its catalogue and frames, a torn end, the directory's lock, and what it all takes.

pub(super) mod catalog;
pub(super) mod disk;
pub(super) mod frame;
pub(super) mod lock;
pub(super) mod store;
pub(super) mod torn;
