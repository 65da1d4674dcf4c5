//! The connections of a listening port, bounded in number and in time: whoever says nothing, or nothing more, gives its slot back.
//!
//! HTTP/1.1 and HTTP/2 alike. Every connection has a deadline at any time ([`activity`]): until its first request, for the headers of
//! the next one, without a request in flight, and for its age. It is closed in two steps: it is told to end (GOAWAY in HTTP/2), and
//! cut off a while later. How long a request's body and its answer may take is for the service to say.

mod activity;
mod counts;
mod entrance;
mod limits;
mod port;
mod serving;

pub use activity::Closed;
pub use counts::Counts;
pub use limits::Limits;
pub use port::{Port, Served, builder};
