//! Reads a decision batch, version 1 to 5.

use bytes::Bytes;
use hashbrown::HashMap;

use super::reader::{DecisionError, Reader};
use super::{
    Decision, DecisionBatch, KINDS, Link, Rescue, Verdict, flags, keys, named, promoted_attributes,
};

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
        let mut columns = Columns {
            reader: Reader { value, at: 0 },
        };
        let batch = match columns.reader.bytes(1)?[0] {
            0 => return Err(DecisionError::Inconsistent("version 0")),
            1 => columns.version_1()?,
            2 => columns.version_2()?,
            3 => columns.version_3()?,
            4 => columns.version_4()?,
            5 => columns.version_5()?,
            newer => return Err(DecisionError::Version(newer)),
        };
        if columns.reader.at != value.len() {
            return Err(DecisionError::Inconsistent("bytes behind the last column"));
        }
        Ok(batch)
    }
}

/// The columns of a batch, one after the other.
struct Columns<'a> {
    reader: Reader<'a>,
}

impl<'a> Columns<'a> {
    /// Version 4, maybe without tenants, and what is promoted.
    fn version_5(&mut self) -> Result<DecisionBatch, DecisionError> {
        let mut batch = self.with_tenants()?;
        let indexes = batch.entries.iter_mut().map(|entry| &mut entry.promoted);
        batch.promoted = named::read(
            &mut self.reader,
            indexes,
            "promoted attributes out of range",
        )?;
        if batch.promoted.is_empty() {
            return Err(DecisionError::Inconsistent(
                "version 5 without promoted attributes",
            ));
        }
        let is_list = |list: &Bytes| {
            !list.is_empty() && promoted_attributes(list).all(|attribute| attribute.is_ok())
        };
        match batch.promoted.iter().all(is_list) {
            true => Ok(batch),
            false => Err(DecisionError::Inconsistent(
                "promoted attributes that are none",
            )),
        }
    }

    fn version_4(&mut self) -> Result<DecisionBatch, DecisionError> {
        let batch = self.with_tenants()?;
        if batch.tenants.is_empty() {
            return Err(DecisionError::Inconsistent("version 4 without tenants"));
        }
        Ok(batch)
    }

    /// Version 3, maybe without statistics, and whose traces they are.
    fn with_tenants(&mut self) -> Result<DecisionBatch, DecisionError> {
        let mut batch = self.with_statistics()?;
        let indexes = batch.entries.iter_mut().map(|entry| &mut entry.tenant);
        batch.tenants = named::read(&mut self.reader, indexes, "a tenant out of range")?;
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
        let (statistics, keys) = keys::read(&mut self.reader, batch.entries.len())?;
        Ok(DecisionBatch {
            statistics,
            keys,
            ..batch
        })
    }

