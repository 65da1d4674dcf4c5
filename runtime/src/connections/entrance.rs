//! Where connections come in: the slots, and what happens when there are none left.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

/// Between two warnings about the same thing.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The slots of a port.
pub(super) struct Entrance {
    port: &'static str,
    limit_key: Option<&'static str>,
    connections_max: usize,
    slots: Arc<Semaphore>,
    /// No slot is free.
    pub crowded: watch::Sender<bool>,
    full: Seldom,
    failed: Seldom,
}

impl Entrance {
    /// `port` and `limit_key`, where `connections_max` is configured, are for logs.
    pub fn new(
        port: &'static str,
        limit_key: Option<&'static str>,
        connections_max: usize,
    ) -> Self {
        Self {
            port,
            limit_key,
            connections_max,
            slots: Arc::new(Semaphore::new(connections_max)),
            crowded: watch::Sender::new(false),
            full: Seldom::default(),
            failed: Seldom::default(),
        }
    }

    /// A connection and its slot. Connections that broke before we had them are passed over.
    pub async fn accept(
        &mut self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
        let slot = self.slot().await?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, port = self.port, "connection without nodelay");
                    }
                    return Ok((stream, slot));
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

    async fn slot(&mut self) -> io::Result<OwnedSemaphorePermit> {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            // Not with the first slot that comes free: it is taken at once by who waits.
            if self.slots.available_permits() >= self.connections_max / 10 {
                self.crowd(false);
            }
            return Ok(slot);
        }
        self.crowd(true);
        if self.full.now() {
            tracing::warn!(
                port = self.port,
                limit = self.connections_max,
                key = self.limit_key,
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
