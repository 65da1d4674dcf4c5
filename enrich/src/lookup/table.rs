//! One table: what it holds now, and how it came to that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use runtime::Digest;

use super::contents::Contents;
use super::fault::Fault;
use super::source::Source;
use crate::names;

/// How long a file must have stood still before it counts; also how often one is looked for that was never there.
const STILL: Duration = Duration::from_secs(1);
const RESULTS: [&str; 2] = ["ok", "failed"];

/// A table that is exchanged while it is asked.
#[derive(Debug)]
pub(crate) struct Table {
    /// The name of the step, in metrics and messages.
    name: Arc<str>,
    /// Where the file is named in the configuration.
    at: String,
    source: Source,
    /// `None`: nothing good was read yet.
    contents: RwLock<Option<Arc<Contents>>>,
    followed: Mutex<Followed>,
}

/// What is known of the file.
#[derive(Clone, Debug, Default)]
struct Followed {
    /// What was last looked at.
    before: Option<Digest>,
    /// What was last read as a table, or tried to.
    judged: Option<Digest>,
    /// Why that was no table.
    fault: Option<String>,
    /// When the file was last found to be what is in use.
    good: Option<Instant>,
    due: Option<Instant>,
}

impl Table {
    pub(crate) fn new(name: &str, at: String, source: Source) -> Self {
        Self {
            name: name.into(),
            at,
            source,
            contents: RwLock::default(),
            followed: Mutex::default(),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Where the file is named in the configuration.
    pub(crate) fn at(&self) -> &str {
        &self.at
    }

    /// Asks what the table holds now; `None`: nothing was read yet.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&Contents) -> T) -> Option<T> {
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.as_deref().map(ask)
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.ask(|_| ()).is_some()
    }

    /// Why there is nothing in it.
    pub(crate) fn fault(&self) -> Option<String> {
        match self.is_loaded() {
            true => None,
            false => Some(self.followed().fault.clone().unwrap_or_default()),
        }
    }

    /// Reads the file now, unless that was done.
    pub(crate) fn load(&self) {
        if !self.is_loaded() {
            self.look(Instant::now());
        }
    }

    /// Takes over what another one of the same source knows.
    pub(crate) fn adopt(&self, other: &Self) {
        if self.source == other.source && !self.is_loaded() {
            let contents = other.contents.read();
            let contents = contents.unwrap_or_else(PoisonError::into_inner).clone();
            *self.followed() = other.followed().clone();
            drop(self.exchange(contents));
        }
    }

    /// Looks at the file, if it is time.
    pub(super) fn look(&self, now: Instant) {
        let mut followed = self.followed();
        if followed.due.is_some_and(|due| now < due) {
            return;
        }
        let read = self.source.read();
        let digest = match &read {
            Ok(bytes) => Digest::of(bytes),
            Err(fault) => Digest::of(fault.to_string().as_bytes()),
        };
        let is = |known: &Option<Digest>| known.as_ref().is_some_and(|known| known.is(&digest));
        let is_loaded = self.is_loaded();
        followed.due = Some(
            now + if is_loaded {
                self.source.refresh
            } else {
                STILL
            },
        );
        if is(&followed.judged) {
            if followed.fault.is_none() {
                followed.good = Some(now);
            }
        } else if is_loaded && !is(&followed.before) {
            // Somebody may still be writing to it.
            followed.due = Some(now + STILL);
        } else {
            self.judge(read, &mut followed, now);
            followed.judged = Some(digest.clone());
        }
        followed.before = Some(digest);
    }

    /// Reads what was found as a table.
    fn judge(&self, read: Result<Vec<u8>, Fault>, followed: &mut Followed, now: Instant) {
        let file = self.source.path().display();
        match read.and_then(|bytes| self.source.parse(bytes)) {
            Ok(contents) => {
                tracing::info!(
                    table = &*self.name,
                    %file,
                    entries = contents.entries(),
                    bytes = contents.bytes(),
                    "read a look-up table"
                );
                let old = self.exchange(Some(Arc::new(contents)));
                // Freed here, where nobody waits.
                drop(old);
                followed.fault = None;
                followed.good = Some(now);
                followed.due = Some(now + self.source.refresh);
                self.count("ok");
            }
            Err(fault) => {
                let in_use = match self.is_loaded() {
                    true => "the table from before stays in use",
                    false => "enrich waits for it",
                };
                tracing::error!(table = &*self.name, %file, error = %fault, "a look-up table can't be used; {in_use}");
                followed.fault = Some(format!("{file} {fault}"));
                self.count("failed");
            }
        }
    }

    /// Nobody waits for longer than it takes to write a pointer.
    fn exchange(&self, new: Option<Arc<Contents>>) -> Option<Arc<Contents>> {
        let mut contents = self
            .contents
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *contents, new)
    }

    fn count(&self, result: &'static str) {
        let labels = self.labels(result);
        counter!(names::LOOKUP_RELOADS, &labels).increment(1);
    }

    fn labels(&self, result: &'static str) -> [(&'static str, metrics::SharedString); 2] {
        [
            ("table", self.name.clone().into()),
            ("result", result.into()),
        ]
    }

    /// Tells how old what is in use is.
    pub(super) fn tell_age(&self, now: Instant) {
        if let Some(good) = self.followed().good {
            let age = now.saturating_duration_since(good).as_secs_f64();
            gauge!(names::LOOKUP_AGE, "table" => self.name.clone()).set(age);
        }
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The counters of a table.
pub(crate) fn register(table: &Table) {
    for result in RESULTS {
        counter!(names::LOOKUP_RELOADS, &table.labels(result)).increment(0);
    }
}