    fn version_2(&mut self) -> Result<DecisionBatch, DecisionError> {
        let generation = self.reader.varint()?;
        let policies = self.reader.names()?;
        let strings = self.reader.names()?;
        let match_sets = self.match_sets(policies.len())?;
        let shapes = self.reader.count(8)?;
        let shapes = self.reader.bytes(8 * shapes)?.as_chunks::<8>().0;
        let mut entries = self.entries(ENTRY_BYTES_MIN, |id, flags| Ok(entry_of(id, flags)))?;
        self.policies(&mut entries, policies.len())?;
        for entry in &mut entries {
            entry.match_set = self
                .reader
                .index(match_sets.len(), "a match set out of range")?;
        }
        self.deltas(&mut entries, |entry| &mut entry.threshold)?;
        for entry in &mut entries {
            if let Some(randomness) = &mut entry.randomness {
                *randomness = self.reader.varint()?;
            }
        }
        self.offsets_and_times(&mut entries)?;
        self.counts(&mut entries, |entry| &mut entry.spans)?;
        self.counts(&mut entries, |entry| &mut entry.errors)?;
        for entry in &mut entries {
            entry.bytes = self.reader.varint()?;
        }
        for entry in &mut entries {
            entry.duration_us = self.reader.varint()?;
        }
        for entry in &mut entries {
            let shape = self.reader.index(shapes.len(), "a shape out of range")?;
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
        let policies = self.reader.names()?;
        let strings = self.reader.names()?;
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
            entry.bytes = self.reader.varint()?;
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
        let count = self.reader.count(bytes_min)?;
        let ids = self.reader.bytes(16 * count)?.as_chunks::<16>().0;
        let flags = self.reader.bytes(count)?;
        let entries = ids.iter().zip(flags).map(|(id, flags)| entry(*id, *flags));
        entries.collect()
    }

    fn policies(&mut self, entries: &mut [Decision], count: usize) -> Result<(), DecisionError> {
        for policy in entries.iter_mut().filter_map(|entry| entry.policy.as_mut()) {
            *policy = self.policy(count)?;
        }
        Ok(())
    }

    /// The index of a policy; a batch may name more of them than an index reaches.
    fn policy(&mut self, count: usize) -> Result<u16, DecisionError> {
        let out_of_range = "a policy index out of range";
        let index = self.reader.index(count, out_of_range)?;
        u16::try_from(index).map_err(|_| DecisionError::Inconsistent(out_of_range))
    }

    fn offsets_and_times(&mut self, entries: &mut [Decision]) -> Result<(), DecisionError> {
        self.deltas(entries, |entry| &mut entry.first_offset)?;
        for entry in entries.iter_mut() {
            entry.last_offset = self.reader.after(entry.first_offset)?;
        }
        self.deltas(entries, |entry| &mut entry.time_ms)
    }

    fn roots(&mut self, entries: &mut [Decision], strings: usize) -> Result<(), DecisionError> {
        for service in entries
            .iter_mut()
            .filter_map(|entry| entry.root_service.as_mut())
        {
            *service = self.reader.index(strings, "a service index out of range")?;
        }
        for operation in entries
            .iter_mut()
            .filter_map(|entry| entry.root_operation.as_mut())
        {
            *operation = self
                .reader
                .index(strings, "an operation index out of range")?;
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
            previous = self.reader.after(previous)?;
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
            *field(entry) = u32::try_from(self.reader.varint()?)
                .map_err(|_| DecisionError::Inconsistent("a span count above 2^32"))?;
        }
        Ok(())
    }

    fn match_sets(&mut self, policies: usize) -> Result<Vec<Vec<u16>>, DecisionError> {
        let count = self.reader.count(1)?;
        let mut sets = Vec::with_capacity(count);
        for _ in 0..count {
            let length = self.reader.count(1)?;
            let mut set = Vec::with_capacity(length);
            for _ in 0..length {
                set.push(self.policy(policies)?);
            }
            sets.push(set);
        }
        Ok(sets)
    }

    fn links(&mut self, entries: usize) -> Result<Vec<Link>, DecisionError> {
        let count = self.reader.count(LINK_BYTES_MIN)?;
        let mut links = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = self
                .reader
                .index(entries, "a link of an entry out of range")?;
            let mut trace_id = [0; 16];
            trace_id.copy_from_slice(self.reader.bytes(16)?);
            links.push(Link { entry, trace_id });
        }
        Ok(links)
    }

    fn rescues(&mut self, entries: usize) -> Result<Vec<Rescue>, DecisionError> {
        let count = self.reader.count(RESCUE_BYTES_MIN)?;
        let mut rescues = Vec::with_capacity(count);
        for _ in 0..count {
            let entry = self
                .reader
                .index(entries, "a rescue of an entry out of range")?;
            let from_offset = self.reader.varint()?;
            let to_offset = self.reader.after(from_offset)?;
            rescues.push(Rescue {
                entry,
                from_offset,
                to_offset,
            });
        }
        Ok(rescues)
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
        promoted: None,
    }
}
