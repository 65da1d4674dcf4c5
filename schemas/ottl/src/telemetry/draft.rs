//! Telemetry that editors change: one span, span event or log record with its scope and resource, as bytes of its own.
//!
//! It stays protobuf. To set a field is to leave its occurrences out and put the new one behind the rest, so that what nobody
//! names, unknown fields included, is carried along as it came; and what conditions read is what has been written.

use super::context::{Context, Part};
use crate::telemetry::Subject;
use crate::value::Map;
use crate::value::{EvalError, Result, Value};
use schemas::otlp::{EventView, Item, LogView, ResourceHead, ScopeHead, SpanView};
use schemas::wire::{Fields, put_len};

/// A copy of one item that can be changed.
#[derive(Clone, Debug)]
pub struct Draft {
    context: Context,
    /// `ResourceSpans` or `ResourceLogs` without scopes.
    resource: Vec<u8>,
    /// `ScopeSpans` or `ScopeLogs` without items.
    scope: Vec<u8>,
    /// The span or log record.
    item: Vec<u8>,
    /// The number of the event that is edited, and its message.
    event: Option<(usize, Vec<u8>)>,
    cache: Map<'static>,
}

impl Draft {
    pub fn span(item: &Item<'_>) -> Self {
        Self::new(Context::Span, item)
    }

    pub fn log(item: &Item<'_>) -> Self {
        Self::new(Context::Log, item)
    }

    /// An event of a span; `None` when the span hasn't as many.
    pub fn span_event(item: &Item<'_>, index: usize) -> Option<Self> {
        let span = SpanView::parse(item.body).ok()?;
        let event = span.events().nth(index)?.ok()?;
        Some(Self {
            event: Some((index, event.body.to_vec())),
            ..Self::new(Context::SpanEvent, item)
        })
    }

    fn new(context: Context, item: &Item<'_>) -> Self {
        let (mut resource, mut scope) = (Vec::new(), Vec::new());
        item.resource.write(&mut resource);
        item.scope.write(&mut scope);
        Self {
            context,
            resource,
            scope,
            item: item.body.to_vec(),
            event: None,
            cache: Map::Owned(Vec::new()),
        }
    }

    /// The bytes of a message, to be changed; `None` where there is no such message in this draft.
    pub(crate) fn message(&mut self, part: Part) -> Option<&mut Vec<u8>> {
        match part {
            Part::Resource => Some(&mut self.resource),
            Part::Scope => Some(&mut self.scope),
            Part::Span | Part::Log => Some(&mut self.item),
            Part::Event => self.event.as_mut().map(|(_, event)| event),
            Part::Trace => None,
        }
    }

    /// Replaces the scratch map.
    pub(crate) fn set_cache(&mut self, cache: Map<'static>) {
        self.cache = cache;
    }

    /// What conditions and values are evaluated on.
    pub(crate) fn subject(&self) -> Result<Subject<'_>> {
        let mut subject = Subject::default();
        let resource = ResourceHead::new(&self.resource, 0);
        let scope = ScopeHead::new(&self.scope, 0);
        match self.context {
            Context::Log => subject.set_log(resource, scope, LogView::parse(&self.item)?),
            _ => subject.set_span(resource, scope, SpanView::parse(&self.item)?),
        }
        if let Some((index, event)) = &self.event {
            subject.set_event(EventView::parse(event)?, *index);
        }
        subject.set_cache(&self.cache);
        Ok(subject)
    }

    /// The changed messages: `ResourceSpans` without scopes, `ScopeSpans` without items, and the item; the same of logs.
    pub fn finish(self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let Some((index, event)) = self.event else {
            return (self.resource, self.scope, self.item);
        };
        let mut item = Vec::with_capacity(self.item.len() + event.len());
        let mut seen = 0;
        for field in Fields::new(&self.item).map_while(std::result::Result::ok) {
            if field.number == 11 && seen == index {
                put_len(&mut item, 11, &event);
            } else {
                item.extend_from_slice(field.raw);
            }
            seen += usize::from(field.number == 11);
        }
        (self.resource, self.scope, item)
    }
}

/// Takes the occurrences of a field out of a message and puts new ones behind the rest.
pub(crate) fn replace(
    message: &mut Vec<u8>,
    number: u32,
    put: impl FnOnce(&mut Vec<u8>),
) -> Result<()> {
    let mut out = Vec::with_capacity(message.len() + 32);
    for field in Fields::new(message) {
        let field = field?;
        if field.number != number {
            out.extend_from_slice(field.raw);
        }
    }
    put(&mut out);
    *message = out;
    Ok(())
}

/// Changes a message within a message; all of its occurrences become one.
pub(crate) fn within(
    message: &mut Vec<u8>,
    number: u32,
    change: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut inner = Vec::new();
    for field in Fields::new(message) {
        let field = field?;
        if field.number == number {
            inner.extend_from_slice(field.len_value()?);
        }
    }
    change(&mut inner)?;
    replace(message, number, |out| put_len(out, number, &inner))
}

/// Writes a map as `KeyValue`s in field `number`.
pub(crate) fn put_map(out: &mut Vec<u8>, number: u32, map: &Map<'_>) -> Result<()> {
    for (key, value) in map.clone().into_pairs()? {
        let mut pair = Vec::new();
        put_len(&mut pair, 1, key.as_bytes());
        let mut any = Vec::new();
        put_any(&mut any, &value)?;
        put_len(&mut pair, 2, &any);
        put_len(out, number, &pair);
    }
    Ok(())
}

/// Writes the fields of an `AnyValue`.
pub(crate) fn put_any(out: &mut Vec<u8>, value: &Value<'_>) -> Result<()> {
    use schemas::wire::{put_fixed64, put_varint_field};
    match value {
        Value::Nil => {}
        Value::Text(text) => put_len(out, 1, text.as_bytes()),
        Value::Bool(value) => put_varint_field(out, 2, u64::from(*value)),
        Value::Int(value) => put_varint_field(out, 3, *value as u64),
        Value::Float(value) => put_fixed64(out, 4, value.to_bits()),
        Value::Bytes(bytes) => put_len(out, 7, bytes),
        Value::List(list) => {
            let mut message = Vec::new();
            for value in list.clone().into_values()? {
                let mut any = Vec::new();
                put_any(&mut any, &value)?;
                put_len(&mut message, 1, &any);
            }
            put_len(out, 5, &message);
        }
        Value::Map(map) => {
            let mut message = Vec::new();
            put_map(&mut message, 1, map)?;
            put_len(out, 6, &message);
        }
        other => {
            let message = format!("a {} can't be stored in telemetry", other.type_name());
            return Err(EvalError::new(message));
        }
    }
    Ok(())
}
