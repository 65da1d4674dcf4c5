//! What a connection is doing, and when it has done nothing for too long. No I/O but the look at what comes in.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::limits::Limits;
use super::transport::Transport;

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The peer closed it.
    Peer,
    /// The peer broke the protocol, or the network failed.
    Error,
    /// TLS could not be agreed on: another protocol, an unknown version, no client certificate that is trusted.
    Handshake,
    /// Its peer has as many connections as one may have.
    PerPeer,
    /// No request came at all; with TLS, perhaps not even that was agreed on.
    FirstByte,
    /// A request began and its headers did not end.
    Headers,
    Idle,
    Age,
    Drain,
}

impl Closed {
    pub const ALL: [Self; 9] = [
        Self::Peer,
        Self::Error,
        Self::Handshake,
        Self::PerPeer,
        Self::FirstByte,
        Self::Headers,
        Self::Idle,
        Self::Age,
        Self::Drain,
    ];

    /// As a metric label and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Error => "error",
            Self::Handshake => "handshake",
            Self::PerPeer => "per_peer",
            Self::FirstByte => "first_byte",
            Self::Headers => "headers",
            Self::Idle => "idle",
            Self::Age => "age",
            Self::Drain => "drain",
        }
    }
}

/// While no slot is free, a connection without a request in flight has only this part of its time.
const CROWDED_PART: u32 = 4;
/// Stands for "not reading".
const NEVER: u64 = u64::MAX;

/// Written by the connection's requests and its socket, read by who closes it. Times are milliseconds since `opened`.
pub(super) struct Activity {
    opened: Instant,
    in_flight: AtomicUsize,
    requested: AtomicBool,
    http1: AtomicBool,
    /// When the last request ended.
    idle_since: AtomicU64,
    /// When the first byte of an HTTP/1 request came that has no headers yet.
    reading_since: AtomicU64,
}

impl Activity {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            in_flight: AtomicUsize::new(0),
            requested: AtomicBool::new(false),
            http1: AtomicBool::new(false),
            idle_since: AtomicU64::new(0),
            reading_since: AtomicU64::new(NEVER),
        })
    }

    /// A request's headers have come; it is in flight until the guard is dropped.
    pub fn request<B>(self: &Arc<Self>, request: &Request<B>) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        self.requested.store(true, Relaxed);
        self.http1
            .store(request.version() < Version::HTTP_2, Relaxed);
        self.reading_since.store(NEVER, Relaxed);
        InFlight(self.clone())
    }

    /// Bytes came. In HTTP/2 they may be anything, a PING for example, so there only the idle time counts.
    fn bytes_came(&self) {
        if self.http1.load(Relaxed) && self.in_flight.load(Relaxed) == 0 {
            let now = self.now();
            let _ = self
                .reading_since
                .compare_exchange(NEVER, now, Relaxed, Relaxed);
        }
    }

    /// When to close the connection if nothing changes until then, and why. `age_max` comes with its jitter.
    pub fn due(&self, limits: &Limits, age_max: Duration, crowded: bool) -> (Instant, Closed) {
        let age = (self.opened + age_max, Closed::Age);
        if self.in_flight.load(Relaxed) > 0 {
            return age;
        }
        let part = if crowded { CROWDED_PART } else { 1 };
        let waiting = if self.requested.load(Relaxed) {
            let idle = self.at(&self.idle_since) + limits.idle_timeout / part;
            (idle, Closed::Idle)
        } else {
            let first = self.opened + limits.first_byte_timeout / part;
            (first, Closed::FirstByte)
        };
        let headers = (self.reading_since.load(Relaxed) != NEVER).then(|| {
            let headers = self.at(&self.reading_since) + limits.first_byte_timeout;
            (headers, Closed::Headers)
        });
        let soonest = |a: (Instant, Closed), b: (Instant, Closed)| if b.0 < a.0 { b } else { a };
        headers.into_iter().fold(soonest(age, waiting), soonest)
    }

    /// Since when no request has been in flight; `None`: there is one.
    pub fn quiet_since(&self) -> Option<Instant> {
        (self.in_flight.load(Relaxed) == 0).then(|| self.at(&self.idle_since))
    }

    fn now(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }

    fn at(&self, millis: &AtomicU64) -> Instant {
        self.opened + Duration::from_millis(millis.load(Relaxed))
    }
}

/// A request that is being read, handled or answered.
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Relaxed);
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

/// A socket that tells when bytes came.
pub(super) struct Observed {
    pub stream: Transport,
    pub activity: Arc<Activity>,
}

impl AsyncRead for Observed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.bytes_came();
        }
        read
    }
}

impl AsyncWrite for Observed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        connections_max: 1,
        per_peer_max: 1,
        first_byte_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(300),
        age_max: Duration::from_secs(1800),
        drain_timeout: Duration::from_secs(60),
    };

    fn request(version: Version) -> Request<()> {
        let mut request = Request::new(());
        *request.version_mut() = version;
        request
    }

    /// Each state of a connection has its deadline, and none is without one.
    #[tokio::test(start_paused = true)]
    async fn every_state_has_a_deadline() {
        let activity = Activity::new();
        let opened = activity.opened;
        let due = |crowded| {
            let (at, why) = activity.due(&LIMITS, LIMITS.age_max, crowded);
            ((at - opened).as_secs_f64(), why)
        };
        assert_eq!(due(false), (10.0, Closed::FirstByte));
        assert_eq!(due(true), (2.5, Closed::FirstByte));
        activity.bytes_came();
        assert_eq!(due(false), (10.0, Closed::FirstByte));

        tokio::time::advance(Duration::from_secs(1)).await;
        let first = activity.request(&request(Version::HTTP_11));
        assert_eq!(due(true), (1800.0, Closed::Age));
        tokio::time::advance(Duration::from_secs(4)).await;
        drop(first);
        assert_eq!(due(false), (305.0, Closed::Idle));
        assert_eq!(due(true), (80.0, Closed::Idle));

        tokio::time::advance(Duration::from_secs(2)).await;
        activity.bytes_came();
        tokio::time::advance(Duration::from_secs(2)).await;
        // More of the same headers: the time still runs from their first byte.
        activity.bytes_came();
        assert_eq!(due(false), (17.0, Closed::Headers));
        drop(activity.request(&request(Version::HTTP_2)));
        // PINGs don't keep a connection.
        activity.bytes_came();
        assert_eq!(due(false), (309.0, Closed::Idle));
        tokio::time::advance(Duration::from_secs(1600)).await;
        drop(activity.request(&request(Version::HTTP_2)));
        assert_eq!(due(false), (1800.0, Closed::Age));
    }
}
