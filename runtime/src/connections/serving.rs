//! One connection: served until it ends or its time is over. Then it is told to end, and cut off a while later.

use std::error::Error;
use std::future::poll_fn;
use std::pin::{Pin, pin};
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

use super::Limits;
use super::activity::{Activity, Closed, Observed};
use crate::Drain;

/// From the GOAWAY to the end, for connections that had a request to finish.
const AGE_GRACE: Duration = Duration::from_secs(30);
/// The same for connections that had none.
const IDLE_GRACE: Duration = Duration::from_secs(1);

/// Serves one connection to its end, and says what that was.
pub(super) async fn connection<S, B>(
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
        let (grace, why) = tokio::select! {
            ended = until_due(connection.as_mut(), alarm.as_mut(), || due().0) => match (ended, closing) {
                (_, Some((_, why))) => return why,
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
