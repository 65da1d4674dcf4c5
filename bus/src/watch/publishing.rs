//! Whether what a stage publishes outside of epochs is acknowledged, and how long that takes.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use metrics::{Histogram, histogram};
use runtime::names;

use super::errors::count;
use super::limits::HANGS_AFTER;
use crate::mutex::lock;
use crate::{Error, Result};

/// A failed record says this long that records fail. A process that isn't ready is sent none, so it could never show that the cause has gone.
const FAILS_FOR: Duration = Duration::from_secs(10);

pub(super) struct Publishing {
    stage: &'static str,
    seconds: Histogram,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: u64,
    /// When something was acknowledged last, or began to wait while nothing else did.
    moved: Option<Instant>,
    failed: Option<(Instant, String)>,
}

impl Publishing {
    pub(super) fn new(stage: &'static str) -> Self {
        Self {
            stage,
            seconds: histogram!(names::BUS_PUBLISH_SECONDS, "stage" => stage),
            state: Mutex::default(),
        }
    }

    pub(super) fn begun(&self) {
        let mut state = lock(&self.state);
        if state.waiting == 0 {
            state.moved = Some(Instant::now());
        }
        state.waiting += 1;
    }

    /// The bus has said what became of a record that was handed over at `since`, or has not taken it.
    pub(super) fn ended(&self, since: Instant, outcome: std::result::Result<(), &Error>) {
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.waiting = state.waiting.saturating_sub(1);
        state.moved = Some(now);
        match outcome {
            Ok(()) => {
                state.failed = None;
                self.seconds.record(now - since);
            }
            Err(error) => {
                drop(state);
                self.refused(error);
            }
        }
    }

    /// The bus did not take a record.
    pub(super) fn refused(&self, error: &Error) {
        count(error.kind());
        // A full queue passes, and a record that is too large is the record's fault.
        if matches!(
            error,
            Error::Unavailable(_) | Error::Denied(_) | Error::Fatal(_)
        ) {
            lock(&self.state).failed = Some((Instant::now(), error.to_string()));
        }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        let state = lock(&self.state);
        if let Some((at, reason)) = &state.failed
            && at.elapsed() < FAILS_FOR
        {
            return Some(format!("{} can't publish: {reason}", self.stage));
        }
        let hangs = state.moved.filter(|_| state.waiting > 0)?.elapsed();
        (hangs >= HANGS_AFTER).then(|| {
            format!(
                "{} has waited {} s for the bus to acknowledge {} records",
                self.stage,
                hangs.as_secs(),
                state.waiting
            )
        })
    }
}

/// A record under way: dropped without an answer, it was not taken.
pub(super) struct UnderWay {
    publishing: std::sync::Arc<Publishing>,
    since: Instant,
    answered: bool,
}

impl UnderWay {
    pub(super) fn new(publishing: &std::sync::Arc<Publishing>) -> Self {
        publishing.begun();
        Self {
            publishing: publishing.clone(),
            since: Instant::now(),
            answered: false,
        }
    }

    pub(super) fn answered(mut self, result: &Result<u64>) {
        self.answered = true;
        let outcome = result.as_ref().map(|_| ());
        self.publishing.ended(self.since, outcome);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.answered {
            let mut state = lock(&self.publishing.state);
            state.waiting = state.waiting.saturating_sub(1);
        }
    }
}
