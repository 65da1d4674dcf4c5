//! Dead letters for people: found, shown, delivered after all, and struck off.
//!
//! The topic of the dead letters is a log like any other, so nothing in it is changed: a letter that was delivered after all, or purged, is named
//! by a *mark*, a record of the same partition. Who reads first gathers the marks, then skips what they name. A mark is younger than what it names
//! and in the same partition, so retention deletes the letter first.

mod scan;
mod send;

use bus::{Fetched, Header, Record};
use schemas::{Signal, Topics, headers};

pub use scan::Letters;
pub use send::{Sender, Sent};

/// Where a letter lies in the topic of the dead letters: `PARTITION/OFFSET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterId {
    pub partition: u32,
    pub offset: u64,
}

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.partition, self.offset)
    }
}

impl std::str::FromStr for LetterId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(partition, offset)| {
            Some(Self {
                partition: partition.parse().ok()?,
                offset: offset.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| format!("`{text}` is not PARTITION/OFFSET, as `list` prints it"))
    }
}

/// What a stage gave up.
#[derive(Clone, Debug)]
pub struct Letter {
    pub id: LetterId,
    /// When it was given up.
    pub time_ms: u64,
    /// The stage, or `export/<backend>`.
    pub stage: String,
    pub reason: String,
    /// Which units of the original it holds; `None`: all.
    pub units: Option<String>,
    /// The original: where it came from, and the letter's value. Its value is empty where the letter had no room for it.
    pub original: Fetched,
}

impl Letter {
    /// `None` for what is no letter: a mark.
    pub fn of(record: Fetched) -> Option<Self> {
        let text = |name: &str| {
            let header = record.headers.iter().find(|header| &*header.name == name)?;
            Some(String::from_utf8_lossy(&header.value).into_owned())
        };
        if text(headers::DEAD_SETTLED).is_some() {
            return None;
        }
        let is_ours = |header: &Header| header.name.starts_with(headers::DEAD_PREFIX);
        let number = |name: &str| text(name).and_then(|text| text.parse().ok());
        let original = Fetched {
            topic: text(headers::DEAD_TOPIC).unwrap_or_default().into(),
            partition: number(headers::DEAD_PARTITION).unwrap_or(0) as u32,
            offset: number(headers::DEAD_OFFSET).unwrap_or(0),
            timestamp_ms: record.timestamp_ms,
            headers: (record.headers.iter())
                .filter(|header| !is_ours(header))
                .cloned()
                .collect(),
            value: record.value.clone(),
        };
        Some(Self {
            id: LetterId {
                partition: record.partition,
                offset: record.offset,
            },
            time_ms: record.timestamp_ms,
            stage: text(headers::DEAD_STAGE).unwrap_or_default(),
            reason: text(headers::DEAD_REASON).unwrap_or_default(),
            units: text(headers::DEAD_UNITS),
            original,
        })
    }

    /// The backend that refused it; `None` when another stage gave it up.
    pub fn backend(&self) -> Option<&str> {
        self.stage.strip_prefix("export/")
    }

    /// Of the topic it came from.
    pub fn signal(&self, topics: &Topics) -> Option<Signal> {
        let of = |signal: &Signal| {
            let topic = &self.original.topic;
            *topic == topics.clean(*signal) || *topic == topics.raw(*signal)
        };
        let sampled = *self.original.topic == *topics.sampled();
        let found = Signal::ALL.into_iter().find(of);
        found.or(sampled.then_some(Signal::Traces))
    }
}

/// Which letters.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// These and no others; empty: all.
    pub ids: Vec<LetterId>,
    pub backend: Option<String>,
    pub stage: Option<String>,
    /// A part of the reason, in any case.
    pub reason: Option<String>,
    /// Given up at this time or later.
    pub from_ms: Option<u64>,
    /// Given up before this time.
    pub before_ms: Option<u64>,
}

impl Filter {
    pub fn takes(&self, letter: &Letter) -> bool {
        let contains = |reason: &String| {
            let whole = letter.reason.to_lowercase();
            whole.contains(&reason.to_lowercase())
        };
        (self.ids.is_empty() || self.ids.contains(&letter.id))
            && (self.backend.as_deref()).is_none_or(|backend| letter.backend() == Some(backend))
            && (self.stage.as_deref()).is_none_or(|stage| letter.stage == stage)
            && self.reason.as_ref().is_none_or(contains)
            && self.from_ms.is_none_or(|from| letter.time_ms >= from)
            && self.before_ms.is_none_or(|before| letter.time_ms < before)
    }

    /// Everything would match.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
            && self.backend.is_none()
            && self.stage.is_none()
            && self.reason.is_none()
            && self.from_ms.is_none()
            && self.before_ms.is_none()
    }
}

/// What became of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Purged,
}

/// The mark for letters of one partition.
fn mark(offsets: &[u64], fate: Fate) -> Record {
    let offsets: Vec<_> = offsets.iter().map(u64::to_string).collect();
    let fate = match fate {
        Fate::Delivered => "delivered",
        Fate::Purged => "purged",
    };
    let header = |name: &str, value: String| Header {
        name: name.into(),
        value: value.into(),
    };
    Record {
        headers: vec![
            header(headers::DEAD_SETTLED, offsets.join(",")),
            header(headers::DEAD_FATE, fate.to_owned()),
        ],
        value: bytes::Bytes::new(),
    }
}

/// The offsets that a mark names.
fn marked(record: &Fetched) -> Vec<u64> {
    let mark = (record.headers.iter()).find(|header| &*header.name == headers::DEAD_SETTLED);
    let text = mark.map(|header| String::from_utf8_lossy(&header.value));
    let offsets = text.iter().flat_map(|text| text.split(','));
    offsets.filter_map(|offset| offset.parse().ok()).collect()
}
