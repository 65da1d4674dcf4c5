//! How many connections a port has, and how long each may do nothing.

use std::time::Duration;

/// How many connections, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At one time; more wait in the listen queue.
    pub connections_max: usize,
    /// Of one peer at one time, by its address; more are closed at once.
    pub per_peer_max: usize,
    /// From the connection to the end of the first request's headers (TLS included), and for the headers of each later request.
    pub first_byte_timeout: Duration,
    /// Without a request in flight.
    pub idle_timeout: Duration,
    /// Give or take a tenth, so that connections that came together don't go together.
    pub age_max: Duration,
    /// What a drain leaves to requests in flight.
    pub drain_timeout: Duration,
}

/// The configuration keys of limits, for logs.
#[derive(Clone, Copy, Debug)]
pub struct LimitKeys {
    pub connections_max: &'static str,
    pub per_peer_max: &'static str,
}
