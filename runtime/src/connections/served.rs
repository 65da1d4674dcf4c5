//! What one connection is served with, and for whom.

use std::net::SocketAddr;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;

/// Who is at the other end of a connection.
pub struct Peer {
    pub address: SocketAddr,
    /// The certificate that it has shown, in DER; its chain and its signature were verified.
    pub certificate: Option<Vec<u8>>,
}

/// What one connection is served with.
pub struct Served<S, G> {
    /// Made of [`builder`].
    pub builder: Builder<TokioExecutor>,
    pub service: S,
    /// Dropped when the connection is closed.
    pub guard: G,
}

/// To begin with. Its own timeout of HTTP/1 headers is off, since it also runs between requests.
pub fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().timer(TokioTimer::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None);
    builder
}
