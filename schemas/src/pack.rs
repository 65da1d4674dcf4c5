//! Packing: items of many requests become one request with each resource and scope once, by concatenation.
//!
//! Ingest packs per partition what arrives; the sampler regroups what it kept. Both want the same thing.
//!
//! Items are copied once into one buffer as they come and once into the request, scope by scope. Items of one scope that
//! come one after the other form a *run* in the buffer, so that the second copy moves runs, not items. Nothing is allocated
//! per item; all buffers are kept from one request to the next.
//!
//! ```
//! use schemas::Signal;
//! use schemas::json::{from_protobuf, to_protobuf};
//! use schemas::otlp::Items;
//! use schemas::pack::Packer;
//!
//! let mut packer = Packer::new();
//! for name in ["a", "b"] {
//!     let json = format!(r#"{{"resourceSpans": [{{"schemaUrl": "r", "scopeSpans": [{{"spans": [{{"name": "{name}"}}]}}]}}]}}"#);
//!     let request = to_protobuf(Signal::Traces, json.as_bytes())?;
//!     packer.begin_source();
//!     for item in Items::new(&request) {
//!         packer.push(&item?);
//!     }
//! }
//! let mut json = Vec::new();
//! from_protobuf(Signal::Traces, &packer.finish(), &mut json)?;
//! assert_eq!(
//!     String::from_utf8(json)?,
//!     r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":"b"}]}],"schemaUrl":"r"}]}"#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use bytes::Bytes;
use hashbrown::HashTable;

use crate::otlp::{CHILDREN, Item, RESOURCES};
use crate::wire::{put_tag, put_varint, varint_len};

/// No group or run: the end of a list, or a head that was not yet seen.
const NONE: u32 = u32::MAX;
/// What a tag and a length take at most: one byte and five (lengths stay far below 2^35).
const FRAME_MAX: usize = 6;
/// Kept buffers that are larger than this and four times larger than needed give memory back.
const KEEP_BYTES: usize = 1 << 20;

/// Gathers items and writes them as one OTLP request. Resources are equal when their heads' bytes are equal, scopes
/// when theirs are within an equal resource. Order of first appearance is kept, for resources, scopes and items.
#[derive(Debug, Default)]
pub struct Packer {
    /// Heads of all groups, one behind the other.
    heads: Vec<u8>,
    /// Items with tag and length, one behind the other.
    bodies: Vec<u8>,
    resources: Vec<Group>,
    scopes: Vec<Group>,
    runs: Vec<Run>,
    by_resource_head: HashTable<u32>,
    by_scope_head: HashTable<u32>,
    /// Of the current source: the group of each head index, or [`NONE`].
    source_resources: Vec<u32>,
    source_scopes: Vec<u32>,
    /// A head that stands among its children, without them.
    scratch: Vec<u8>,
    items: usize,
    bytes: usize,
}

/// A resource or a scope.
#[derive(Debug)]
struct Group {
    hash: u64,
    /// A scope's resource; 0 for resources.
    parent: u32,
    /// Where its head stands in `heads`.
    head: (usize, usize),
    /// A resource's scopes, a scope's runs: a list through `next`.
    first: u32,
    last: u32,
    /// The next scope of the same resource.
    next: u32,
    /// Bytes of the scope's items with tags and lengths.
    bodies: usize,
}

#[derive(Debug)]
struct Run {
    start: usize,
    end: usize,
    next: u32,
    /// How many items were pushed before those of the run.
    first_item: u32,
}

