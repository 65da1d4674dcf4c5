//! The thread that follows the topic of Kubernetes's objects: all of it, and then what comes.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bus::{Bus, TopicPartition};
use runtime::{Drain, Readiness};
use schemas::Topics;

use super::Pods;

const POLL: Duration = Duration::from_millis(500);
const POLL_BYTES: usize = 4 << 20;
const RETRY_AFTER: Duration = Duration::from_secs(3);
/// What went long ago is forgotten so often.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether the start has waited long enough.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Begins to follow when somebody needs it, once.
#[derive(Clone, Default)]
pub(crate) struct Follower {
    pods: Pods,
    from: Option<From>,
}

#[derive(Clone)]
struct From {
    bus: Arc<dyn Bus>,
    topics: Topics,
    drain: Drain,
}

impl Follower {
    pub(crate) fn new(bus: Arc<dyn Bus>, topics: Topics, drain: Drain) -> Self {
        Self {
            pods: Pods::default(),
            from: Some(From { bus, topics, drain }),
        }
    }

    pub(crate) fn pods(&self) -> &Pods {
        &self.pods
    }

    /// Follows from now on, on a thread of its own that ends with the stage.
    pub(crate) fn begin(&self) {
        let Some(from) = self.from.clone() else {
            return;
        };
        if self.pods.is_followed() {
            return;
        }
        self.pods.change(|state| state.is_followed = true);
        let pods = self.pods.clone();
        let thread = std::thread::Builder::new().name("enrich-pods".to_owned());
        if let Err(error) = thread.spawn(move || from.follow(&pods)) {
            tracing::error!(%error, "cannot start the thread that follows Kubernetes's objects; no pod is known");
        }
    }

    /// Blocks until all is known that clusters have, at most for so long.
    pub(crate) fn wait(&self, timeout: Duration, ready: &Readiness, drain: &Drain) {
        let until = Instant::now() + timeout;
        while !self.pods.is_complete() {
            ready.not_ready("waiting for what is known of Kubernetes clusters");
            if Instant::now() >= until {
                let waited_s = timeout.as_secs_f64();
                tracing::warn!(
                    waited_s,
                    "no watcher has told all pods of a Kubernetes cluster yet; starting without, and resources of unknown pods stay as they are"
                );
                return;
            }
            if drain.wait(LOOK_EVERY) {
                return;
            }
        }
    }
}

impl From {
    fn follow(&self, pods: &Pods) {
        let mut warned = false;
        while !self.drain.is_requested() {
            let Err(error) = self.read(pods) else {
                return;
            };
            // Told once, until it is well again.
            match warned {
                true => tracing::debug!(%error, "what is known of Kubernetes can't be read"),
                false => {
                    tracing::warn!(%error, "what is known of Kubernetes can't be read; what was read stays, and it is tried again")
                }
            }
            warned = true;
            self.drain.wait(RETRY_AFTER);
        }
    }

    /// Until the stage ends.
    fn read(&self, pods: &Pods) -> bus::Result<()> {
        let spec = bus::k8s_spec(&self.topics);
        let at = TopicPartition::new(spec.name.clone(), 0);
        // Steps may ask for it that were not there when the process started.
        self.bus.ensure_topics(&[spec])?;
        let mut reader = self.bus.reader()?;
        let range = reader.range(&at)?;
        reader.assign(&[(at.clone(), range.start)])?;
        let mut expire = Instant::now() + EXPIRE_EVERY;
        while !self.drain.is_requested() {
            for record in reader.poll(POLL, POLL_BYTES)? {
                match k8s::decode(&record.value) {
                    Ok(entries) => pods.apply(entries),
                    Err(error) => tracing::warn!(
                        offset = record.offset,
                        %error,
                        "a record of Kubernetes's objects can't be read, and is passed over"
                    ),
                }
            }
            if reader.position(&at)? >= range.end {
                pods.read_all();
            }
            if Instant::now() >= expire {
                pods.expire(now_ms());
                expire = Instant::now() + EXPIRE_EVERY;
            }
        }
        Ok(())
    }
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_millis() as u64
}
