//! The thread that asks the bus how it is, and says so in the readiness of the part `bus`.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::Context;
use bus::watch::{LOOK_EVERY, Watch};
use runtime::{Metrics, Readiness};

/// How often readiness follows what the stages see of the bus; asking the bus is dearer.
const SHOW_EVERY: Duration = Duration::from_millis(500);
/// A look under way may hold the bus open for this long after everybody else has let it go.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// Ends the thread when it is dropped.
pub struct Watching {
    stop: Option<mpsc::Sender<()>>,
    stopped: mpsc::Receiver<()>,
}

/// Starts to watch, and to show what is seen: the bus is ready, as of now.
///
/// # Errors
/// The system has no thread to give.
pub fn start(watch: &Arc<Watch>, ready: Readiness, metrics: &Metrics) -> anyhow::Result<Watching> {
    let shown = Arc::downgrade(watch);
    metrics.page("bus", move |out| {
        if let Some(watch) = shown.upgrade() {
            watch.render(out);
        }
    });
    let (stop, stops) = mpsc::channel();
    let (end, stopped) = mpsc::channel();
    let watch = Arc::downgrade(watch);
    std::thread::Builder::new()
        .name("bus-watch".to_owned())
        .spawn(move || {
            follow(&watch, &ready, &stops);
            drop(end);
        })
        .context("cannot start a thread that watches the bus")?;
    Ok(Watching {
        stop: Some(stop),
        stopped,
    })
}

fn follow(watch: &Weak<Watch>, ready: &Readiness, stops: &mpsc::Receiver<()>) {
    let mut due = Instant::now();
    while let Some(watch) = watch.upgrade() {
        if Instant::now() >= due {
            watch.look();
            due = Instant::now() + LOOK_EVERY;
        }
        let verdict = watch.verdict();
        drop(watch);
        ready.set(verdict);
        match stops.recv_timeout(SHOW_EVERY) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return,
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop = None;
        let _ = self.stopped.recv_timeout(LEAVE_WITHIN);
    }
}
