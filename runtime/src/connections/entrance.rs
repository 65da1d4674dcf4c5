//! Where connections come in: the slots, and what happens when there are none left.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::limits::{LimitKeys, Limits};
use super::peers::{Peers, Place};

/// Between two warnings about the same thing.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The slots of a port.
pub(super) struct Entrance {
    port: &'static str,
    keys: Option<LimitKeys>,
    limits: Limits,
    slots: Arc<Semaphore>,
    /// No slot is free.
    pub crowded: watch::Sender<bool>,
    peers: Peers,
    full: Seldom,
    failed: Seldom,
    greedy: Seldom,
}

/// A connection with what it holds while it is open.
pub(super) struct Arrival {
    pub stream: TcpStream,
    pub address: SocketAddr,
    pub slot: OwnedSemaphorePermit,
    /// `None`: its peer has no more.
    pub place: Option<Place>,
}

impl Entrance {
    /// `port` and `keys`, where its limits are configured, are for logs.
    pub fn new(port: &'static str, keys: Option<LimitKeys>, limits: Limits) -> Self {
        Self {
            port,
            keys,
            limits,
            slots: Arc::new(Semaphore::new(limits.connections_max)),
            peers: Peers::new(limits.per_peer_max),
            crowded: watch::Sender::new(false),
            full: Seldom::default(),
            failed: Seldom::default(),
            greedy: Seldom::default(),
        }
    }

    /// A connection with its slot. Connections that broke before we had them are passed over.
    pub async fn accept(&mut self, listener: &TcpListener) -> io::Result<Arrival> {
        let slot = self.slot().await?;
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, port = self.port, "connection without nodelay");
                    }
                    return Ok(Arrival {
                        stream,
                        address,
                        slot,
                        place: self.place(address),
                    });
                }
                Err(error) if of_one_connection(&error) => {
                    tracing::debug!(%error, port = self.port, "connection broke before it was accepted");
                }
                Err(error) => {
                    self.crowd(true);
                    if self.failed.now() {
                        tracing::warn!(
                            %error,
                            port = self.port,
                            "connections are not accepted; silent ones are closed early. If files are exhausted, raise the limit (ulimit -n)"
                        );
                    }
                    return Err(error);
                }
            }
        }
    }

    fn place(&mut self, address: SocketAddr) -> Option<Place> {
        let place = self.peers.enter(address.ip());
        if place.is_none() && self.greedy.now() {
            tracing::warn!(
                port = self.port,
                peer = %address.ip(),
                limit = self.limits.per_peer_max,
                key = self.keys.map(|keys| keys.per_peer_max),
                "a peer has as many connections as one may have: further ones are closed. If it is a proxy, raise the limit"
            );
        }
        place
    }

    async fn slot(&mut self) -> io::Result<OwnedSemaphorePermit> {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            // Not with the first slot that comes free: it is taken at once by who waits.
            if self.slots.available_permits() >= self.limits.connections_max / 10 {
                self.crowd(false);
            }
            return Ok(slot);
        }
        self.crowd(true);
        if self.full.now() {
            tracing::warn!(
                port = self.port,
                limit = self.limits.connections_max,
                key = self.keys.map(|keys| keys.connections_max),
                "the limit of connections is reached: new ones wait, silent ones are closed early"
            );
        }
        let slot = self.slots.clone().acquire_owned().await;
        slot.map_err(io::Error::other)
    }

    fn crowd(&self, crowded: bool) {
        self.crowded
            .send_if_modified(|now| std::mem::replace(now, crowded) != crowded);
    }
}

/// The listener is well; who comes next may be, too.
fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

/// Says yes once in a while.
#[derive(Default)]
struct Seldom {
    last: Option<Instant>,
}

impl Seldom {
    fn now(&mut self) -> bool {
        let yes = self.last.is_none_or(|last| last.elapsed() >= WARN_EVERY);
        if yes {
            self.last = Some(Instant::now());
        }
        yes
    }
}
