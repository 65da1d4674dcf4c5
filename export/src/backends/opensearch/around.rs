//! What stands round the items of a scope, written once for all of them.

use schemas::json::plain::Plain;
use schemas::otlp::Item;
use schemas::wire::WireError;

/// Writes members, each with a comma before it.
pub type WriteMembers<'a> = fn(&mut Plain<'a>, &Item<'a>, &mut Vec<u8>) -> Result<(), WireError>;

/// The members of documents that say what their items came from.
#[derive(Debug, Default)]
pub struct Around {
    /// The number of the resource and of the scope within the record; `None`: nothing is written yet.
    of: Option<(usize, usize)>,
    resource: Vec<u8>,
    scope: Vec<u8>,
}

impl Around {
    /// Another record begins.
    pub fn begin_record(&mut self) {
        self.of = None;
    }

    /// Goes to the scope of an item: where it is another one, `scope` writes its members, and `resource` those of its resource.
    ///
    /// # Errors
    /// They can't be written.
    pub fn enter<'a>(
        &mut self,
        item: &Item<'a>,
        plain: &mut Plain<'a>,
        resource: WriteMembers<'a>,
        scope: WriteMembers<'a>,
    ) -> Result<(), WireError> {
        let of = (item.resource.index, item.scope.index);
        if self.of == Some(of) {
            return Ok(());
        }
        if self.of.is_none_or(|(index, _)| index != of.0) {
            self.resource.clear();
            resource(plain, item, &mut self.resource)?;
        }
        self.scope.clear();
        scope(plain, item, &mut self.scope)?;
        self.of = Some(of);
        Ok(())
    }

    /// Appends them.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.resource);
        out.extend_from_slice(&self.scope);
    }
}
