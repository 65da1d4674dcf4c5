//! A translated span, written as OTLP bytes: nothing is read again, so there is no model of OTLP here but field numbers.

use std::borrow::Cow;

use schemas::wire::{put_fixed64, put_len, put_varint_field};

use super::attributes::Attributes;

/// `Span.kind`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Unspecified = 0,
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// `Status.code`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Code {
    #[default]
    Unset = 0,
    Ok = 1,
    Error = 2,
}

#[derive(Debug, Default)]
pub struct Status<'a> {
    pub code: Code,
    pub message: Cow<'a, str>,
}

/// The scope that a span stands in.
#[derive(Debug, Default)]
pub struct Scope<'a> {
    pub name: Cow<'a, str>,
    pub version: Cow<'a, str>,
}

/// One span with what it stands in.
#[derive(Debug, Default)]
pub struct Span<'a> {
    pub resource: Attributes<'a>,
    pub scope: Scope<'a>,
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub parent_span_id: [u8; 8],
    pub trace_state: Cow<'a, str>,
    pub name: Cow<'a, str>,
    pub kind: Kind,
    /// Nanoseconds since the epoch, as all times here.
    pub start: u64,
    pub end: u64,
    pub attributes: Attributes<'a>,
    pub status: Status<'a>,
    pub children: Children,
}

/// A span's events and links, written as they come.
#[derive(Debug, Default)]
pub struct Children(Vec<u8>);

#[derive(Debug, Default)]
pub struct Event<'a> {
    pub time: u64,
    pub name: Cow<'a, str>,
    pub attributes: Attributes<'a>,
    pub dropped: u32,
}

#[derive(Debug, Default)]
pub struct Link<'a> {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub trace_state: Cow<'a, str>,
    pub attributes: Attributes<'a>,
    pub dropped: u32,
}

impl Children {
    pub fn push_event(&mut self, event: &Event<'_>) {
        let mut out = Vec::new();
        time(&mut out, 1, event.time);
        text(&mut out, 2, &event.name);
        event.attributes.write(3, &mut out);
        number(&mut out, 4, event.dropped.into());
        put_len(&mut self.0, 11, &out);
    }

    pub fn push_link(&mut self, link: &Link<'_>) {
        let mut out = Vec::new();
        id(&mut out, 1, &link.trace_id);
        id(&mut out, 2, &link.span_id);
        text(&mut out, 3, &link.trace_state);
        link.attributes.write(4, &mut out);
        number(&mut out, 5, link.dropped.into());
        put_len(&mut self.0, 13, &out);
    }
}

impl Span<'_> {
    /// Appends a `ResourceSpans` with this span alone to a request. Packing brings equal resources together again.
    pub fn write(&self, request: &mut Vec<u8>) {
        let mut attributes = Vec::new();
        self.resource.write(1, &mut attributes);
        let mut resource = Vec::new();
        put_len(&mut resource, 1, &attributes);
        put_len(&mut resource, 2, &self.scope_spans());
        put_len(request, 1, &resource);
    }

    fn scope_spans(&self) -> Vec<u8> {
        let mut scope = Vec::new();
        text(&mut scope, 1, &self.scope.name);
        text(&mut scope, 2, &self.scope.version);
        let mut scope_spans = Vec::new();
        put_len(&mut scope_spans, 1, &scope);
        put_len(&mut scope_spans, 2, &self.body());
        scope_spans
    }

    fn body(&self) -> Vec<u8> {
        let mut out = Vec::new();
        id(&mut out, 1, &self.trace_id);
        id(&mut out, 2, &self.span_id);
        text(&mut out, 3, &self.trace_state);
        id(&mut out, 4, &self.parent_span_id);
        text(&mut out, 5, &self.name);
        number(&mut out, 6, self.kind as u64);
        time(&mut out, 7, self.start);
        time(&mut out, 8, self.end);
        self.attributes.write(9, &mut out);
        out.extend_from_slice(&self.children.0);
        let mut status = Vec::new();
        text(&mut status, 2, &self.status.message);
        number(&mut status, 3, self.status.code as u64);
        if !status.is_empty() {
            put_len(&mut out, 15, &status);
        }
        out
    }
}

/// An id of zeros is no id.
fn id(out: &mut Vec<u8>, field: u32, id: &[u8]) {
    if id.iter().any(|&byte| byte != 0) {
        put_len(out, field, id);
    }
}

fn text(out: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        put_len(out, field, text.as_bytes());
    }
}

fn time(out: &mut Vec<u8>, field: u32, nanos: u64) {
    if nanos != 0 {
        put_fixed64(out, field, nanos);
    }
}

fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        put_varint_field(out, field, value);
    }
}
