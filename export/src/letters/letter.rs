//! A dead letter as it lies on the bus.

use bus::{Fetched, Header};
use schemas::{Signal, Topics, headers};

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

    /// Whose items it holds; `None`: the default tenant's.
    pub fn tenant(&self) -> Option<String> {
        let mut headers = self.original.headers.iter();
        let named = headers.find(|header| &*header.name == headers::TENANT)?;
        let name = String::from_utf8_lossy(&named.value).into_owned();
        Some(name).filter(|name| !name.is_empty() && name != headers::DEFAULT_TENANT)
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
