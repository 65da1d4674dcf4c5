//! The decision batch: the verdicts of one epoch and partition, in columns.
//!
//! It is the recovery log, the audit log, and the index by which a dropped trace is found again.
//!
//! Layout (version 1; all integers are varints as in protobuf, "delta" is the zigzag of the wrapping difference to the
//! entry before, of the first entry to 0):
//! version byte · policies · strings (each: count, then length and bytes of each) · number of entries · columns:
//! trace ids (16 bytes each) · flags (a byte each: 1 keep, 2 extended, 4 has policy, 8 has service, 16 has operation) ·
//! policies (of those that have one) · thresholds (delta) · first offsets (delta) · last offsets (zigzag of the difference
//! to the entry's first offset) · times (delta) · spans · bytes · services · operations (of those that have one).
//! Nothing may follow.

use bytes::Bytes;

use crate::wire::{WireError, put_varint, read_varint};

const VERSION: u8 = 1;

const KEEP: u8 = 1;
const EXTENDED: u8 = 2;
const HAS_POLICY: u8 = 4;
const HAS_SERVICE: u8 = 8;
const HAS_OPERATION: u8 = 16;

/// Keep or drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    Drop,
    Keep,
}

/// Why an entry is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// The trace was decided.
    Decided,
    /// The trace had been decided before; late spans made its verdict hold longer.
    Extended,
}

/// One trace's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub trace_id: [u8; 16],
    pub verdict: Verdict,
    pub kind: EntryKind,
    /// Index into [`DecisionBatch::policies`]; `None`: no policy matched.
    pub policy: Option<u16>,
    /// The 56-bit rejection threshold the verdict was given with (OpenTelemetry consistent probability sampling); 0: kept for sure.
    pub threshold: u64,
    /// Offset of the record with the trace's first span, from which on the verdict holds.
    pub first_offset: u64,
    /// Offset of the record with the last span seen so far.
    pub last_offset: u64,
    /// The partition's clock when this entry was made, milliseconds since the Unix epoch.
    pub time_ms: u64,
    pub spans: u32,
    pub bytes: u64,
    /// Index into [`DecisionBatch::strings`] of the root span's service and name; `None`: no root was seen.
    pub root_service: Option<u32>,
    pub root_operation: Option<u32>,
}

/// All entries of one epoch and partition, with the names they refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionBatch {
    /// Which policies the indexes name; policy names are unique within a configuration.
    pub policies: Vec<String>,
    pub strings: Vec<String>,
    pub entries: Vec<Decision>,
}

impl DecisionBatch {
    /// The record value: version byte, then columns.
    ///
    /// Indexes of the entries must lie within `policies` and `strings`: [`Self::decode`] refuses others.
    pub fn encode(&self) -> Bytes {
        // 16 for the id, and what the other columns take where neighbours resemble each other.
        let mut out = Vec::with_capacity(64 + self.entries.len() * 32);
        out.push(VERSION);
        for names in [&self.policies, &self.strings] {
            put_varint(&mut out, names.len() as u64);
            for name in names {
                put_varint(&mut out, name.len() as u64);
                out.extend_from_slice(name.as_bytes());
            }
        }
        let entries = &self.entries;
        put_varint(&mut out, entries.len() as u64);
        for entry in entries {
            out.extend_from_slice(&entry.trace_id);
        }
        out.extend(entries.iter().map(flags));
        for policy in entries.iter().filter_map(|entry| entry.policy) {
            put_varint(&mut out, u64::from(policy));
        }
        put_deltas(&mut out, entries.iter().map(|entry| entry.threshold));
        put_deltas(&mut out, entries.iter().map(|entry| entry.first_offset));
        for entry in entries {
            put_difference(&mut out, entry.first_offset, entry.last_offset);
        }
        put_deltas(&mut out, entries.iter().map(|entry| entry.time_ms));
        for entry in entries {
            put_varint(&mut out, u64::from(entry.spans));
        }
        for entry in entries {
            put_varint(&mut out, entry.bytes);
        }
        for service in entries.iter().filter_map(|entry| entry.root_service) {
            put_varint(&mut out, u64::from(service));
        }
        for operation in entries.iter().filter_map(|entry| entry.root_operation) {
            put_varint(&mut out, u64::from(operation));
        }
        Bytes::from(out)
    }

