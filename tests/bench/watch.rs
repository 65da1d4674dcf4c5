//! Looks at a process and at what comes out of it many times a second; nothing of it is asked to report itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::account::Usage;

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One look.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    progress: Progress,
    cpu_seconds: f64,
}

/// How far things are, in whatever unit: only that it moves counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub read: u64,
    pub written: u64,
}

/// A process under watch, until dropped.
pub struct Watch {
    looks: Arc<Mutex<Vec<Look>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What was seen once nothing moved any more.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// From the process's start to the last movement.
    pub cpu_seconds: f64,
    /// From a tenth of the output to all of it.
    pub pace: Duration,
}

/// The part of the output over which the pace is taken.
pub const PACED: f64 = 0.9;

impl Watch {
    /// `look` says how far things are.
    pub fn over(process: u32, mut look: impl FnMut() -> Progress + Send + 'static) -> Self {
        let looks = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, until) = (looks.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let progress = look();
                if let Some(usage) = Usage::of(process) {
                    let look = Look {
                        at: Instant::now(),
                        progress,
                        cpu_seconds: usage.cpu_seconds,
                    };
                    seen.lock().unwrap().push(look);
                }
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Self {
            looks,
            stop,
            thread: Some(thread),
        }
    }

    /// How far things are now.
    pub fn progress(&self) -> Progress {
        self.looks
            .lock()
            .unwrap()
            .last()
            .map(|look| look.progress)
            .unwrap_or_default()
    }

    /// How long nothing has moved.
    fn quiet_for(&self) -> Duration {
        let looks = self.looks.lock().unwrap();
        let Some(last) = looks.last() else {
            return Duration::ZERO;
        };
        let moved = looks
            .iter()
            .rev()
            .take_while(|look| look.progress == last.progress)
            .last();
        moved.map_or(Duration::ZERO, |look| last.at - look.at)
    }

    /// Waits until all was read (`done`) and nothing has moved for `quiet`. Not done by the deadline is told, not an error: losses show.
    pub fn settle(
        &self,
        quiet: Duration,
        deadline: Duration,
        done: impl Fn(Progress) -> bool,
    ) -> Seen {
        let begin = Instant::now();
        loop {
            let done = done(self.progress());
            if done && self.quiet_for() >= quiet {
                break;
            }
            if begin.elapsed() > deadline {
                eprintln!("  !! not settled after {deadline:?}: {:?}", self.progress());
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.seen()
    }

    fn seen(&self) -> Seen {
        let looks = self.looks.lock().unwrap();
        let last = *looks.last().expect("the process was seen");
        let moved = looks
            .iter()
            .find(|look| look.progress == last.progress)
            .unwrap_or(&last);
        let share = |share: f64| {
            let written = (last.progress.written as f64 * share) as u64;
            looks
                .iter()
                .find(|look| look.progress.written >= written)
                .unwrap_or(&last)
                .at
        };
        Seen {
            cpu_seconds: moved.cpu_seconds,
            pace: share(1.0) - share(1.0 - PACED),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
