//! Reads a decision batch, version 1 to 4.

use hashbrown::HashMap;

use super::{Decision, DecisionBatch, KINDS, Link, Rescue, Verdict, flags, keys, tenants};
use crate::wire::{WireError, read_varint};

/// Why a record is not a decision batch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    #[error("decision batch: {0}")]
    Wire(#[from] WireError),
    #[error("decision batch of version {0}; this build reads up to version 4")]
    Version(u8),
    #[error("decision batch: {0}")]
    Inconsistent(&'static str),
}

/// What an entry takes at least, its id included: no allocation on the word of a lying count.
const ENTRY_BYTES_MIN_V1: usize = 23;
const ENTRY_BYTES_MIN: usize = 27;
/// An index and an id.
const LINK_BYTES_MIN: usize = 17;
const RESCUE_BYTES_MIN: usize = 3;

impl DecisionBatch {
    /// # Errors
    /// Truncated or inconsistent input, an index out of range, a version above ours.
    pub fn decode(value: &[u8]) -> Result<Self, DecisionError> {
        let mut reader = Reader { value, at: 0 };
        let batch = match reader.bytes(1)?[0] {
            0 => return Err(DecisionError::Inconsistent("version 0")),
            1 => reader.version_1()?,
            2 => reader.version_2()?,
            3 => reader.version_3()?,
            4 => reader.version_4()?,
            newer => return Err(DecisionError::Version(newer)),
        };
        if reader.at != value.len() {
            return Err(DecisionError::Inconsistent("bytes behind the last column"));
        }
        Ok(batch)
    }
}

pub(super) struct Reader<'a> {
    value: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Version 3, maybe without statistics, and whose traces they are.
    fn version_4(&mut self) -> Result<DecisionBatch, DecisionError> {
        let mut batch = self.with_statistics()?;
        batch.tenants = tenants::read(self, &mut batch.entries)?;
        Ok(batch)
    }

    fn version_3(&mut self) -> Result<DecisionBatch, DecisionError> {
        let batch = self.with_statistics()?;
        if batch.statistics.is_empty() {
            return Err(DecisionError::Inconsistent("version 3 without statistics"));
        }
        Ok(batch)
    }

    /// Version 2, and what the statistics were asked.
    fn with_statistics(&mut self) -> Result<DecisionBatch, DecisionError> {
        let batch = self.version_2()?;
        let (statistics, keys) = keys::read(self, batch.entries.len())?;
        Ok(DecisionBatch {
            statistics,
            keys,
            ..batch
        })
    }

    fn version_2(&mut self) -> Result<DecisionBatch, DecisionError> {
        let generation = self.varint()?;
        let policies = self.names()?;
        let strings = self.names()?;
        let match_sets = self.match_sets(policies.len())?;
        let shapes = self.count(8)?;
        let shapes = self.bytes(8 * shapes)?.as_chunks::<8>().0;
        let mut entries = self.entries(ENTRY_BYTES_MIN, |id, flags| Ok(entry_of(id, flags)))?;
        self.policies(&mut entries, policies.len())?;
        for entry in &mut entries {
            entry.match_set = self.index(match_sets.len(), "a match set out of range")?;
        }
        self.deltas(&mut entries, |entry| &mut entry.threshold)?;
        for entry in &mut entries {
            if let Some(randomness) = &mut entry.randomness {
                *randomness = self.varint()?;
            }
        }
        self.offsets_and_times(&mut entries)?;
        self.counts(&mut entries, |entry| &mut entry.spans)?;
        self.counts(&mut entries, |entry| &mut entry.errors)?;
        for entry in &mut entries {
            entry.bytes = self.varint()?;
        }
        for entry in &mut entries {
            entry.duration_us = self.varint()?;
        }
        for entry in &mut entries {
            let shape = self.index(shapes.len(), "a shape out of range")?;
            entry.shape = u64::from_le_bytes(shapes[shape as usize]);
        }
        self.roots(&mut entries, strings.len())?;
        let (links, sources) = (self.links(entries.len())?, self.links(entries.len())?);
        let rescues = self.rescues(entries.len())?;
        Ok(DecisionBatch {
            generation,
            policies,
            strings,
            match_sets,
            links,
            sources,
            rescues,
            entries,
            ..DecisionBatch::default()
        })
    }

    /// What version 1 doesn't say is as if nothing were known of it.
    fn version_1(&mut self) -> Result<DecisionBatch, DecisionError> {
        let policies = self.names()?;
        let strings = self.names()?;
        let mut entries = self.entries(ENTRY_BYTES_MIN_V1, |id, flags| {
            // 1 keep, 2 extended, 4 policy, 8 service, 16 operation.
            if flags >= 32 {
                return Err(DecisionError::Inconsistent("an unknown flag"));
            }
            Ok(entry_of(id, flags & 3 | (flags & 0b1_1100) << 1))
        })?;
        self.policies(&mut entries, policies.len())?;
        self.deltas(&mut entries, |entry| &mut entry.threshold)?;
        self.offsets_and_times(&mut entries)?;
        self.counts(&mut entries, |entry| &mut entry.spans)?;
        for entry in &mut entries {
            entry.bytes = self.varint()?;
        }
        self.roots(&mut entries, strings.len())?;
        let mut match_sets = Vec::new();
        let mut known: HashMap<Option<u16>, u32> = HashMap::new();
        for entry in &mut entries {
            entry.match_set = *known.entry(entry.policy).or_insert_with(|| {
                match_sets.push(entry.policy.into_iter().collect());
                match_sets.len() as u32 - 1
            });
        }
        Ok(DecisionBatch {
            policies,
            strings,
            match_sets,
            entries,
            ..DecisionBatch::default()
        })
    }

    /// Number of entries, ids and flags; the other columns are for the caller to fill.
    fn entries(
        &mut self,
        bytes_min: usize,
        entry: impl Fn([u8; 16], u8) -> Result<Decision, DecisionError>,
    ) -> Result<Vec<Decision>, DecisionError> {
        let count = self.count(bytes_min)?;
        let ids = self.bytes(16 * count)?.as_chunks::<16>().0;
        let flags = self.bytes(count)?;
        let entries = ids.iter().zip(flags).map(|(id, flags)| entry(*id, *flags));
        entries.collect()
    }

    fn policies(&mut self, entries: &mut [Decision], count: usize) -> Result<(), DecisionError> {
        for policy in entries.iter_mut().filter_map(|entry| entry.policy.as_mut()) {
            *policy = self.index(count, "a policy index out of range")? as u16;
        }
        Ok(())
    }

    fn offsets_and_times(&mut self, entries: &mut [Decision]) -> Result<(), DecisionError> {
        self.deltas(entries, |entry| &mut entry.first_offset)?;
        for entry in entries.iter_mut() {
            entry.last_offset = self.after(entry.first_offset)?;
        }
        self.deltas(entries, |entry| &mut entry.time_ms)
    }

    fn roots(&mut self, entries: &mut [Decision], strings: usize) -> Result<(), DecisionError> {
        for service in entries
            .iter_mut()
            .filter_map(|entry| entry.root_service.as_mut())
        {
            *service = self.index(strings, "a service index out of range")?;
        }
        for operation in entries
            .iter_mut()
            .filter_map(|entry| entry.root_operation.as_mut())
        {
            *operation = self.index(strings, "an operation index out of range")?;
        }
        Ok(())
    }

    fn deltas(
        &mut self,
        entries: &mut [Decision],
        field: impl Fn(&mut Decision) -> &mut u64,
    ) -> Result<(), DecisionError> {
        let mut previous = 0;
        for entry in entries {
            previous = self.after(previous)?;
            *field(entry) = previous;
        }
        Ok(())
    }

    fn counts(
        &mut self,
        entries: &mut [Decision],
        field: impl Fn(&mut Decision) -> &mut u32,
    ) -> Result<(), DecisionError> {
        for entry in entries {
            *field(entry) = u32::try_from(self.varint()?)
                .map_err(|_| DecisionError::Inconsistent("a span count above 2^32"))?;
        }
        Ok(())
    }

    fn match_sets(&mut self, policies: usize) -> Result<Vec<Vec<u16>>, DecisionError> {
        let count = self.count(1)?;
        let mut sets = Vec::with_capacity(count);
        for _ in 0..count {
            let length = self.count(1)?;
            let mut set = Vec::with_capacity(length);
            for _ in 0..length {
                set.push(self.index(policies, "a policy index out of range")? as u16);
            }
            sets.push(set);
        }
        Ok(sets)
    }

    fn links(&mut self, entries: usize) -> Result<Vec<Link>, DecisionError> {
        let count = self.count(LINK_BYTES_MIN)?;
        let mut links = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = self.index(entries, "a link of an entry out of range")?;
            let mut trace_id = [0; 16];
            trace_id.copy_from_slice(self.bytes(16)?);
            links.push(Link { entry, trace_id });
        }
        Ok(links)
    }

    fn rescues(&mut self, entries: usize) -> Result<Vec<Rescue>, DecisionError> {
        let count = self.count(RESCUE_BYTES_MIN)?;
        let mut rescues = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = self.index(entries, "a rescue of an entry out of range")?;
            let from_offset = self.varint()?;
            let to_offset = self.after(from_offset)?;
            rescues.push(Rescue {
                entry,
                from_offset,
                to_offset,
            });
        }
        Ok(rescues)
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

    /// A count of things that take at least so many bytes each.
    pub(super) fn count(&mut self, bytes_min: usize) -> Result<usize, DecisionError> {
        let count = self.varint()?;
        if count > ((self.value.len() - self.at) / bytes_min) as u64 {
            return Err(DecisionError::Inconsistent("more entries than bytes"));
        }
        Ok(count as usize)
    }

    pub(super) fn index(
        &mut self,
        count: usize,
        message: &'static str,
    ) -> Result<u32, DecisionError> {
        let index = self.varint()?;
        if index >= count as u64 {
            return Err(DecisionError::Inconsistent(message));
        }
        u32::try_from(index).map_err(|_| DecisionError::Inconsistent(message))
    }

    /// The value that follows `from` in a delta column.
    fn after(&mut self, from: u64) -> Result<u64, WireError> {
        let zigzag = self.varint()?;
        Ok(from.wrapping_add(zigzag >> 1 ^ (zigzag & 1).wrapping_neg()))
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let (value, end) = read_varint(self.value, self.at)?;
        self.at = end;
        Ok(value)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let bytes = self.value[self.at..]
            .get(..length)
            .ok_or(WireError::Truncated { at: self.at })?;
        self.at += length;
        Ok(bytes)
    }
}

/// An entry with what its id and flags say, and zeros for the other columns to fill.
fn entry_of(trace_id: [u8; 16], flags: u8) -> Decision {
    let has = |flag| flags & flag != 0;
    Decision {
        tenant: None,
        trace_id,
        verdict: match has(flags::KEEP) {
            true => Verdict::Keep,
            false => Verdict::Drop,
        },
        kind: KINDS[usize::from(flags >> flags::KIND_SHIFT & 3)],
        is_final: has(flags::FINAL),
        policy: has(flags::POLICY).then_some(0),
        match_set: 0,
        threshold: 0,
        randomness: has(flags::RANDOMNESS).then_some(0),
        first_offset: 0,
        last_offset: 0,
        time_ms: 0,
        spans: 0,
        errors: 0,
        bytes: 0,
        duration_us: 0,
        shape: 0,
        root_service: has(flags::SERVICE).then_some(0),
        root_operation: has(flags::OPERATION).then_some(0),
    }
}
