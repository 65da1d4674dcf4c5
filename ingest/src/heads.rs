//! What the items of a request stand in: each resource and scope copied out once, without its items.
//!
//! The packs of up to all partitions look at a request's heads. Where they stand in the request, each look would walk over all
//! items between and behind them.

use schemas::otlp::{Item, ResourceHead, ScopeHead};
use schemas::wire::WireError;
use schemas::{Signal, partition_of};

use crate::check::{self, Fault};

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
    fault: Option<Fault>,
    /// A resource's partition, once somebody has asked for it.
    partition: Option<u32>,
}

/// Tags and lengths of a resource, a scope and an item, at most.
const FRAMES_MAX: usize = 3 * 6;

impl Heads {
    /// Copies and checks the item's heads, unless they are those of the item before.
    ///
    /// # Errors
    /// A head is not protobuf of its type.
    #[inline]
    pub fn enter(&mut self, signal: Signal, item: &Item<'_>) -> Result<Place, WireError> {
        if is_new(&self.resources, item.resource.index) {
            let start = self.bytes.len();
            item.resource.write(&mut self.bytes);
            let fault = check::resource_head(signal, &self.bytes[start..])?;
            self.resources.push(Head::new(
                item.resource.index,
                start,
                self.bytes.len(),
                fault,
            ));
        }
        if is_new(&self.scopes, item.scope.index) {
            let start = self.bytes.len();
            item.scope.write(&mut self.bytes);
            let fault = check::scope_head(signal, &self.bytes[start..])?;
            self.scopes
                .push(Head::new(item.scope.index, start, self.bytes.len(), fault));
        }
        Ok(Place {
            resource: self.resources.len() as u32 - 1,
            scope: self.scopes.len() as u32 - 1,
        })
    }

    /// The item with its heads.
    #[inline]
    pub fn item<'a>(&'a self, place: Place, body: &'a [u8]) -> Item<'a> {
        let (resource, scope) = self.both(place);
        Item {
            resource: ResourceHead::new(
                &self.bytes[resource.start..resource.end],
                place.resource as usize,
            ),
            scope: ScopeHead::new(&self.bytes[scope.start..scope.end], place.scope as usize),
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
        resource.fault.or(scope.fault)
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
    fn new(index: usize, start: usize, end: usize, fault: Option<Fault>) -> Self {
        Self {
            index,
            start,
            end,
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
