//! One walk for three signals: request → resource → scope → item, without a copy.
//!
//! `ExportTraceServiceRequest.resource_spans = 1`, `ResourceSpans {resource = 1, scope_spans = 2, schema_url = 3}`,
//! `ScopeSpans {scope = 1, spans = 2, schema_url = 3}`; logs and metrics use the same numbers.

use crate::wire::WireError;

/// What stands round the scopes of one resource: every field of `ResourceSpans` (or its sibling) but the scopes,
/// unknown ones and a `schema_url` behind the scopes included.
#[derive(Clone, Copy, Debug)]
pub struct ResourceHead<'a> {
    /// The whole `ResourceSpans` message; two heads with the same address are the same head.
    pub(crate) message: &'a [u8],
    /// Number of the resource within the request: consecutive items with the same number share the head.
    pub index: usize,
}

/// What stands round the items of one scope, as [`ResourceHead`].
#[derive(Clone, Copy, Debug)]
pub struct ScopeHead<'a> {
    pub(crate) message: &'a [u8],
    /// Number of the scope within the request (not within its resource).
    pub index: usize,
}

/// One span, log record or metric, with what it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub resource: ResourceHead<'a>,
    pub scope: ScopeHead<'a>,
    /// The item's message, without tag and length.
    pub body: &'a [u8],
}

impl<'a> ResourceHead<'a> {
    /// The `Resource` message; empty when absent.
    pub fn resource(&self) -> &'a [u8] {
        todo!("schemas")
    }
    /// The resource's attributes.
    pub fn attributes(&self) -> super::Attributes<'a> {
        todo!("schemas")
    }
    /// Appends all fields but the scopes, as they stand.
    pub fn write(&self, out: &mut Vec<u8>) {
        let _ = out;
        todo!("schemas")
    }
}

impl<'a> ScopeHead<'a> {
    /// The `InstrumentationScope` message; empty when absent.
    pub fn scope(&self) -> &'a [u8] {
        todo!("schemas")
    }
    /// Appends all fields but the items, as they stand.
    pub fn write(&self, out: &mut Vec<u8>) {
        let _ = out;
        todo!("schemas")
    }
}

/// Iterates over the items of one request of any signal. Checks all framing down to the items; bodies are checked
/// by their views. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    request: &'a [u8],
}

impl<'a> Items<'a> {
    pub fn new(request: &'a [u8]) -> Self {
        Self { request }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let _ = self.request;
        todo!("schemas")
    }
}
