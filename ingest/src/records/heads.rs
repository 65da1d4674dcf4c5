//! What the items of a request stand in: each resource and scope copied out once, without its items.
//!
//! The packs of up to all partitions look at a request's heads. Where they stand in the request, each look would walk over all
//! items between and behind them.

use schemas::otlp::{Fault, Item, ResourceHead, ScopeHead, check_resource, check_scope, head_hash};
use schemas::wire::WireError;
use schemas::{Signal, partition_of};

use super::stamp::Stamp;

/// The heads of one request that have items.
#[derive(Default)]
pub struct Heads {
    bytes: Vec<u8>,
    resources: Vec<Head>,
    scopes: Vec<Head>,
}

/// Where an item stands: indexes of its resource and scope.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    resource: u32,
    scope: u32,
}

struct Head {
    /// Its number in the request.
    index: usize,
    start: usize,
    end: usize,
    hash: u64,
    fault: Result<Option<Fault>, WireError>,
    /// A resource's partition, once somebody has asked for it.
    partition: Option<u32>,
}

/// Tags and lengths of a resource, a scope and an item, at most.
const FRAMES_MAX: usize = 3 * 6;

impl Heads {
    /// Copies and checks the item's heads, the resource's with its stamp, unless they are those of the item before.
    #[inline]
    pub fn enter(&mut self, signal: Signal, item: &Item<'_>, stamp: &Stamp) -> Place {
        if is_new(&self.resources, item.resource.index) {
            let start = self.bytes.len();
            item.resource.write(&mut self.bytes);
            stamp.apply(&mut self.bytes, start);
            let fault = check_resource(signal, &self.bytes[start..]);
            let head = Head::new(item.resource.index, &self.bytes, start, fault);
            self.resources.push(head);
        }
        if is_new(&self.scopes, item.scope.index) {
            let start = self.bytes.len();
            item.scope.write(&mut self.bytes);
            let fault = check_scope(signal, &self.bytes[start..]);
            let head = Head::new(item.scope.index, &self.bytes, start, fault);
            self.scopes.push(head);
        }
        Place {
            resource: self.resources.len() as u32 - 1,
            scope: self.scopes.len() as u32 - 1,
        }
    }

    /// The item with its heads.
    #[inline]
    pub fn item<'a>(&'a self, place: Place, body: &'a [u8]) -> Item<'a> {
        let (resource, scope) = self.both(place);
        Item {
            resource: ResourceHead::with_hash(
                &self.bytes[resource.start..resource.end],
                place.resource as usize,
                resource.hash,
            ),
            scope: ScopeHead::with_hash(
                &self.bytes[scope.start..scope.end],
                place.scope as usize,
                scope.hash,
            ),
            body,
        }
    }

    /// The bytes of a request that holds this item alone, at most.
    #[inline]
    pub fn alone_bytes(&self, place: Place, body: &[u8]) -> usize {
        let (resource, scope) = self.both(place);
        FRAMES_MAX + resource.end - resource.start + scope.end - scope.start + body.len()
    }

    /// What is wrong with the heads, and so with every item in them.
    #[inline]
    pub fn fault(&self, place: Place) -> Option<Fault> {
        let (resource, scope) = self.both(place);
        let fault = |head: &Head| head.fault.as_ref().ok().copied().flatten();
        fault(resource).or_else(|| fault(scope))
    }

    /// Why the heads are not protobuf of their types, if they aren't.
    #[inline]
    pub fn malformed(&self, place: Place) -> Option<&WireError> {
        let (resource, scope) = self.both(place);
        resource.fault.as_ref().err().or(scope.fault.as_ref().err())
    }

    /// The partition of everything in a resource that has no trace.
    pub fn partition(&mut self, place: Place, partitions: u32) -> u32 {
        let resource = &mut self.resources[place.resource as usize];
        let head = &self.bytes[resource.start..resource.end];
        *resource
            .partition
            .get_or_insert_with(|| partition_of(ResourceHead::new(head, 0).resource(), partitions))
    }

    #[inline]
    fn both(&self, place: Place) -> (&Head, &Head) {
        (
            &self.resources[place.resource as usize],
            &self.scopes[place.scope as usize],
        )
    }
}

impl Head {
    /// The head that was written from `start` on.
    fn new(
        index: usize,
        written: &[u8],
        start: usize,
        fault: Result<Option<Fault>, WireError>,
    ) -> Self {
        Self {
            index,
            start,
            end: written.len(),
            hash: head_hash(&written[start..]),
            fault,
            partition: None,
        }
    }
}

/// Items come in the order of the request, so the last head is the current one.
#[inline]
fn is_new(heads: &[Head], index: usize) -> bool {
    heads.last().is_none_or(|head| head.index != index)
}
