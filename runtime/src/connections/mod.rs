//! The connections of a listening port, bounded in number and in time: whoever says nothing, or nothing more, gives its slot back.
//!
//! HTTP/1.1 and HTTP/2 alike. Every connection has a deadline at any time ([`activity`]): until its first request, for the headers of
//! the next one, without a request in flight, and for its age. It is closed in two steps: it is told to end (GOAWAY in HTTP/2), and
//! cut off a while later. How long a request's body and its answer may take is for the service to say.

mod activity;

use std::error::Error;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use metrics::{Counter, Gauge};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Drain;
use activity::{Activity, Observed};

pub use activity::Closed;

/// After an error of `accept` that doesn't go away by asking again, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Between two warnings about the same thing.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// From the GOAWAY to the end, for connections that had a request to finish.
const AGE_GRACE: Duration = Duration::from_secs(30);
/// The same for connections that had none.
const IDLE_GRACE: Duration = Duration::from_secs(1);

/// How many connections, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// At one time; more wait in the listen queue.
    pub connections_max: usize,
    /// From the connection to the end of the first request's headers, and for the headers of each later request.
    pub first_byte_timeout: Duration,
    /// Without a request in flight.
    pub idle_timeout: Duration,
    /// Give or take a tenth, so that connections that came together don't go together.
    pub age_max: Duration,
    /// What a drain leaves to requests in flight.
    pub drain_timeout: Duration,
}

/// Where connections are counted.
#[derive(Clone)]
pub struct Counts {
    pub open: Gauge,
    /// In the order of [`Closed::ALL`].
    pub closed: [Counter; Closed::ALL.len()],
}

impl Counts {
    /// Nowhere.
    pub fn none() -> Self {
        Self {
            open: Gauge::noop(),
            closed: Closed::ALL.map(|_| Counter::noop()),
        }
    }
}

/// A listening port with its slots.
pub struct Port {
    /// For logs, such as `OTLP over gRPC`.
    pub name: &'static str,
    /// The configuration key of `connections_max`, if there is one.
    pub limit_key: Option<&'static str>,
    pub limits: Limits,
    pub counts: Counts,
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

impl Port {
    /// Accepts until the drain, then waits for the requests in flight. `served` is asked once for each connection.
    pub async fn serve<S, B, G>(
        self,
        listener: TcpListener,
        drain: Drain,
        served: impl Fn() -> Served<S, G>,
    ) where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
        G: Send + 'static,
    {
        let mut entrance = Entrance::new(&self);
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = drain.requested() => break,
                Some(_) = connections.join_next() => continue,
                accepted = entrance.accept(&listener) => accepted,
            };
            let Ok((stream, slot)) = accepted else {
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (limits, drain) = (self.limits, drain.clone());
            let (open, counts) = (Open::new(&self.counts), self.counts.clone());
            let (crowded, served) = (entrance.crowded.subscribe(), served());
            connections.spawn(async move {
                let guard = (served.guard, slot, open);
                let why = connection(
                    stream,
                    &served.builder,
                    served.service,
                    limits,
                    crowded,
                    drain,
                );
                counts.closed[why.await as usize].increment(1);
                drop(guard);
            });
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }
}

/// Keeps the gauge of open connections.
struct Open(Gauge);

impl Open {
    fn new(counts: &Counts) -> Self {
        counts.open.increment(1);
        Self(counts.open.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

/// Where connections come in: the slots, and whether there are none left.
struct Entrance<'a> {
    port: &'a Port,
    slots: Arc<Semaphore>,
    crowded: watch::Sender<bool>,
    full: Seldom,
    failed: Seldom,
}

impl<'a> Entrance<'a> {
    fn new(port: &'a Port) -> Self {
        Self {
            port,
            slots: Arc::new(Semaphore::new(port.limits.connections_max)),
            crowded: watch::Sender::new(false),
            full: Seldom::default(),
            failed: Seldom::default(),
        }
    }

    /// A connection and its slot. Connections that broke before we had them are passed over.
    async fn accept(
        &mut self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
        let slot = self.slot().await?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, port = self.port.name, "connection without nodelay");
                    }
                    return Ok((stream, slot));
                }
                Err(error) if of_one_connection(&error) => {
                    tracing::debug!(%error, port = self.port.name, "connection broke before it was accepted");
                }
                Err(error) => {
                    self.crowd(true);
                    if self.failed.now() {
                        tracing::warn!(
                            %error,
                            port = self.port.name,
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
            if self.slots.available_permits() >= self.port.limits.connections_max / 10 {
                self.crowd(false);
            }
            return Ok(slot);
        }
        self.crowd(true);
        if self.full.now() {
            tracing::warn!(
                port = self.port.name,
                limit = self.port.limits.connections_max,
                key = self.port.limit_key,
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

/// Serves one connection to its end, and says what that was.
async fn connection<S, B>(
    stream: TcpStream,
    builder: &Builder<TokioExecutor>,
    service: S,
    limits: Limits,
    mut crowded: watch::Receiver<bool>,
    drain: Drain,
) -> Closed
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let activity = Activity::new();
    let seen = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let in_flight = seen.request(&request);
        let answer = service.call(request);
        async move {
            let answer = answer.await;
            drop(in_flight);
            answer
        }
    });
    let io = TokioIo::new(Observed {
        stream,
        activity: activity.clone(),
    });
    let mut connection = pin!(builder.serve_connection(io, service));
    let age_max = limits.age_max.mul_f64(0.9 + 0.2 * fastrand::f64());
    let mut closing: Option<(Instant, Closed)> = None;
    let mut alarm = pin!(sleep_until(Instant::now()));
    let mut deserted = false;
    loop {
        let pressed = *crowded.borrow_and_update();
        let due = || closing.unwrap_or_else(|| activity.due(&limits, age_max, pressed));
        let ended = poll_fn(|cx| {
            if let std::task::Poll::Ready(result) = connection.as_mut().poll(cx) {
                return std::task::Poll::Ready(Some(result));
            }
            // After the poll: it may have brought bytes or requests. An alarm that is too early is set anew when it rings.
            let (at, _) = due();
            if at < alarm.deadline() {
                alarm.as_mut().reset(at);
            }
            while alarm.as_mut().poll(cx).is_ready() {
                if at <= Instant::now() {
                    return std::task::Poll::Ready(None);
                }
                alarm.as_mut().reset(at);
            }
            std::task::Poll::Pending
        });
        let (grace, why) = tokio::select! {
            ended = ended => match (ended, closing) {
                (Some(_), Some((_, why))) | (None, Some((_, why))) => return why,
                (Some(Ok(())), None) => return Closed::Peer,
                (Some(Err(error)), None) => {
                    tracing::debug!(%error, "connection ended");
                    return Closed::Error;
                }
                (None, None) => match due().1 {
                    Closed::Age => (AGE_GRACE, Closed::Age),
                    why => (IDLE_GRACE, why),
                },
            },
            () = drain.requested(), if closing.is_none_or(|(_, why)| why != Closed::Drain) => {
                (limits.drain_timeout, Closed::Drain)
            }
            changed = crowded.changed(), if !deserted => {
                deserted = changed.is_err();
                continue;
            }
        };
        Pin::as_mut(&mut connection).graceful_shutdown();
        let cut_off = Instant::now() + grace;
        // A drain gives nobody more time than it had.
        let cut_off = closing.map_or(cut_off, |(before, _)| before.min(cut_off));
        closing = Some((cut_off, why));
    }
}
