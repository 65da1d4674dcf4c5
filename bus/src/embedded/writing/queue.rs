//! What waits for the writer: bounded in bytes, in order.
//!
//! A publish is refused when the queue is full; a commit waits, because its stage can't go on without it anyway.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::embedded::in_memory::topic_log::TopicLog;
use crate::embedded::membership::groups::MemberId;
use crate::mutex::lock;
use crate::{Ack, CommitError, Error, Position, Record, Result, TopicSpec};

/// What a record costs in the queue besides its value.
const RECORD_OVERHEAD_BYTES: usize = 256;

pub(in crate::embedded) enum Work {
    Publish(Publish),
    Commit(Commit),
    Create {
        specs: Vec<TopicSpec>,
        reply: mpsc::SyncSender<Result<()>>,
    },
}

pub(in crate::embedded) struct Publish {
    pub topic: Arc<TopicLog>,
    pub partition: u32,
    pub record: Record,
    pub ack: Ack,
}

pub(in crate::embedded) struct Commit {
    pub group: Arc<str>,
    pub member: MemberId,
    pub records: Vec<(Arc<TopicLog>, u32, Record)>,
    pub positions: Vec<Position>,
    /// The ownership was checked and is held until the commit has ended.
    pub admitted: bool,
    pub reply: mpsc::SyncSender<std::result::Result<(), CommitError>>,
}

impl Work {
    pub(in crate::embedded) fn bytes(&self) -> usize {
        let weight = |record: &Record| record.value.len() + RECORD_OVERHEAD_BYTES;
        match self {
            Self::Publish(publish) => weight(&publish.record),
            Self::Commit(commit) => {
                let records: usize = commit
                    .records
                    .iter()
                    .map(|(_, _, record)| weight(record))
                    .sum();
                let positions: usize = commit
                    .positions
                    .iter()
                    .map(|position| position.metadata.len() + RECORD_OVERHEAD_BYTES)
                    .sum();
                records + positions
            }
            Self::Create { .. } => RECORD_OVERHEAD_BYTES,
        }
    }
}

pub(in crate::embedded) struct Queue {
    bytes_max: usize,
    state: Mutex<State>,
    /// For the writer: there is work, or the end.
    filled: Condvar,
    /// For everybody else: there is room, or something was settled.
    drained: Condvar,
}

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    bytes: usize,
    /// Publishes that were ever queued, and those of them that were acknowledged or failed: in the same order.
    published: u64,
    settled: u64,
    closed: bool,
    /// Why publishes are refused at present.
    refused: Option<Arc<dyn Fn() -> Error + Send + Sync>>,
}

impl Queue {
    pub(in crate::embedded) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            state: Mutex::default(),
            filled: Condvar::new(),
            drained: Condvar::new(),
        }
    }

    pub(in crate::embedded) fn publish(&self, publish: Publish) -> Result<()> {
        let work = Work::Publish(publish);
        let bytes = work.bytes();
        let mut state = lock(&self.state);
        if let Some(refused) = &state.refused {
            return Err(refused());
        }
        if state.closed {
            return Err(Error::Unavailable("the embedded bus is closed".to_owned()));
        }
        if !state.work.is_empty() && state.bytes + bytes > self.bytes_max {
            return Err(Error::QueueFull);
        }
        state.published += 1;
        self.put(&mut state, work, bytes);
        Ok(())
    }

    /// Queues a commit or a creation, waiting for room.
    pub(in crate::embedded) fn submit(&self, work: Work) -> Result<()> {
        let bytes = work.bytes();
        let mut state = lock(&self.state);
        while !state.closed && !state.work.is_empty() && state.bytes + bytes > self.bytes_max {
            state = self
                .drained
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return Err(Error::Fatal("the embedded bus is closed".to_owned()));
        }
        self.put(&mut state, work, bytes);
        Ok(())
    }

    fn put(&self, state: &mut State, work: Work, bytes: usize) {
        state.bytes += bytes;
        state.work.push_back(work);
        if state.work.len() == 1 {
            self.filled.notify_one();
        }
    }

    /// Up to about `bytes_max` of work; waits for it until `deadline`. `None` once closed and empty.
    pub(in crate::embedded) fn take(
        &self,
        bytes_max: usize,
        deadline: Instant,
    ) -> Option<Vec<Work>> {
        let mut state = lock(&self.state);
        while state.work.is_empty() && !state.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Some(Vec::new());
            }
            state = self
                .filled
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        if state.work.is_empty() {
            return None;
        }
        let mut taken = Vec::new();
        let mut taken_bytes = 0;
        while taken_bytes < bytes_max
            && let Some(work) = state.work.pop_front()
        {
            taken_bytes += work.bytes();
            taken.push(work);
        }
        state.bytes -= taken_bytes;
        drop(state);
        self.drained.notify_all();
        Some(taken)
    }

    /// The oldest `count` publishes that weren't are acknowledged now, or failed.
    pub(in crate::embedded) fn settled(&self, count: usize) {
        if count == 0 {
            return;
        }
        let mut state = lock(&self.state);
        state.settled += count as u64;
        drop(state);
        self.drained.notify_all();
    }

    /// Waits until every publish so far is settled, whatever is published meanwhile.
    pub(in crate::embedded) fn flush(&self, timeout: Duration) -> Result<()> {
        let state = lock(&self.state);
        let published = state.published;
        let (state, _) = self
            .drained
            .wait_timeout_while(state, timeout, |state| state.settled < published)
            .unwrap_or_else(PoisonError::into_inner);
        match published.saturating_sub(state.settled) {
            0 => Ok(()),
            count => Err(Error::Unavailable(format!(
                "{count} records were not on disk after {} ms",
                timeout.as_millis()
            ))),
        }
    }

    /// From now on publishes fail with this; `None` accepts them again.
    pub(in crate::embedded) fn refuse(&self, why: Option<Arc<dyn Fn() -> Error + Send + Sync>>) {
        lock(&self.state).refused = why;
    }

    /// Why publishes are refused at present.
    pub(in crate::embedded) fn check(&self) -> Result<()> {
        match &lock(&self.state).refused {
            Some(refused) => Err(refused()),
            None => Ok(()),
        }
    }

    pub(in crate::embedded) fn close(&self) {
        lock(&self.state).closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }
}
