//! The decision batch: the verdicts of one epoch and partition, in columns.
//!
//! It is the recovery log, the audit log, and the index by which a dropped trace is found again. The layout is in
//! `docs/reference/bus.md`; `encode` writes version 2, 3 where there are statistics, 4 where there are tenants, or 5 where attributes are promoted;
//! `decode` reads these and version 1.

mod decode;
mod encode;
mod keys;
mod named;
mod pieces;
mod reader;

use bytes::Bytes;

pub use reader::DecisionError;

use crate::otlp::Attributes;

/// The threshold of a verdict whose probability isn't known: one above the largest that can keep anything. So the
/// larger of two thresholds is unknown when one of them is.
pub const UNKNOWN_THRESHOLD: u64 = 1 << 56;

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
    /// The trace had been dropped; a late error opened it anew, and this is the verdict for what came from there on.
    Reopened,
    /// The trace was undecided and is kept for the sake of a kept trace that links to it.
    Linked,
}

impl EntryKind {
    /// The entry gives a verdict, rather than more time to one.
    pub fn is_verdict(self) -> bool {
        self != Self::Extended
    }
}

/// One trace's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Index into [`DecisionBatch::tenants`] of whose trace it is; `None`: the default tenant's. A trace is all spans of one tenant
    /// and trace id.
    pub tenant: Option<u32>,
    pub trace_id: [u8; 16],
    pub verdict: Verdict,
    pub kind: EntryKind,
    /// Late errors don't reopen it: it was dropped on purpose.
    pub is_final: bool,
    /// Index into [`DecisionBatch::policies`]; `None`: no policy matched.
    pub policy: Option<u16>,
    /// Index into [`DecisionBatch::match_sets`].
    pub match_set: u32,
    /// The 56-bit rejection threshold T the verdict was given with (OpenTelemetry consistent probability sampling); 0: kept
    /// for sure; [`UNKNOWN_THRESHOLD`]: with a probability that nobody knows.
    pub threshold: u64,
    /// The 56-bit random value R ≥ T, where it is neither in the spans nor the last seven bytes of the trace id.
    pub randomness: Option<u64>,
    /// Offset of the record with the trace's first span, from which on the verdict holds.
    pub first_offset: u64,
    /// Offset of the record with the last span seen so far.
    pub last_offset: u64,
    /// The partition's clock when this entry was made, milliseconds since the Unix epoch.
    pub time_ms: u64,
    pub spans: u32,
    /// Spans of status error.
    pub errors: u32,
    pub bytes: u64,
    /// From the earliest start to the latest end.
    pub duration_us: u64,
    /// Hash of what the trace looks like; 0: not computed.
    pub shape: u64,
    /// Index into [`DecisionBatch::strings`] of the root span's service and name; `None`: no root was seen.
    pub root_service: Option<u32>,
    pub root_operation: Option<u32>,
    /// Index into [`DecisionBatch::promoted`] of the attributes that the trace's kept spans get; `None`: none.
    pub promoted: Option<u32>,
}

/// An entry and another trace, of the same tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Index into [`DecisionBatch::entries`].
    pub entry: u32,
    pub trace_id: [u8; 16],
}

/// The earlier spans that a reopened trace brings back when it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescue {
    /// Index into [`DecisionBatch::entries`].
    pub entry: u32,
    /// They lie in the records from here,
    pub from_offset: u64,
    /// to here, this one included.
    pub to_offset: u64,
}

/// All entries of one epoch and partition, with the names they refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionBatch {
    /// The configuration the verdicts were given with; 0: not known.
    pub generation: u64,
    /// Which policies the indexes name; policy names are unique within a configuration.
    pub policies: Vec<String>,
    pub strings: Vec<String>,
    /// Values of `tailwater.tenant`, as they are on the records.
    pub tenants: Vec<Bytes>,
    /// Distinct lists of promoted attributes, each of them OTLP's message `KeyValueList`; none is empty.
    pub promoted: Vec<Bytes>,
    /// Distinct lists of policies that matched, as indexes into `policies`.
    pub match_sets: Vec<Vec<u16>>,
    pub entries: Vec<Decision>,
    /// Traces that a kept entry's trace links to, in order of entries.
    pub links: Vec<Link>,
    /// Of entries of the kind [`EntryKind::Linked`]: the kept trace.
    pub sources: Vec<Link>,
    /// Of entries of the kind [`EntryKind::Reopened`], in order of entries.
    pub rescues: Vec<Rescue>,
    /// What the statistics of this partition depend on: identities of the rules that look at more than one trace.
    pub statistics: Vec<u64>,
    /// By entry, and within by rule: the key that it asked about; 0: it didn't.
    pub keys: Vec<u64>,
}

impl DecisionBatch {
    /// Whose trace an entry is about; empty: the default tenant's.
    pub fn tenant_of(&self, entry: &Decision) -> &[u8] {
        let tenant = entry.tenant.and_then(|at| self.tenants.get(at as usize));
        tenant.map_or(&[], |tenant| tenant)
    }

    /// The attributes that the kept spans of an entry's trace get, as in [`DecisionBatch::promoted`].
    pub fn promoted_of(&self, entry: &Decision) -> Option<&Bytes> {
        self.promoted.get(entry.promoted? as usize)
    }

    /// By rule: the keys of an entry.
    pub fn keys_of(&self, entry: usize) -> &[u64] {
        let rules = self.statistics.len();
        self.keys
            .get(entry * rules..(entry + 1) * rules)
            .unwrap_or_default()
    }
}

/// The attributes in one of [`DecisionBatch::promoted`].
pub fn promoted_attributes(list: &[u8]) -> Attributes<'_> {
    Attributes::new(list, PROMOTED)
}

/// `KeyValueList.values`.
pub const PROMOTED: u32 = 1;

/// Bits of an entry's flags, version 2.
mod flags {
    pub const KEEP: u8 = 1;
    /// Two bits: the kind.
    pub const KIND_SHIFT: u8 = 1;
    pub const POLICY: u8 = 8;
    pub const SERVICE: u8 = 16;
    pub const OPERATION: u8 = 32;
    pub const RANDOMNESS: u8 = 64;
    pub const FINAL: u8 = 128;
}

/// Kinds, by number.
const KINDS: [EntryKind; 4] = [
    EntryKind::Decided,
    EntryKind::Extended,
    EntryKind::Reopened,
    EntryKind::Linked,
];

#[cfg(test)]
mod tests;
