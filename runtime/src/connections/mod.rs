//! The connections of a listening port, bounded in number and in time: whoever says nothing, or nothing more, gives its slot back.
//!
//! HTTP/1.1 and HTTP/2 alike, with TLS or without. Every connection has a deadline at any time ([`activity`]): until its first request, for the headers of
//! the next one, without a request in flight, and for its age. It is closed in two steps: it is told to end (GOAWAY in HTTP/2), and
//! cut off a while later. How long a request's body and its answer may take is for the service to say.

mod activity;
mod counts;
mod entrance;
mod limits;
mod peers;
mod port;
mod served;
mod serving;
mod transport;

pub use activity::Closed;
pub use counts::Counts;
pub use limits::{LimitKeys, Limits};
pub use port::Port;
pub use served::{Peer, Served, builder};