    /// # Errors
    /// Truncated or inconsistent input, an index out of range, a version above ours.
    pub fn decode(value: &[u8]) -> Result<Self, DecisionError> {
        let mut reader = Reader { value, at: 0 };
        match reader.bytes(1)?[0] {
            VERSION => {}
            0 => return Err(DecisionError::Inconsistent("version 0")),
            newer => return Err(DecisionError::Version(newer)),
        }
        let policies = reader.names()?;
        let strings = reader.names()?;
        let count = reader.varint()?;
        // Each entry takes its id and at least a byte in each of seven columns: no allocation on the word of a lying count.
        if count > (value.len() / 23) as u64 {
            return Err(DecisionError::Inconsistent("more entries than bytes"));
        }
        let ids = reader.bytes(16 * count as usize)?;
        let flags = reader.bytes(count as usize)?;
        let mut entries: Vec<_> = ids
            .as_chunks::<16>()
            .0
            .iter()
            .zip(flags)
            .map(|(id, flags)| blank(*id, *flags))
            .collect::<Result<_, _>>()?;

        for entry in entries.iter_mut() {
            if let Some(policy) = &mut entry.policy {
                *policy = reader.index(policies.len(), "a policy index out of range")? as u16;
            }
        }
        let mut previous = 0;
        for entry in entries.iter_mut() {
            previous = reader.after(previous)?;
            entry.threshold = previous;
        }
        previous = 0;
        for entry in entries.iter_mut() {
            previous = reader.after(previous)?;
            entry.first_offset = previous;
        }
        for entry in entries.iter_mut() {
            entry.last_offset = reader.after(entry.first_offset)?;
        }
        previous = 0;
        for entry in entries.iter_mut() {
            previous = reader.after(previous)?;
            entry.time_ms = previous;
        }
        for entry in entries.iter_mut() {
            entry.spans = u32::try_from(reader.varint()?)
                .map_err(|_| DecisionError::Inconsistent("a span count above 2^32"))?;
        }
        for entry in entries.iter_mut() {
            entry.bytes = reader.varint()?;
        }
        for entry in entries.iter_mut() {
            if let Some(service) = &mut entry.root_service {
                *service = reader.index(strings.len(), "a service index out of range")?;
            }
        }
        for entry in entries.iter_mut() {
            if let Some(operation) = &mut entry.root_operation {
                *operation = reader.index(strings.len(), "an operation index out of range")?;
            }
        }
        if reader.at != value.len() {
            return Err(DecisionError::Inconsistent("bytes behind the last column"));
        }
        Ok(Self {
            policies,
            strings,
            entries,
        })
    }
}

/// Why a record is not a decision batch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    #[error("decision batch: {0}")]
    Wire(#[from] WireError),
    #[error("decision batch of version {0}; this build reads up to version 1")]
    Version(u8),
    #[error("decision batch: {0}")]
    Inconsistent(&'static str),
}

fn flags(entry: &Decision) -> u8 {
    let mut flags = 0;
    let mut set = |condition, flag| {
        if condition {
            flags |= flag;
        }
    };
    set(entry.verdict == Verdict::Keep, KEEP);
    set(entry.kind == EntryKind::Extended, EXTENDED);
    set(entry.policy.is_some(), HAS_POLICY);
    set(entry.root_service.is_some(), HAS_SERVICE);
    set(entry.root_operation.is_some(), HAS_OPERATION);
    flags
}

/// An entry with what its id and flags say, and zeros for the other columns to fill.
fn blank(trace_id: [u8; 16], flags: u8) -> Result<Decision, DecisionError> {
    if flags >= HAS_OPERATION << 1 {
        return Err(DecisionError::Inconsistent("an unknown flag"));
    }
    Ok(Decision {
        trace_id,
        verdict: if flags & KEEP != 0 {
            Verdict::Keep
        } else {
            Verdict::Drop
        },
        kind: if flags & EXTENDED != 0 {
            EntryKind::Extended
        } else {
            EntryKind::Decided
        },
        policy: (flags & HAS_POLICY != 0).then_some(0),
        threshold: 0,
        first_offset: 0,
        last_offset: 0,
        time_ms: 0,
        spans: 0,
        bytes: 0,
        root_service: (flags & HAS_SERVICE != 0).then_some(0),
        root_operation: (flags & HAS_OPERATION != 0).then_some(0),
    })
}

fn put_deltas(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    let mut previous = 0;
    for value in values {
        put_difference(out, previous, value);
        previous = value;
    }
}

/// `to - from`, wrapping, as a zigzag varint: small differences of either sign are short.
fn put_difference(out: &mut Vec<u8>, from: u64, to: u64) {
    let difference = to.wrapping_sub(from) as i64;
    put_varint(out, (difference << 1 ^ difference >> 63) as u64);
}

struct Reader<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let bytes = self.value[self.at..]
            .get(..length)
            .ok_or(WireError::Truncated { at: self.at })?;
        self.at += length;
        Ok(bytes)
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let (value, end) = read_varint(self.value, self.at)?;
        self.at = end;
        Ok(value)
    }

    /// The value that follows `from` in a delta column.
    fn after(&mut self, from: u64) -> Result<u64, WireError> {
        let zigzag = self.varint()?;
        Ok(from.wrapping_add(zigzag >> 1 ^ (zigzag & 1).wrapping_neg()))
    }

    fn index(&mut self, count: usize, message: &'static str) -> Result<u32, DecisionError> {
        let index = self.varint()?;
        if index >= count as u64 {
            return Err(DecisionError::Inconsistent(message));
        }
        u32::try_from(index).map_err(|_| DecisionError::Inconsistent(message))
    }

    fn names(&mut self) -> Result<Vec<String>, DecisionError> {
        let count = self.varint()?;
        let mut names = Vec::new();
        for _ in 0..count {
            let length = self.varint()?;
            let bytes = usize::try_from(length)
                .map_err(|_| DecisionError::Inconsistent("a name longer than memory"))
                .and_then(|length| Ok(self.bytes(length)?))?;
            let name = std::str::from_utf8(bytes)
                .map_err(|_| DecisionError::Inconsistent("a name that is not UTF-8"))?;
            names.push(name.to_owned());
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests;