impl Packer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a new source request: remembered head indexes (`ResourceHead::index`) lose their meaning.
    pub fn begin_source(&mut self) {
        self.source_resources.clear();
        self.source_scopes.clear();
    }

    /// Adds one item. Repeated heads of one source are recognised by their index without a hash or comparison.
    #[inline]
    pub fn push(&mut self, item: &Item<'_>) {
        self.push_with_suffix(item, &[]);
    }

    /// Adds one item with encoded fields appended to its body: for a scalar field the last value wins, repeated fields
    /// accumulate.
    pub fn push_with_suffix(&mut self, item: &Item<'_>, suffix: &[u8]) {
        let scope = match self.source_scopes.get(item.scope.index) {
            Some(&scope) if scope != NONE => scope,
            _ => self.enter_scope(item),
        };
        let start = self.bodies.len();
        put_tag(&mut self.bodies, CHILDREN, 2);
        put_varint(&mut self.bodies, (item.body.len() + suffix.len()) as u64);
        self.bodies.extend_from_slice(item.body);
        self.bodies.extend_from_slice(suffix);
        let end = self.bodies.len();
        self.items += 1;
        self.bytes += end - start;

        let next_run = self.runs.len() as u32;
        let group = &mut self.scopes[scope as usize];
        group.bodies += end - start;
        match self.runs.get_mut(group.last as usize) {
            Some(run) if run.end == start => {
                run.end = end;
                return;
            }
            Some(run) => run.next = next_run,
            None => group.first = next_run,
        }
        group.last = next_run;
        self.runs.push(Run {
            start,
            end,
            next: NONE,
            first_item: (self.items - 1) as u32,
        });
    }

    /// The number of each item among those that were pushed, in the order in which they stand in the finished request.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        let scopes = self
            .resources
            .iter()
            .flat_map(|resource| numbers(&self.scopes, resource.first, |scope| scope.next));
        let runs =
            scopes.flat_map(|scope| numbers(&self.runs, self.scopes[scope].first, |run| run.next));
        runs.flat_map(|run| {
            let next = self
                .runs
                .get(run + 1)
                .map_or(self.items, |next| next.first_item as usize);
            self.runs[run].first_item as usize..next
        })
    }

    /// Number of items held.
    pub fn items(&self) -> usize {
        self.items
    }

    /// An upper bound of the finished request's length in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What the buffers take that are kept from one request to the next, in bytes.
    pub fn buffers_bytes(&self) -> usize {
        self.heads.capacity()
            + self.bodies.capacity()
            + self.scratch.capacity()
            + (self.resources.capacity() + self.scopes.capacity()) * size_of::<Group>()
            + self.runs.capacity() * size_of::<Run>()
            + (self.source_resources.capacity() + self.source_scopes.capacity()) * size_of::<u32>()
            + self.by_resource_head.allocation_size()
            + self.by_scope_head.allocation_size()
    }

    pub fn is_empty(&self) -> bool {
        self.items() == 0
    }

    /// The request; the packer is empty afterwards and keeps its buffers.
    pub fn finish(&mut self) -> Bytes {
        let mut out = Vec::with_capacity(self.bytes);
        for resource in &self.resources {
            let scopes = || list(&self.scopes, resource.first, |scope| scope.next);
            let inner: usize = scopes()
                .map(|scope| {
                    let length = scope.len();
                    1 + varint_len(length as u64) + length
                })
                .sum();
            put_tag(&mut out, RESOURCES, 2);
            put_varint(&mut out, (head_len(resource) + inner) as u64);
            out.extend_from_slice(&self.heads[resource.head.0..resource.head.1]);
            for scope in scopes() {
                put_tag(&mut out, CHILDREN, 2);
                put_varint(&mut out, scope.len() as u64);
                out.extend_from_slice(&self.heads[scope.head.0..scope.head.1]);
                for run in list(&self.runs, scope.first, |run| run.next) {
                    out.extend_from_slice(&self.bodies[run.start..run.end]);
                }
            }
        }
        debug_assert!(out.len() <= self.bytes);
        self.clear();
        Bytes::from(out)
    }

    /// Forgets what is held and begins a new source; buffers are kept.
    pub fn clear(&mut self) {
        for buffer in [&mut self.heads, &mut self.bodies, &mut self.scratch] {
            if buffer.capacity() > KEEP_BYTES.max(4 * buffer.len()) {
                buffer.shrink_to(2 * buffer.len());
            }
            buffer.clear();
        }
        self.resources.clear();
        self.scopes.clear();
        self.runs.clear();
        self.by_resource_head.clear();
        self.by_scope_head.clear();
        self.begin_source();
        self.items = 0;
        self.bytes = 0;
    }

    /// The group of a scope that this source did not have yet.
    #[cold]
    fn enter_scope(&mut self, item: &Item<'_>) -> u32 {
        let mut scratch = std::mem::take(&mut self.scratch);
        let resource = match self.source_resources.get(item.resource.index) {
            Some(&resource) if resource != NONE => resource,
            _ => {
                let (head, hash) = item.resource.hashed(&mut scratch);
                let resource = self.enter_resource_head(head, hash);
                remember(&mut self.source_resources, item.resource.index, resource);
                resource
            }
        };
        let (head, hash) = item.scope.hashed(&mut scratch);
        let scope = self.enter_scope_head(head, hash, resource);
        remember(&mut self.source_scopes, item.scope.index, scope);
        self.scratch = scratch;
        scope
    }

    fn enter_resource_head(&mut self, head: &[u8], hash: u64) -> u32 {
        let found = self.by_resource_head.find(hash, |&index| {
            let group = &self.resources[index as usize];
            group.hash == hash && self.heads[group.head.0..group.head.1] == *head
        });
        if let Some(&index) = found {
            return index;
        }
        let index = self.resources.len() as u32;
        let group = self.group(head, hash, 0);
        self.resources.push(group);
        self.by_resource_head
            .insert_unique(hash, index, |&index| self.resources[index as usize].hash);
        index
    }

    /// As [`Self::enter_resource_head`], and links a new scope to its resource.
    fn enter_scope_head(&mut self, head: &[u8], hash: u64, resource: u32) -> u32 {
        // The same scope stands in many resources.
        let hash = hash ^ (u64::from(resource) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let found = self.by_scope_head.find(hash, |&index| {
            let group = &self.scopes[index as usize];
            group.hash == hash
                && group.parent == resource
                && self.heads[group.head.0..group.head.1] == *head
        });
        if let Some(&index) = found {
            return index;
        }
        let index = self.scopes.len() as u32;
        let group = self.group(head, hash, resource);
        self.scopes.push(group);
        self.by_scope_head
            .insert_unique(hash, index, |&index| self.scopes[index as usize].hash);
        let resource = &mut self.resources[resource as usize];
        match self.scopes.get_mut(resource.last as usize) {
            Some(previous) => previous.next = index,
            None => resource.first = index,
        }
        resource.last = index;
        index
    }

    fn group(&mut self, head: &[u8], hash: u64, parent: u32) -> Group {
        let start = self.heads.len();
        self.heads.extend_from_slice(head);
        self.bytes += head.len() + FRAME_MAX;
        Group::new(hash, parent, (start, self.heads.len()))
    }
}

impl Group {
    fn new(hash: u64, parent: u32, head: (usize, usize)) -> Self {
        Self {
            hash,
            parent,
            head,
            first: NONE,
            last: NONE,
            next: NONE,
            bodies: 0,
        }
    }

    /// Length of a scope's message.
    fn len(&self) -> usize {
        head_len(self) + self.bodies
    }
}

fn head_len(group: &Group) -> usize {
    group.head.1 - group.head.0
}

/// Walks a list through the entries of `all`.
fn list<T>(all: &[T], first: u32, next: impl Fn(&T) -> u32) -> impl Iterator<Item = &T> {
    numbers(all, first, next).map(|at| &all[at])
}

/// The same, by their numbers.
fn numbers<T>(all: &[T], first: u32, next: impl Fn(&T) -> u32) -> impl Iterator<Item = usize> {
    let mut at = first;
    std::iter::from_fn(move || {
        let number = at as usize;
        at = next(all.get(number)?);
        Some(number)
    })
}

fn remember(groups: &mut Vec<u32>, index: usize, group: u32) {
    if groups.len() <= index {
        groups.resize(index + 1, NONE);
    }
    groups[index] = group;
}
