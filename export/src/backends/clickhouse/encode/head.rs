//! The columns that are the same for all items of a scope: encoded once, and copied into each row.

use schemas::otlp::{Attributes, Item, ResourceHead, ScopeHead};
use schemas::wire::{Field, Fields, WireError};

use super::rowbinary::{put_integer, put_map, put_text, put_value};
use crate::backends::clickhouse::schema::plan::Step;
use crate::backends::clickhouse::schema::source::Head;

const SERVICE_NAME: &[u8] = b"service.name";
/// `schema_url` of `ResourceSpans`, `ScopeSpans` and their siblings.
const SCHEMA_URL: u32 = 3;

/// The bytes of the scope that was last asked for.
#[derive(Default)]
pub struct HeadBytes<'a> {
    scope: Option<&'a [u8]>,
    bytes: Vec<u8>,
    resource: Option<&'a [u8]>,
    /// Of the resource, which mostly has several scopes.
    attributes: Vec<u8>,
    service_name: Vec<u8>,
}

/// `InstrumentationScope {name = 1, version = 2, attributes = 3, dropped_attributes_count = 4}`.
#[derive(Default)]
struct Scope<'a> {
    name: &'a [u8],
    version: &'a [u8],
    dropped_attributes: u32,
}

impl<'a> HeadBytes<'a> {
    /// The encoded columns of the item's scope.
    pub fn of(&mut self, item: &Item<'a>, steps: &[Step<Head>]) -> Result<&[u8], WireError> {
        let scope = item.scope.message();
        // Two heads at the same address are the same one: all records of a batch are in memory at once.
        if !self.scope.is_some_and(|known| std::ptr::eq(known, scope)) {
            self.scope = None;
            self.encode(item, steps)?;
            self.scope = Some(scope);
        }
        Ok(&self.bytes)
    }

    fn encode(&mut self, item: &Item<'a>, steps: &[Step<Head>]) -> Result<(), WireError> {
        let resource = item.resource.message();
        if !self
            .resource
            .is_some_and(|known| std::ptr::eq(known, resource))
        {
            self.resource = None;
            self.encode_resource(&item.resource)?;
            self.resource = Some(resource);
        }
        let scope = Scope::parse(item.scope.scope())?;
        let out = &mut self.bytes;
        out.clear();
        for Step { column, wire } in steps {
            match column {
                Head::ResourceAttributes => out.extend_from_slice(&self.attributes),
                Head::ServiceName => out.extend_from_slice(&self.service_name),
                Head::ResourceSchemaUrl => put_text(out, resource_url(&item.resource)?),
                Head::ScopeName => put_text(out, scope.name),
                Head::ScopeVersion => put_text(out, scope.version),
                Head::ScopeAttributes => put_map(out, item.scope.attributes())?,
                Head::ScopeDropped => put_integer(out, scope.dropped_attributes.into(), *wire),
                Head::ScopeSchemaUrl => put_text(out, scope_url(&item.scope)?),
            }
        }
        Ok(())
    }

    fn encode_resource(&mut self, resource: &ResourceHead<'a>) -> Result<(), WireError> {
        self.attributes.clear();
        put_map(&mut self.attributes, resource.attributes())?;
        self.service_name.clear();
        put_service_name(&mut self.service_name, resource.attributes())
    }
}

/// Of several the first, as the Collector has it.
fn put_service_name(out: &mut Vec<u8>, attributes: Attributes<'_>) -> Result<(), WireError> {
    for pair in attributes {
        let pair = pair?;
        if pair.key == SERVICE_NAME {
            return put_value(out, &pair.value);
        }
    }
    put_text(out, &[]);
    Ok(())
}

impl<'a> Scope<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, WireError> {
        let mut scope = Self::default();
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => scope.name = field.len_value()?,
                2 => scope.version = field.len_value()?,
                4 => scope.dropped_attributes = field.varint_value()? as u32,
                _ => {}
            }
        }
        Ok(scope)
    }
}

fn resource_url<'a>(head: &ResourceHead<'a>) -> Result<&'a [u8], WireError> {
    last_url(head.fields())
}

fn scope_url<'a>(head: &ScopeHead<'a>) -> Result<&'a [u8], WireError> {
    last_url(head.fields())
}

fn last_url<'a>(
    fields: impl Iterator<Item = Result<Field<'a>, WireError>>,
) -> Result<&'a [u8], WireError> {
    let mut url: &[u8] = &[];
    for field in fields {
        let field = field?;
        if field.number == SCHEMA_URL {
            url = field.len_value()?;
        }
    }
    Ok(url)
}
