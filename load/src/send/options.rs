//! Where requests go, how, and for how long that is tried.

use std::time::Duration;

use super::access::Access;

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

#[derive(Clone, Debug)]
pub struct SendOptions {
    /// `http://host:port` or `https://host:port`.
    pub endpoint: String,
    pub access: Access,
    pub protocol: Protocol,
    pub compression: Compression,
    pub connections: usize,
    /// Follow the requests' due times; otherwise as fast as they are taken.
    pub paced: bool,
    /// Give up when nobody has been reached at the endpoint after this long.
    pub connect_for: Duration,
    /// Give up on a request after this long of retries.
    pub retry_for: Duration,
}
