//! The columns that all signals have: whose an item is, and what it stands in. Pure.

use schemas::otlp::{Item, ResourceRest, ScopeRest};
use schemas::wire::WireError;

use super::leaf::{Leaf, Map, Texts, Values};

const SERVICE_NAME: &[u8] = b"service.name";

/// Their schema.
pub const SCHEMA: &str = "
    REQUIRED BYTE_ARRAY Tenant (STRING);
    REQUIRED BYTE_ARRAY ServiceName (STRING);
    REQUIRED BYTE_ARRAY ResourceSchemaUrl (STRING);
    REQUIRED group ResourceAttributes (MAP) { REPEATED group key_value {
        REQUIRED BYTE_ARRAY key (STRING); REQUIRED BYTE_ARRAY value (STRING); } }
    REQUIRED BYTE_ARRAY ScopeName (STRING);
    REQUIRED BYTE_ARRAY ScopeVersion (STRING);
    REQUIRED BYTE_ARRAY ScopeSchemaUrl (STRING);
    REQUIRED group ScopeAttributes (MAP) { REPEATED group key_value {
        REQUIRED BYTE_ARRAY key (STRING); REQUIRED BYTE_ARRAY value (STRING); } }
    REQUIRED INT32 ScopeDroppedAttrCount (INTEGER(32,false));
";

#[derive(Default)]
pub struct Head<'a> {
    tenant: Texts,
    service_name: Texts,
    resource_url: Texts,
    resource_attributes: Map,
    scope_name: Texts,
    scope_version: Texts,
    scope_url: Texts,
    scope_attributes: Map,
    scope_dropped: Vec<i32>,
    /// Of the row before: the scope's bytes and the tenant.
    last: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Head<'a> {
    pub fn push(&mut self, item: &Item<'a>, tenant: &'a [u8]) -> Result<(), WireError> {
        let scope = item.scope.message();
        // Two heads at the same address are the same one: all records of a batch are in memory at once.
        let is_same = |(known, of): (&[u8], &[u8])| std::ptr::eq(known, scope) && of == tenant;
        if self.last.is_some_and(is_same) {
            self.repeat();
            return Ok(());
        }
        self.last = None;
        let (of_resource, of_scope) = (
            ResourceRest::of(&item.resource)?,
            ScopeRest::of(&item.scope)?,
        );
        self.tenant.push(tenant);
        let mut attributes = item.resource.attributes();
        let service = loop {
            match attributes.next() {
                Some(pair) => {
                    let pair = pair?;
                    if pair.key == SERVICE_NAME {
                        break Some(pair.value);
                    }
                }
                None => break None,
            }
        };
        match service {
            Some(value) => self.service_name.push_value(&value)?,
            None => self.service_name.push(&[]),
        }
        self.resource_url.push(of_resource.schema_url);
        self.resource_attributes
            .push((0, 0), item.resource.attributes())?;
        self.scope_name.push(of_scope.name);
        self.scope_version.push(of_scope.version);
        self.scope_url.push(of_scope.schema_url);
        self.scope_attributes
            .push((0, 0), item.scope.attributes())?;
        self.scope_dropped
            .push(of_scope.dropped_attributes_count as i32);
        self.last = Some((scope, tenant));
        Ok(())
    }

    fn repeat(&mut self) {
        for texts in [
            &mut self.tenant,
            &mut self.service_name,
            &mut self.resource_url,
            &mut self.scope_name,
            &mut self.scope_version,
            &mut self.scope_url,
        ] {
            texts.repeat(1);
        }
        self.resource_attributes.repeat();
        self.scope_attributes.repeat();
        let dropped = self.scope_dropped.last().copied();
        self.scope_dropped.extend(dropped);
    }

    /// In the order of the schema.
    pub fn leaves(&mut self) -> Vec<Leaf<'_>> {
        let mut leaves = vec![
            Leaf::plain(Values::Texts(&mut self.tenant)),
            Leaf::plain(Values::Texts(&mut self.service_name)),
            Leaf::plain(Values::Texts(&mut self.resource_url)),
        ];
        leaves.extend(self.resource_attributes.leaves());
        leaves.extend([
            Leaf::plain(Values::Texts(&mut self.scope_name)),
            Leaf::plain(Values::Texts(&mut self.scope_version)),
            Leaf::plain(Values::Texts(&mut self.scope_url)),
        ]);
        leaves.extend(self.scope_attributes.leaves());
        leaves.push(Leaf::plain(Values::Ints(&mut self.scope_dropped)));
        leaves
    }
}
