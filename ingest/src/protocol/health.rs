//! gRPC's own health protocol, `grpc.health.v1`, on the port that takes OTLP: what `/readyz` says, to clients and load balancers that ask here.
//! Source: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md>.
//!
//! All services share one answer: SERVING exactly while the process is ready and ingest does not drain.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runtime::{Drain, Readiness};
use schemas::Signal;
use schemas::wire::{Fields, WireError, put_len, put_varint_field};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::framing::framed;
use crate::refusal::Refusal;

/// How soon a watcher hears of a change.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Streams that watch, of all connections together.
const WATCHERS_MAX: usize = 1024;
const SERVICE: &str = "grpc.health.v1.Health";

/// What a service is; the numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Serving = 1,
    NotServing = 2,
    Unknown = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Check,
    List,
    Watch,
}

impl Method {
    pub fn parse(path: &str) -> Option<Self> {
        match path.strip_prefix("/grpc.health.v1.Health/")? {
            "Check" => Some(Self::Check),
            "List" => Some(Self::List),
            "Watch" => Some(Self::Watch),
            _ => None,
        }
    }
}

/// Answers for this process.
pub struct Health {
    ready: Readiness,
    state: watch::Sender<State>,
    watchers: Arc<Semaphore>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready(bool),
    Draining,
}

impl State {
    fn status(self) -> Status {
        match self {
            Self::Ready(true) => Status::Serving,
            Self::Ready(false) | Self::Draining => Status::NotServing,
        }
    }
}

impl Health {
    pub fn new(ready: Readiness) -> Self {
        Self {
            ready,
            state: watch::Sender::new(State::Ready(false)),
            watchers: Arc::new(Semaphore::new(WATCHERS_MAX)),
        }
    }

    /// Keeps watchers informed until the drain, which is the last thing that they are told.
    pub async fn follow(&self, drain: &Drain) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = drain.requested() => break,
                _ = ticks.tick() => self.set(State::Ready(self.ready.process_is_ready())),
            }
        }
        self.set(State::Draining);
    }

    fn set(&self, state: State) {
        self.state
            .send_if_modified(|now| std::mem::replace(now, state) != state);
    }

    fn status(&self) -> Status {
        match *self.state.borrow() {
            State::Draining => Status::NotServing,
            // The state may be a moment old.
            State::Ready(_) => State::Ready(self.ready.process_is_ready()).status(),
        }
    }

    /// The response to `Check`; `None` for a service that isn't here.
    ///
    /// # Errors
    /// The request is not a `HealthCheckRequest`.
    pub fn check(&self, request: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(is_known(service(request)?).then(|| response(self.status())))
    }

    /// The response to `List`.
    pub fn list(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for service in services() {
            let mut entry = Vec::new();
            put_len(&mut entry, 1, service.as_bytes());
            put_len(&mut entry, 2, &response(self.status()));
            put_len(&mut out, 1, &entry);
        }
        out
    }

    /// The responses to `Watch`: one now, one at each change; they end with the drain.
    ///
    /// # Errors
    /// The request is not a `HealthCheckRequest`; too many watch already.
    pub fn watch(&self, request: &[u8]) -> Result<mpsc::Receiver<Bytes>, Refusal> {
        let known = is_known(service(request)?);
        let slot = self.watchers.clone().try_acquire_owned();
        let slot = slot.map_err(|_| Refusal::Overload)?;
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(report(self.state.subscribe(), known, sender, slot));
        Ok(receiver)
    }
}

/// Reports to one watcher until it goes or the drain comes.
async fn report(
    mut state: watch::Receiver<State>,
    known: bool,
    sender: mpsc::Sender<Bytes>,
    _slot: OwnedSemaphorePermit,
) {
    let mut last = None;
    loop {
        let now = *state.borrow_and_update();
        let status = match known {
            true => now.status(),
            false => Status::Unknown,
        };
        if last != Some(status) && sender.send(framed(&response(status))).await.is_err() {
            return;
        }
        last = Some(status);
        if now == State::Draining {
            return;
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            () = sender.closed() => return,
        }
    }
}

fn services() -> impl Iterator<Item = &'static str> {
    let otlp = Signal::ALL.into_iter().filter_map(|signal| {
        let path = signal.grpc_path().strip_prefix('/')?;
        path.strip_suffix("/Export")
    });
    ["", SERVICE].into_iter().chain(otlp)
}

fn is_known(service: &[u8]) -> bool {
    services().any(|known| known.as_bytes() == service)
}

/// `HealthCheckRequest {service = 1}`
fn service(request: &[u8]) -> Result<&[u8], WireError> {
    let mut service = &[][..];
    for field in Fields::new(request) {
        let field = field?;
        if field.number == 1 {
            service = field.len_value()?;
        }
    }
    Ok(service)
}

/// `HealthCheckResponse {status = 1}`
fn response(status: Status) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint_field(&mut out, 1, status as u64);
    out
}
