//! The model bus: one partition of each topic, and the group's committed position.

use bytes::Bytes;
use fastrand::Rng;
use sampler::output::DeadLetter;
use sampler::record::RawRecord;

#[derive(Clone, Debug)]
pub struct Span {
    pub trace: u8,
    pub id: u64,
    pub start_ms: u64,
    pub end_ms: u64,
    pub error: bool,
    pub root: bool,
    pub valid: bool,
    pub resource: u8,
    pub odd: bool,
    /// Another trace.
    pub link: Option<u8>,
    /// No key twice.
    pub attributes: Attributes,
}

/// Keys and texts.
pub type Attributes = Vec<(String, String)>;

#[derive(Clone, Debug)]
pub enum Content {
    Bad,
    Spans(Vec<Span>),
}

#[derive(Clone, Debug)]
pub struct Record {
    pub offset: u64,
    pub timestamp_ms: u64,
    pub tenant: Option<Bytes>,
    pub value: Bytes,
    pub content: Content,
}

/// A tenant (0: the default one) and a trace id.
pub type Trace = (u8, u8);

/// Tenants have names of one letter.
pub fn tenant(name: &[u8]) -> u8 {
    name.first().copied().unwrap_or(0)
}

impl Record {
    pub fn tenant(&self) -> u8 {
        tenant(self.tenant.as_deref().unwrap_or_default())
    }

    pub fn raw(&self) -> RawRecord {
        RawRecord {
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            tenant: self.tenant.clone(),
            value: self.value.clone(),
        }
    }
}

#[derive(Default)]
pub struct Bus {
    /// With everything that retention deleted: `start` says what is left.
    pub raw: Vec<Record>,
    pub start: u64,
    /// Deleted before the committed position was past it.
    pub truncated: Vec<u64>,
    /// Time of append and value.
    pub decisions: Vec<(u64, Bytes)>,
    pub sampled: Vec<(Option<Bytes>, Bytes)>,
    pub dead: Vec<DeadLetter>,
    pub committed: Option<(u64, String)>,
}

impl Bus {
    pub fn end(&self) -> u64 {
        self.raw.last().map_or(0, |record| record.offset + 1)
    }

    /// Records that exist at or above an offset.
    pub fn from(&self, offset: u64) -> &[Record] {
        let offset = offset.max(self.start);
        let at = self.raw.partition_point(|record| record.offset < offset);
        &self.raw[at..]
    }

    pub fn truncate(&mut self, rng: &mut Rng) {
        let to = rng.u64(self.start..=self.end());
        let committed = self.committed.as_ref().map_or(0, |committed| committed.0);
        let deleted: Vec<_> = self
            .from(committed)
            .iter()
            .map(|record| record.offset)
            .take_while(|&offset| offset < to)
            .collect();
        self.truncated.extend(deleted);
        self.start = to;
    }
}
