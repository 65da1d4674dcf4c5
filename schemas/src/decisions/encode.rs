//! Writes a decision batch, version 2 to 5.

use bytes::Bytes;
use hashbrown::HashMap;

use super::{Decision, DecisionBatch, Link, Verdict, flags, keys, named};
use crate::wire::put_varint;

const VERSION: u8 = 2;
/// Version 2, and behind it what the statistics were asked.
const WITH_STATISTICS: u8 = 3;
/// Version 3, maybe without statistics, and behind it whose traces the entries are about.
const WITH_TENANTS: u8 = 4;
/// Version 4, maybe without tenants, and behind it the attributes that are promoted.
const WITH_PROMOTED: u8 = 5;

impl DecisionBatch {
    /// The record value: version byte, dictionaries, columns, and what few entries have.
    ///
    /// Indexes of the entries must lie within their lists: [`Self::decode`] refuses others.
    pub fn encode(&self) -> Bytes {
        // 16 for the id, and what the other columns take where neighbours resemble each other.
        let mut out = Vec::with_capacity(64 + self.entries.len() * 40);
        let version = self.version();
        out.push(version);
        put_varint(&mut out, self.generation);
        put_names(&mut out, &self.policies);
        put_names(&mut out, &self.strings);
        put_varint(&mut out, self.match_sets.len() as u64);
        for set in &self.match_sets {
            put_all(
                &mut out,
                std::iter::once(set.len() as u64).chain(set.iter().map(|&at| at.into())),
            );
        }
        let shapes = self.put_shapes(&mut out);
        self.put_columns(&mut out, &shapes);
        put_links(&mut out, &self.links);
        put_links(&mut out, &self.sources);
        put_varint(&mut out, self.rescues.len() as u64);
        for rescue in &self.rescues {
            let (from, to) = (rescue.from_offset, rescue.to_offset);
            put_all(&mut out, [rescue.entry.into(), from]);
            put_difference(&mut out, from, to);
        }
        if version >= WITH_STATISTICS {
            keys::put(&mut out, &self.statistics, &self.keys);
        }
        if version >= WITH_TENANTS {
            let tenants = self.entries.iter().map(|entry| entry.tenant);
            named::put(&mut out, &self.tenants, tenants);
        }
        if version >= WITH_PROMOTED {
            let promoted = self.entries.iter().map(|entry| entry.promoted);
            named::put(&mut out, &self.promoted, promoted);
        }
        Bytes::from(out)
    }

    /// The lowest that has all that is to be said.
    fn version(&self) -> u8 {
        match () {
            () if !self.promoted.is_empty() => WITH_PROMOTED,
            () if !self.tenants.is_empty() => WITH_TENANTS,
            () if !self.statistics.is_empty() => WITH_STATISTICS,
            () => VERSION,
        }
    }

    /// Few shapes are common: each stands once. The index of each entry's.
    fn put_shapes(&self, out: &mut Vec<u8>) -> Vec<u64> {
        let mut shapes: Vec<u64> = Vec::new();
        let mut known: HashMap<u64, u64> = HashMap::new();
        let indexes = self.entries.iter().map(|entry| {
            *known.entry(entry.shape).or_insert_with(|| {
                shapes.push(entry.shape);
                shapes.len() as u64 - 1
            })
        });
        let indexes = indexes.collect();
        put_varint(out, shapes.len() as u64);
        for shape in shapes {
            out.extend_from_slice(&shape.to_le_bytes());
        }
        indexes
    }

    fn put_columns(&self, out: &mut Vec<u8>, shapes: &[u64]) {
        let entries = || self.entries.iter();
        put_varint(out, self.entries.len() as u64);
        for entry in entries() {
            out.extend_from_slice(&entry.trace_id);
        }
        out.extend(entries().map(flags_of));
        put_all(
            out,
            entries().filter_map(|entry| entry.policy.map(u64::from)),
        );
        put_all(out, entries().map(|entry| entry.match_set.into()));
        put_deltas(out, entries().map(|entry| entry.threshold));
        put_all(out, entries().filter_map(|entry| entry.randomness));
        put_deltas(out, entries().map(|entry| entry.first_offset));
        for entry in entries() {
            put_difference(out, entry.first_offset, entry.last_offset);
        }
        put_deltas(out, entries().map(|entry| entry.time_ms));
        put_all(out, entries().map(|entry| entry.spans.into()));
        put_all(out, entries().map(|entry| entry.errors.into()));
        put_all(out, entries().map(|entry| entry.bytes));
        put_all(out, entries().map(|entry| entry.duration_us));
        put_all(out, shapes.iter().copied());
        let services = entries().filter_map(|entry| entry.root_service);
        put_all(out, services.map(u64::from));
        let operations = entries().filter_map(|entry| entry.root_operation);
        put_all(out, operations.map(u64::from));
    }
}

fn flags_of(entry: &Decision) -> u8 {
    let mut flags = (entry.kind as u8) << flags::KIND_SHIFT;
    let mut set = |condition, flag| {
        if condition {
            flags |= flag;
        }
    };
    set(entry.verdict == Verdict::Keep, flags::KEEP);
    set(entry.policy.is_some(), flags::POLICY);
    set(entry.root_service.is_some(), flags::SERVICE);
    set(entry.root_operation.is_some(), flags::OPERATION);
    set(entry.randomness.is_some(), flags::RANDOMNESS);
    set(entry.is_final, flags::FINAL);
    flags
}

fn put_names(out: &mut Vec<u8>, names: &[String]) {
    put_varint(out, names.len() as u64);
    for name in names {
        put_varint(out, name.len() as u64);
        out.extend_from_slice(name.as_bytes());
    }
}

fn put_links(out: &mut Vec<u8>, links: &[Link]) {
    put_varint(out, links.len() as u64);
    for link in links {
        put_varint(out, link.entry.into());
        out.extend_from_slice(&link.trace_id);
    }
}

fn put_all(out: &mut Vec<u8>, values: impl IntoIterator<Item = u64>) {
    values.into_iter().for_each(|value| put_varint(out, value));
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
