//! Packing what was left of a request, each item with the resource and the scope that it has now.

use bytes::Bytes;
use schemas::otlp::{Item, Items, ResourceHead, ScopeHead};
use schemas::pack::Packer;

use super::{Draft, HeadChanges};
use crate::value::Result;

/// Items on their way into a request of their own.
#[derive(Debug, Default)]
pub struct Packed {
    packer: Packer,
    body: Vec<u8>,
    resource: Vec<u8>,
    scope: Vec<u8>,
    /// Of the heads in `resource` and `scope`: the number of the scope that they were made of, and its changes.
    head: Option<(usize, HeadChanges, HeadChanges)>,
    /// Heads that were made.
    made: usize,
}

impl Packed {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.packer.clear();
        (self.head, self.made) = (None, 0);
    }

    /// Begins with so many items as they came.
    pub fn begin(&mut self, record: &[u8], items: usize) {
        self.clear();
        self.packer.begin_source();
        for item in Items::new(record).take(items).map_while(Result::ok) {
            self.packer.push(&as_it_came(&item, item.body));
        }
    }

    /// An item as `draft` has it now, with its heads' changes (see [`Draft::heads`]); `suffix` is appended to its body.
    ///
    /// # Errors
    /// It can't be read.
    pub fn push(
        &mut self,
        item: &Item<'_>,
        draft: &Draft<'_>,
        (resource, scope): (&HeadChanges, &HeadChanges),
        suffix: &[u8],
    ) -> Result<()> {
        let body = match draft.is_item_changed() {
            true => {
                self.body.clear();
                draft.write_item(&mut self.body)?;
                &self.body[..]
            }
            false => item.body,
        };
        if resource.is_empty() && scope.is_empty() {
            self.packer
                .push_with_suffix(&as_it_came(item, body), suffix);
            return Ok(());
        }
        let is_known =
            |(number, known_resource, known_scope): &(usize, HeadChanges, HeadChanges)| {
                *number == item.scope.index
                    && known_resource.is_copy_of(resource)
                    && known_scope.is_copy_of(scope)
            };
        if !self.head.as_ref().is_some_and(is_known) {
            self.resource.clear();
            self.scope.clear();
            draft.write_resource(&mut self.resource)?;
            draft.write_scope(&mut self.scope)?;
            self.head = Some((item.scope.index, resource.clone(), scope.clone()));
            self.made += 1;
        }
        // Odd numbers, where heads that are as they came have even ones.
        let index = 2 * self.made + 1;
        let item = Item {
            resource: ResourceHead::new(&self.resource, index),
            scope: ScopeHead::new(&self.scope, index),
            body,
        };
        self.packer.push_with_suffix(&item, suffix);
        Ok(())
    }

    /// An item as it came, with `suffix` appended to its body.
    pub fn push_as_it_came(&mut self, item: &Item<'_>, suffix: &[u8]) {
        self.packer
            .push_with_suffix(&as_it_came(item, item.body), suffix);
    }

    /// What was packed, in bytes, or a little more.
    pub fn bytes(&self) -> usize {
        self.packer.bytes()
    }

    /// The number of each item among those that were pushed, in the order in which they stand in the record.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        self.packer.order()
    }

    /// The request; begins anew.
    pub fn finish(&mut self) -> Bytes {
        let record = self.packer.finish();
        self.clear();
        record
    }
}

fn as_it_came<'a>(item: &Item<'a>, body: &'a [u8]) -> Item<'a> {
    Item {
        resource: ResourceHead::new(item.resource.message(), 2 * item.resource.index),
        scope: ScopeHead::new(item.scope.message(), 2 * item.scope.index),
        body,
    }
}
