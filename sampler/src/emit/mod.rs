//! The Copier: passes each record once every trace in it is decided, copies the spans of kept traces out in the order of the log, and forgets the rest.
//! What it emitted is exactly what lies below one offset, L.
//!
//! Pure, like the Decider, of which it knows only what `decide::handover` holds. Records wait for it in a cache that is bounded in bytes; what is not in there is
//! asked for and supplied by the shell.

mod cache;
mod copier;
pub(crate) mod counts;
pub(crate) mod emitter;
mod irregular;
mod pending;
mod prefetch;
mod rescue;
mod stamp;

pub(crate) use copier::Copier;
