//! One walk for three signals: request → resource → scope → item, without a copy.
//!
//! `ExportTraceServiceRequest.resource_spans = 1`, `ResourceSpans {resource = 1, scope_spans = 2, schema_url = 3}`,
//! `ScopeSpans {scope = 1, spans = 2, schema_url = 3}`; logs and metrics use the same numbers.

use xxhash_rust::xxh3::xxh3_64;

use super::Attributes;
use crate::wire::{Field, Fields, WireError};

/// `ExportTraceServiceRequest.resource_spans`.
pub(crate) const RESOURCES: u32 = 1;
/// `ResourceSpans.scope_spans` and `ScopeSpans.spans`.
pub(crate) const CHILDREN: u32 = 2;
/// `ResourceSpans.resource` and `ScopeSpans.scope`.
const HEAD: u32 = 1;
/// `schema_url` of both.
const SCHEMA_URL: u32 = 3;

/// What stands round the scopes of one resource: every field of `ResourceSpans` (or its sibling) but the scopes,
/// unknown ones and a `schema_url` behind the scopes included.
#[derive(Clone, Copy, Debug)]
pub struct ResourceHead<'a> {
    /// The whole `ResourceSpans` message.
    message: &'a [u8],
    /// Number of the resource within the request: consecutive items with the same number share the head.
    pub index: usize,
    /// The hash of `message` where that is the head alone.
    hash: Option<u64>,
}

/// What stands round the items of one scope, as [`ResourceHead`].
#[derive(Clone, Copy, Debug)]
pub struct ScopeHead<'a> {
    message: &'a [u8],
    /// Number of the scope within the request (not within its resource).
    pub index: usize,
    /// The hash of `message` where that is the head alone.
    hash: Option<u64>,
}

/// One span, log record or metric, with what it stands in.
///
/// A changed item is made with `Item { body: &changed, ..item }`.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    pub resource: ResourceHead<'a>,
    pub scope: ScopeHead<'a>,
    /// The item's message, without tag and length.
    pub body: &'a [u8],
}

impl<'a> ResourceHead<'a> {
    /// A head made of an encoded `ResourceSpans` message, with or without scopes in it: for stages that change heads.
    pub fn new(message: &'a [u8], index: usize) -> Self {
        Self {
            message,
            index,
            hash: None,
        }
    }

    /// A head without scopes whose hash is known: who packs its items to many places has it hashed once, by [`head_hash`].
    pub fn with_hash(head: &'a [u8], index: usize, hash: u64) -> Self {
        Self {
            message: head,
            index,
            hash: Some(hash),
        }
    }

    /// The head without scopes, and its hash; `scratch` is for what has to be put together.
    pub(crate) fn hashed<'b>(&self, scratch: &'b mut Vec<u8>) -> (&'b [u8], u64)
    where
        'a: 'b,
    {
        hashed(self.message, self.hash, scratch)
    }

    /// The message that the head was made of: a whole `ResourceSpans`, or the head alone. Two heads with the same address are the same head.
    #[inline]
    pub fn message(&self) -> &'a [u8] {
        self.message
    }

    /// The `Resource` message; empty when absent, the last one when it appears several times.
    pub fn resource(&self) -> &'a [u8] {
        last_head(self.message)
    }

    /// The resource's attributes, those of all its appearances.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::within(self.message, HEAD, 1)
    }

    /// All fields but the scopes, as they stand.
    pub fn fields(&self) -> impl Iterator<Item = Result<Field<'a>, WireError>> + use<'a> {
        head_fields(self.message)
    }

    /// Appends all fields but the scopes, as they stand. Stops at malformed framing, which [`Items`] reports when it
    /// gets there.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_head(self.message, out);
    }
}

impl<'a> ScopeHead<'a> {
    /// A head made of an encoded `ScopeSpans` message, with or without items in it: for stages that change heads.
    pub fn new(message: &'a [u8], index: usize) -> Self {
        Self {
            message,
            index,
            hash: None,
        }
    }

    /// A head without items whose hash is known: who packs its items to many places has it hashed once, by [`head_hash`].
    pub fn with_hash(head: &'a [u8], index: usize, hash: u64) -> Self {
        Self {
            message: head,
            index,
            hash: Some(hash),
        }
    }

