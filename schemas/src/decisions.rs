//! The decision batch: the verdicts of one epoch and partition, in columns.
//!
//! It is the recovery log, the audit log, and the index by which a dropped trace is found again.

use bytes::Bytes;

use crate::wire::WireError;

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
    pub fn encode(&self) -> Bytes {
        todo!("schemas")
    }

    /// # Errors
    /// Truncated or inconsistent input, an index out of range, a version above ours.
    pub fn decode(value: &[u8]) -> Result<Self, DecisionError> {
        let _ = value;
        todo!("schemas")
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
