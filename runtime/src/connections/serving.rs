//! One connection: served until it ends or its time is over. Then it is told to end, and cut off a while later.

use std::error::Error;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::activity::{Activity, Closed, Observed};
use super::limits::Limits;
use super::served::{Peer, Served};
use super::transport::Transport;
use crate::Drain;

/// From the GOAWAY to the end, for connections that had a request to finish.
const AGE_GRACE: Duration = Duration::from_secs(30);
/// The same for connections that had none.
const IDLE_GRACE: Duration = Duration::from_secs(1);
/// The same while the process drains, from the last request on: what a client had sent before it knew has come by then. An HTTP/2 client that
/// never answers the PING behind a GOAWAY would hold up the drain.
const QUIET_GRACE: Duration = Duration::from_secs(2);

/// A connection that has come in, and what it is served under.
pub(super) struct Connection {
    pub stream: TcpStream,
    pub address: SocketAddr,
    /// `None`: plain text.
    pub acceptor: Option<TlsAcceptor>,
    pub limits: Limits,
    pub crowded: watch::Receiver<bool>,
    pub drain: Drain,
}

impl Connection {
    /// Serves it to its end, and says what that was.
    pub async fn serve<S, B, G>(self, served: impl FnOnce(&Peer) -> Served<S, G>) -> Closed
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Self {
            stream,
            address,
            acceptor,
            limits,
            mut crowded,
            drain,
        } = self;
        let activity = Activity::new();
        let stream = match acceptor {
            None => Transport::Plain(stream),
            Some(acceptor) => {
                let agreed = acceptor.accept(stream);
                let due = |crowded| activity.due(&limits, limits.age_max, crowded);
                match handshake(agreed, due, &mut crowded, &drain).await {
                    Ok(stream) => Transport::Tls(Box::new(stream)),
                    Err(why) => return why,
                }
            }
        };
        let served = served(&Peer {
            address,
            certificate: stream.certificate().map(<[u8]>::to_vec),
        });
        let service = observed(served.service, activity.clone());
        let io = TokioIo::new(Observed {
            stream,
            activity: activity.clone(),
        });
        let time = Time {
            activity: &activity,
            limits,
            crowded,
            drain,
        };
        let why = until_closed(io, &served.builder, service, time).await;
        drop(served.guard);
        why
    }
}

/// Agrees on TLS, in the time that a connection has until its first request.
async fn handshake(
    agreed: Accept<TcpStream>,
    due: impl Fn(bool) -> (Instant, Closed),
    crowded: &mut watch::Receiver<bool>,
    drain: &Drain,
) -> Result<TlsStream<TcpStream>, Closed> {
    let mut agreed = pin!(agreed);
    loop {
        let (at, why) = due(*crowded.borrow_and_update());
        tokio::select! {
            agreed = agreed.as_mut() => {
                return agreed.map_err(|error| {
                    tracing::debug!(%error, "TLS could not be agreed on");
                    Closed::Handshake
                });
            }
            () = sleep_until(at) => return Err(why),
            () = drain.requested() => return Err(Closed::Drain),
            Ok(()) = crowded.changed() => {}
        }
    }
}

/// By what a connection's time is measured.
struct Time<'a> {
    activity: &'a Activity,
    limits: Limits,
    crowded: watch::Receiver<bool>,
    drain: Drain,
}

/// Runs a connection until it ends or its time is over.
async fn until_closed<S, B>(
    io: TokioIo<Observed>,
    builder: &Builder<TokioExecutor>,
    service: S,
    time: Time<'_>,
) -> Closed
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Time {
        activity,
        limits,
        mut crowded,
        drain,
    } = time;
    let mut connection = pin!(builder.serve_connection(io, service));
    let age_max = limits.age_max.mul_f64(0.9 + 0.2 * fastrand::f64());
    let mut closing: Option<Closing> = None;
    let mut alarm = pin!(sleep_until(Instant::now()));
    let mut deserted = false;
    loop {
        let pressed = *crowded.borrow_and_update();
        let due = || match closing {
            Some(closing) => (closing.due(activity), closing.why),
            None => activity.due(&limits, age_max, pressed),
        };
        let why = tokio::select! {
            ended = until_due(connection.as_mut(), alarm.as_mut(), || due().0) => match (ended, closing) {
                (_, Some(closing)) => return closing.why,
                (Some(Ok(())), None) => return Closed::Peer,
                (Some(Err(error)), None) => {
                    tracing::debug!(%error, "connection ended");
                    return Closed::Error;
                }
                (None, None) => due().1,
            },
            () = drain.requested(), if closing.is_none_or(|closing| closing.why != Closed::Drain) => Closed::Drain,
            changed = crowded.changed(), if !deserted => {
                deserted = changed.is_err();
                continue;
            }
        };
        Pin::as_mut(&mut connection).graceful_shutdown();
        let told = Instant::now();
        let cut_off = told + grace(why, &limits);
        // A drain gives nobody more time than it had.
        let cut_off = closing.map_or(cut_off, |before| before.cut_off.min(cut_off));
        closing = Some(Closing { why, told, cut_off });
    }
}

/// A connection that was told to end.
#[derive(Clone, Copy)]
struct Closing {
    why: Closed,
    told: Instant,
    /// At the latest.
    cut_off: Instant,
}

impl Closing {
    /// When it is cut off if nothing changes until then.
    fn due(&self, activity: &Activity) -> Instant {
        match (self.why, activity.quiet_since()) {
            (Closed::Drain, Some(since)) => self.cut_off.min(since.max(self.told) + QUIET_GRACE),
            _ => self.cut_off,
        }
    }
}

/// From being told to end to the end.
fn grace(why: Closed, limits: &Limits) -> Duration {
    match why {
        Closed::Drain => limits.drain_timeout,
        Closed::Age => AGE_GRACE,
        _ => IDLE_GRACE,
    }
}

/// A service whose requests are in flight until they are answered.
fn observed<S, B>(
    service: S,
    activity: Arc<Activity>,
) -> impl Service<Request<Incoming>, Response = Response<B>, Error = S::Error, Future: Send>
where
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body,
{
    service_fn(move |request: Request<Incoming>| {
        let in_flight = activity.request(&request);
        let answer = service.call(request);
        async move {
            let answer = answer.await;
            drop(in_flight);
            answer
        }
    })
}

/// Runs a connection until it ends, or until it is due (`None`).
async fn until_due<C: Future>(
    mut connection: Pin<&mut C>,
    mut alarm: Pin<&mut Sleep>,
    due: impl Fn() -> Instant,
) -> Option<C::Output> {
    poll_fn(|cx| {
        if let Poll::Ready(result) = connection.as_mut().poll(cx) {
            return Poll::Ready(Some(result));
        }
        // After the poll: it may have brought bytes or requests. An alarm that is too early is set anew when it rings.
        let at = due();
        if at < alarm.deadline() {
            alarm.as_mut().reset(at);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if at <= Instant::now() {
                return Poll::Ready(None);
            }
            alarm.as_mut().reset(at);
        }
        Poll::Pending
    })
    .await
}
