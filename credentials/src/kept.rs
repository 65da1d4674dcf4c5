//! A credential that is kept fresh while somebody uses it. One thread asks its source; whoever sends waits for nothing as long as there is a valid one.
//!
//! The old one is used while asking for a new one fails, up to its end; afterwards nothing is handed out. A refusal makes the source be asked again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use crate::expires::Expires;
use crate::schedule::Schedule;

/// How often what is left of its life is shown, and clocks that were set are noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// However often a credential is refused, its source is asked this often at most because of it.
const REFUSED_EVERY: Duration = Duration::from_secs(5);
/// How long a request waits for a credential: longer than any source takes to answer or to give up.
const WAIT_MAX: Duration = Duration::from_secs(45);

/// A credential as it is handed out.
#[derive(Clone, Debug)]
pub struct Held<T> {
    pub value: T,
    number: u64,
    /// It was asked for since the one before was refused.
    after_refusal: bool,
}

/// A credential and the thread that keeps it; that ends with it.
pub struct Kept<T> {
    state: Arc<watch::Sender<State<T>>>,
    wake: Sender<()>,
}

struct State<T> {
    held: Option<Held<T>>,
    /// Why there is no newer one.
    why: Option<String>,
    /// The source is to be asked for the so manyth time, and how often that was done.
    asked: u64,
    done: u64,
    /// When it was last asked because of a refusal.
    refused_at: Option<Instant>,
}

impl<T> Kept<T>
where
    T: Clone + PartialEq + Expires + Send + Sync + 'static,
{
    /// `name` says in logs what it is for. `fetch` may block; `show` is told the seconds that are left about once a second, where it expires.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(
        name: String,
        fetch: impl Fn() -> Result<T, String> + Send + 'static,
        show: impl Fn(f64) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (wake, woken) = channel();
        let state = Arc::new(watch::Sender::new(State {
            held: None,
            why: None,
            asked: 1,
            done: 0,
            refused_at: None,
        }));
        let keeper = Keeper {
            name,
            state: state.clone(),
            schedule: Schedule::new(Instant::now()),
        };
        std::thread::Builder::new()
            .name("credentials".to_owned())
            .spawn(move || keeper.keep(&fetch, &show, &woken))?;
        Ok(Self { state, wake })
    }

    /// The one that is valid now.
    ///
    /// # Errors
    /// There is none; why, without secrets.
    pub async fn current(&self) -> Result<Held<T>, String> {
        self.settled().await;
        let state = self.state.borrow();
        let valid = state
            .held
            .as_ref()
            .filter(|held| !is_over(&held.value, SystemTime::now()));
        let why = || match (&state.why, &state.held) {
            (Some(why), _) => why.clone(),
            (None, Some(_)) => "they have expired, and new ones are being asked for".to_owned(),
            (None, None) => "none have come yet".to_owned(),
        };
        valid.cloned().ok_or_else(why)
    }

    /// It was refused. Whether there is another one now, with which it is worth to try at once: not if that one was itself asked for because of
    /// a refusal, since then it isn't the credential that is wrong.
    pub async fn refused(&self, refused: &Held<T>) -> bool {
        let is_asked = self.state.send_if_modified(|state| {
            let is_current =
                (state.held.as_ref()).is_some_and(|held| held.number == refused.number);
            let lately = (state.refused_at).is_some_and(|at| at.elapsed() < REFUSED_EVERY);
            let asks = is_current && !lately && state.done >= state.asked;
            if asks {
                state.asked += 1;
                state.refused_at = Some(Instant::now());
            }
            asks
        });
        if is_asked {
            // Without the thread nothing changes any more.
            let _ = self.wake.send(());
        }
        self.settled().await;
        let state = self.state.borrow();
        let differs = (state.held.as_ref()).is_some_and(|held| held.number != refused.number);
        differs && !refused.after_refusal
    }

    /// Waits until the source has been asked, if it is to be.
    async fn settled(&self) {
        let mut changes = self.state.subscribe();
        let settled = changes.wait_for(|state| state.done >= state.asked);
        // Then it goes on with what there is.
        let _ = tokio::time::timeout(WAIT_MAX, settled).await;
    }
}

/// What asks the source.
struct Keeper<T> {
    name: String,
    state: Arc<watch::Sender<State<T>>>,
    schedule: Schedule,
}

impl<T: Clone + PartialEq + Expires> Keeper<T> {
    fn keep(
        mut self,
        fetch: &dyn Fn() -> Result<T, String>,
        show: &dyn Fn(f64),
        woken: &Receiver<()>,
    ) {
        loop {
            if self.is_due() {
                let asked = self.state.borrow().asked;
                let answer = fetch().and_then(|value| match is_over(&value, SystemTime::now()) {
                    true => Err(
                        "what was handed out has expired already; compare the clocks".to_owned(),
                    ),
                    false => Ok(value),
                });
                self.take(answer, asked);
            }
            if let Some(left_s) = self.left_s() {
                show(left_s);
            }
            let wait = self.schedule.wait(Instant::now()).min(LOOK_EVERY);
            if woken.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    fn is_due(&self) -> bool {
        let state = self.state.borrow();
        let is_over =
            (state.held.as_ref()).is_some_and(|held| is_over(&held.value, SystemTime::now()));
        state.done < state.asked
            || self.schedule.is_due(Instant::now())
            || (is_over && !self.schedule.is_failing())
    }

    fn take(&mut self, answer: Result<T, String>, asked: u64) {
        let now = Instant::now();
        match &answer {
            Ok(value) => {
                let failures = self.schedule.taken(left(value), now);
                if failures > 0 {
                    tracing::info!(of = self.name, failures, "there are credentials again");
                }
            }
            Err(reason) => {
                if self.schedule.failed(now) {
                    let left_s = self.left_s().map(|left| left.max(0.0) as u64);
                    tracing::error!(
                        of = self.name,
                        reason,
                        left_s,
                        "no new credentials; trying again, and the old ones are used until their end"
                    );
                }
            }
        }
        self.state.send_modify(|state| {
            match answer {
                Ok(value) => state.put(value, asked),
                Err(why) => state.why = Some(why),
            }
            state.done = asked;
        });
    }

    /// Negative once it is over.
    fn left_s(&self) -> Option<f64> {
        let state = self.state.borrow();
        let expires = state.held.as_ref()?.value.expires()?;
        Some(match expires.duration_since(SystemTime::now()) {
            Ok(left) => left.as_secs_f64(),
            Err(over) => -over.duration().as_secs_f64(),
        })
    }
}

impl<T: PartialEq> State<T> {
    fn put(&mut self, value: T, asked: u64) {
        self.why = None;
        let number = match &self.held {
            Some(held) if held.value == value => return,
            Some(held) => held.number + 1,
            None => 0,
        };
        self.held = Some(Held {
            value,
            number,
            // The first time it was asked was not because of a refusal.
            after_refusal: asked > 1 && self.done < asked,
        });
    }
}

fn is_over(value: &impl Expires, now: SystemTime) -> bool {
    value.expires().is_some_and(|expires| expires <= now)
}

fn left(value: &impl Expires) -> Option<Duration> {
    let left = value.expires()?.duration_since(SystemTime::now());
    Some(left.unwrap_or_default())
}

#[cfg(test)]
mod tests;