    /// The head without items, and its hash; `scratch` is for what has to be put together.
    pub(crate) fn hashed<'b>(&self, scratch: &'b mut Vec<u8>) -> (&'b [u8], u64)
    where
        'a: 'b,
    {
        hashed(self.message, self.hash, scratch)
    }

    /// The message that the head was made of, as [`ResourceHead::message`].
    #[inline]
    pub fn message(&self) -> &'a [u8] {
        self.message
    }

    /// The `InstrumentationScope` message; empty when absent, the last one when it appears several times.
    pub fn scope(&self) -> &'a [u8] {
        last_head(self.message)
    }

    /// The scope's attributes, those of all its appearances.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::within(self.message, HEAD, 3)
    }

    /// All fields but the items, as they stand.
    pub fn fields(&self) -> impl Iterator<Item = Result<Field<'a>, WireError>> + use<'a> {
        head_fields(self.message)
    }

    /// Appends all fields but the items, as they stand. Stops at malformed framing, which [`Items`] reports when it
    /// gets there.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_head(self.message, out);
    }
}

fn head_fields(message: &[u8]) -> impl Iterator<Item = Result<Field<'_>, WireError>> {
    Fields::new(message).filter(|field| !matches!(field, Ok(field) if field.number == CHILDREN))
}

fn last_head(message: &[u8]) -> &[u8] {
    Fields::new(message)
        .map_while(Result::ok)
        .filter(|field| field.number == HEAD)
        .filter_map(|field| field.len_value().ok())
        .last()
        .unwrap_or_default()
}

/// What [`ResourceHead::with_hash`] and [`ScopeHead::with_hash`] take.
pub fn head_hash(head: &[u8]) -> u64 {
    xxh3_64(head)
}

fn hashed<'a>(message: &'a [u8], hash: Option<u64>, scratch: &'a mut Vec<u8>) -> (&'a [u8], u64) {
    match hash {
        Some(hash) => (message, hash),
        None => {
            scratch.clear();
            write_head(message, scratch);
            (scratch, head_hash(scratch))
        }
    }
}

fn write_head(message: &[u8], out: &mut Vec<u8>) {
    // A loop, and no filter: one that is called from elsewhere too isn't inlined here, and puts every field together in memory.
    for field in Fields::new(message).map_while(Result::ok) {
        if field.number != CHILDREN {
            out.extend_from_slice(field.raw);
        }
    }
}

/// Iterates over the items of one request of any signal. Checks all framing down to the items; bodies are checked
/// by their views. After an error it is at its end.
///
/// An error may come after items of the same request: who must take all or nothing walks first and uses later.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    request: Fields<'a>,
    resource: ResourceHead<'a>,
    scopes: Fields<'a>,
    scope: ScopeHead<'a>,
    items: Fields<'a>,
    next_resource: usize,
    next_scope: usize,
}

impl<'a> Items<'a> {
    /// Of an export request as protobuf bytes.
    pub fn new(request: &'a [u8]) -> Self {
        Self {
            request: Fields::new(request),
            resource: ResourceHead::new(&[], 0),
            scopes: Fields::new(&[]),
            scope: ScopeHead::new(&[], 0),
            items: Fields::new(&[]),
            next_resource: 0,
            next_scope: 0,
        }
    }

    /// Goes on to the next scope that is there; `false` at the end of the request.
    #[inline(never)]
    fn enter_scope(&mut self) -> Result<bool, WireError> {
        loop {
            if let Some(message) = next_child(&mut self.scopes)? {
                self.scope = ScopeHead::new(message, self.next_scope);
                self.next_scope += 1;
                self.items = Fields::new(message);
                return Ok(true);
            }
            let Some(field) = self.request.next() else {
                return Ok(false);
            };
            let field = field?;
            if field.number == RESOURCES {
                let message = field.len_value()?;
                self.resource = ResourceHead::new(message, self.next_resource);
                self.next_resource += 1;
                self.scopes = Fields::new(message);
            }
        }
    }

    /// The next item's body, whatever stands before it; `None` at the end of the request.
    #[inline(never)]
    fn body(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        loop {
            let step = match next_child(&mut self.items) {
                Ok(None) => match self.enter_scope() {
                    Ok(true) => continue,
                    Ok(false) => Ok(None),
                    Err(error) => Err(error),
                },
                step => step,
            };
            if step.is_err() {
                *self = Self::new(&[]);
            }
            return step;
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, WireError>;

    // Inlined, so that an item is put together where it is used and not in memory first.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let body = match self.items.next_plain((CHILDREN << 3 | 2) as u8) {
            Some(body) => body,
            None => match self.body() {
                Ok(Some(body)) => body,
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            },
        };
        Some(Ok(Item {
            resource: self.resource,
            scope: self.scope,
            body,
        }))
    }
}

/// The next scope of a resource or item of a scope; other fields are passed over, known ones with a look at their type.
#[inline]
fn next_child<'a>(fields: &mut Fields<'a>) -> Result<Option<&'a [u8]>, WireError> {
    for field in fields {
        let field = field?;
        match field.number {
            CHILDREN => return field.len_value().map(Some),
            HEAD | SCHEMA_URL => {
                field.len_value()?;
            }
            _ => {}
        }
    }
    Ok(None)
}
