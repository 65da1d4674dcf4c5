//! The keys of an issuer: fetched, kept for an hour, fetched again when a token names one that isn't here.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use metrics::counter;
use runtime::{Drain, Readiness};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::fetch::Fetch;
use crate::names;

const KEPT: Duration = Duration::from_secs(3600);
/// Between two fetches that tokens asked for: made-up key ids cost the issuer no more than this.
const ASKED_AGAIN: Duration = Duration::from_secs(10);
/// After a failure; doubled up to the most.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How long a request waits for keys that are being fetched.
const WAIT: Duration = Duration::from_secs(5);
const RESULTS: [&str; 2] = ["ok", "failed"];

/// The keys as they are now.
#[derive(Clone)]
pub struct Known {
    pub keys: Arc<JwkSet>,
    /// Which fetch brought them; 0: none has.
    pub generation: u64,
    /// The last fetch failed.
    pub is_stale: bool,
}

pub struct Issuer {
    fetch: Fetch,
    known: watch::Sender<Known>,
    wanted: Notify,
    last: std::sync::Mutex<Option<Instant>>,
}

impl Issuer {
    pub fn new(fetch: Fetch) -> Self {
        for result in RESULTS {
            counter!(names::ISSUER_FETCHES, "result" => result).increment(0);
        }
        let nothing = Known {
            keys: Arc::new(JwkSet { keys: Vec::new() }),
            generation: 0,
            is_stale: true,
        };
        Self {
            fetch,
            known: watch::Sender::new(nothing),
            wanted: Notify::new(),
            last: std::sync::Mutex::new(None),
        }
    }

    pub fn known(&self) -> Known {
        self.known.borrow().clone()
    }

    /// Keys that are newer than `known`, if they may be asked for, and come soon.
    pub async fn newer(&self, known: &Known) -> Option<Known> {
        let mut changes = self.known.subscribe();
        if !self.may_ask() {
            return None;
        }
        self.wanted.notify_one();
        let newer = changes.wait_for(|now| now.generation > known.generation);
        let newer = timeout(WAIT, newer).await.ok()?.ok()?;
        Some(newer.clone())
    }

    /// Once in [`ASKED_AGAIN`].
    fn may_ask(&self) -> bool {
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= ASKED_AGAIN);
        if may {
            *last = Some(Instant::now());
        }
        may
    }

    /// Keeps the keys fresh until the drain. `ready` is, once there are any.
    pub async fn follow(&self, ready: Readiness, drain: Drain) {
        let mut retry = RETRY;
        loop {
            let next = match self.fetch.keys().await {
                Ok(keys) => {
                    self.took(keys);
                    // Only with the first: whether we are ready is for others to say later.
                    if self.known().generation == 1 && !drain.is_requested() {
                        ready.ready();
                    }
                    retry = RETRY;
                    KEPT
                }
                Err(error) => {
                    self.failed(&error);
                    let wait = retry;
                    retry = (2 * retry).min(RETRY_MAX);
                    wait
                }
            };
            tokio::select! {
                () = drain.requested() => return,
                () = self.wanted.notified() => {}
                () = sleep_until(Instant::now() + next) => {}
            }
        }
    }

    fn took(&self, keys: JwkSet) {
        counter!(names::ISSUER_FETCHES, "result" => "ok").increment(1);
        let before = self.known();
        if before.is_stale {
            tracing::info!(
                keys = keys.keys.len(),
                "the keys of the OIDC issuer are here"
            );
        }
        self.known.send_replace(Known {
            keys: Arc::new(keys),
            generation: before.generation + 1,
            is_stale: false,
        });
    }

    fn failed(&self, error: &anyhow::Error) {
        counter!(names::ISSUER_FETCHES, "result" => "failed").increment(1);
        let before = self.known();
        let error = format!("{error:#}");
        match (before.is_stale, before.generation) {
            (true, 1..) => {
                tracing::debug!(error, "the keys of the OIDC issuer can't be fetched still")
            }
            (_, 0) => tracing::warn!(
                error,
                "the keys of the OIDC issuer can't be fetched; no token is taken until they are"
            ),
            _ => tracing::warn!(
                error,
                "the keys of the OIDC issuer can't be fetched again; those from before are used"
            ),
        }
        self.known.send_modify(|known| known.is_stale = true);
    }
}

impl Known {
    /// The keys that a token may be signed with: those of its key id, or all if it names none.
    pub fn fitting(&self, kid: Option<&str>) -> impl Iterator<Item = &Jwk> {
        self.keys.keys.iter().filter(move |key| {
            let common = &key.common;
            let signs = !matches!(common.public_key_use, Some(PublicKeyUse::Encryption));
            signs && kid.is_none_or(|kid| common.key_id.as_deref() == Some(kid))
        })
    }
}
