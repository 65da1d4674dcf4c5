//! Packing: items of many requests become one request with each resource and scope once, by concatenation.
//!
//! Ingest packs per partition what arrives; the sampler regroups what it kept. Both want the same thing.

use bytes::Bytes;

use crate::otlp::{Item, ResourceHead, ScopeHead};

/// Gathers items and writes them as one OTLP request. Resources are equal when their heads' bytes are equal, scopes
/// when theirs are within an equal resource. Order of first appearance is kept, for resources, scopes and items.
#[derive(Debug, Default)]
pub struct Packer {}

impl Packer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a new source request: remembered head indexes (`ResourceHead::index`) lose their meaning.
    pub fn begin_source(&mut self) {
        todo!("schemas")
    }

    /// Adds one item. Repeated heads of one source are recognised by their index without a hash or comparison.
    pub fn push(&mut self, item: &Item<'_>) {
        let _: (ResourceHead<'_>, ScopeHead<'_>) = (item.resource, item.scope);
        todo!("schemas")
    }

    /// Number of items held.
    pub fn items(&self) -> usize {
        todo!("schemas")
    }

    /// An upper bound of the finished request's length in bytes.
    pub fn bytes(&self) -> usize {
        todo!("schemas")
    }

    pub fn is_empty(&self) -> bool {
        self.items() == 0
    }

    /// The request; the packer is empty afterwards and keeps its buffers.
    pub fn finish(&mut self) -> Bytes {
        todo!("schemas")
    }
}
