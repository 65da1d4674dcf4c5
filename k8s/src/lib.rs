//! What Tailwater knows of Kubernetes: objects pruned to what telemetry can use, their encoding on the bus, and the index that finds the pod which
//! sent an item.
//!
//! Deliberately absent: clocks, sockets, and any client of an API server. Times are milliseconds since the Unix epoch, and are handed in.

mod decode;
mod encode;
mod index;
mod object;

pub use decode::{DecodeError, decode};
pub use encode::{VERSION, encode, encode_entry};
pub use index::{Found, Index, Query, TOLERANCE_MS};
pub use object::{Container, Deletion, Entry, Instance, Kind, Object, Owner, Pairs, Pod, Text};
