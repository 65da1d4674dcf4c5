//! The watch over one bus: it gives stages their buses, looks at the bus every few seconds, and says how it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::errors::{self, count};
use super::limits::{ANSWER, FRESH_FOR, RETENTION_EVERY};
use super::noted::Noted;
use super::progress::Cursors;
use super::render;
use super::watched::Watched;
use crate::mutex::lock;
use crate::{Bus, Error, Topic};

/// Watches over one bus.
pub struct Watch {
    bus: Arc<dyn Bus>,
    born: Instant,
    noted: Arc<Noted>,
    /// Of topics that were asked for it, with when that was.
    retention: Mutex<BTreeMap<Topic, (Instant, Option<Duration>)>>,
    /// What the last look came to; `None` before the first.
    looked: Mutex<Option<Looked>>,
}

struct Looked {
    at: Instant,
    trouble: Option<String>,
}

impl Watch {
    pub fn new(bus: Arc<dyn Bus>) -> Arc<Self> {
        errors::register();
        Arc::new(Self {
            bus,
            born: Instant::now(),
            noted: Arc::default(),
            retention: Mutex::default(),
            looked: Mutex::default(),
        })
    }

    /// The bus for one stage.
    pub fn bus(self: &Arc<Self>, stage: &'static str, cursors: Cursors) -> Arc<dyn Bus> {
        self.watched(stage, cursors, None)
    }

    /// The bus for a stage with several groups; what follows `group_prefix` in their names is the part of the stage: `export/tempo`.
    pub fn bus_of_parts(
        self: &Arc<Self>,
        stage: &'static str,
        group_prefix: String,
    ) -> Arc<dyn Bus> {
        self.watched(stage, Cursors::default(), Some(group_prefix))
    }

    fn watched(
        self: &Arc<Self>,
        stage: &'static str,
        cursors: Cursors,
        group_prefix: Option<String>,
    ) -> Arc<dyn Bus> {
        Arc::new(Watched {
            bus: self.bus.clone(),
            noted: self.noted.clone(),
            stage,
            cursors,
            group_prefix,
        })
    }

    /// Asks the bus how it is and where its topics end. Blocks for some seconds while it can't be reached.
    pub fn look(&self) {
        let topics = self.noted.topics();
        let mut trouble = self.bus.check().err();
        // A right that is missing says nothing of what else is asked for.
        let goes_on = |error: &Error| matches!(error, Error::Denied(_));
        if trouble.as_ref().is_none_or(goes_on) {
            for topic in &topics {
                match self.bus.ranges(topic, ANSWER) {
                    Ok(ranges) => {
                        let now = self.born.elapsed();
                        for group in self.noted.groups() {
                            group.look(now, topic, &ranges);
                        }
                    }
                    Err(error) => {
                        let ends = !goes_on(&error);
                        trouble.get_or_insert(error);
                        if ends {
                            break;
                        }
                    }
                }
            }
        }
        match &trouble {
            Some(error) => count(error.kind()),
            None => self.look_at_retention(&topics),
        }
        *lock(&self.looked) = Some(Looked {
            at: Instant::now(),
            trouble: trouble.map(|error| error.to_string()),
        });
    }

    /// One topic's, so that a look isn't long. The bus works also where this can't be had.
    fn look_at_retention(&self, topics: &BTreeSet<Topic>) {
        let known = |topic: &&Topic| {
            let retention = lock(&self.retention);
            let asked = retention.get(*topic);
            asked.is_some_and(|(at, _)| at.elapsed() < RETENTION_EVERY)
        };
        let Some(topic) = topics.iter().find(|topic| !known(topic)) else {
            return;
        };
        let retention = self.bus.retention(topic).unwrap_or_else(|error| {
            tracing::debug!(%error, topic = &**topic, "how long a topic's records are kept isn't known");
            None
        });
        lock(&self.retention).insert(topic.clone(), (Instant::now(), retention));
    }

    fn retention(&self, topic: &str) -> Option<Duration> {
        lock(&self.retention).get(topic)?.1
    }

    /// Why the bus doesn't work for this process, as of now.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn verdict(&self) -> Result<(), String> {
        let looked = lock(&self.looked).as_ref().and_then(|looked| {
            looked.trouble.clone().or_else(|| {
                let age = looked.at.elapsed();
                (age > FRESH_FOR).then(|| format!("no answer from the bus for {} s", age.as_secs()))
            })
        });
        let groups = || self.noted.groups().iter().find_map(|group| group.trouble());
        let publishing = || (self.noted.publishing().iter()).find_map(|one| one.trouble());
        match looked.or_else(groups).or_else(publishing) {
            Some(trouble) => Err(trouble),
            None => Ok(()),
        }
    }

    /// Appends the gauges of lag, of owned partitions, and of the embedded bus, in Prometheus's text format.
    pub fn render(&self, out: &mut String) {
        let groups = self.noted.groups();
        render::owned(out, &groups);
        // What the bus said a while ago would be a lie by now.
        let fresh = (lock(&self.looked).as_ref())
            .is_some_and(|looked| looked.trouble.is_none() && looked.at.elapsed() < FRESH_FOR);
        if fresh {
            render::lags(out, &groups, self.born.elapsed(), |topic| {
                self.retention(topic)
            });
        }
        if let Some(disk) = self.bus.disk_use() {
            render::disk(out, disk);
        }
    }
}
