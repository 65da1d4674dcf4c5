//! Packing what steps have left of a record, each item with the resource and the scope that it has now.

use bytes::Bytes;
use ottl::{Draft, HeadChanges};
use schemas::otlp::{Item, Items, ResourceHead, ScopeHead};
use schemas::pack::Packer;

use super::reason::Reason;

/// Items on their way into a record of their own.
#[derive(Debug, Default)]
pub(super) struct Packed {
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
    pub(super) fn clear(&mut self) {
        self.packer.clear();
        (self.head, self.made) = (None, 0);
    }

    /// Begins with so many items as they came.
    pub(super) fn begin(&mut self, record: &[u8], items: usize) {
        self.clear();
        self.packer.begin_source();
        for item in Items::new(record).take(items).map_while(Result::ok) {
            self.packer.push(&as_it_came(&item, item.body));
        }
    }

    pub(super) fn push(
        &mut self,
        item: &Item<'_>,
        draft: &Draft<'_>,
        resource: &HeadChanges,
        scope: &HeadChanges,
    ) -> Result<(), Reason> {
        let body = match draft.is_item_changed() {
            true => {
                self.body.clear();
                draft
                    .write_item(&mut self.body)
                    .map_err(Reason::Unreadable)?;
                &self.body[..]
            }
            false => item.body,
        };
        if resource.is_empty() && scope.is_empty() {
            self.packer.push(&as_it_came(item, body));
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
            draft
                .write_resource(&mut self.resource)
                .map_err(Reason::Unreadable)?;
            draft
                .write_scope(&mut self.scope)
                .map_err(Reason::Unreadable)?;
            self.head = Some((item.scope.index, resource.clone(), scope.clone()));
            self.made += 1;
        }
        // Odd numbers, where heads that are as they came have even ones.
        let index = 2 * self.made + 1;
        self.packer.push(&Item {
            resource: ResourceHead::new(&self.resource, index),
            scope: ScopeHead::new(&self.scope, index),
            body,
        });
        Ok(())
    }

    /// What was packed, in bytes, or a little more.
    pub(super) fn bytes(&self) -> usize {
        self.packer.bytes()
    }

    /// The number of each item among those that were pushed, in the order in which they stand in the record.
    pub(super) fn order(&self) -> impl Iterator<Item = usize> {
        self.packer.order()
    }

    pub(super) fn finish(&mut self) -> Bytes {
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
