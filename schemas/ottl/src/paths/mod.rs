//! Paths: names to places in the telemetry, places to values.
//!
//! Each context has a table of its paths, one file each. A path with a context in front (`span.name`) is looked up there,
//! one without in the context that the text is written for. That is how the Collector's filters, and its tail sampler, accept
//! both styles: they put the missing context in front before they parse.

pub(crate) mod enums;
mod event;
mod field;
mod log;
mod resource;
mod scan;
mod scope;
mod span;
mod trace;
mod write;

pub(crate) use field::{Entry, Field, Keys};
pub(crate) use span::{ROOT_PATHS, trace_state};
pub(crate) use write::write;

use crate::telemetry::index::{Attributed, Index};
use crate::telemetry::{Part, Subject};
use crate::value::{EvalError, Map, Result, Value};

/// The one field with a key that is no map.
pub(crate) const TRACE_STATE: Field = Field::Span(span::Field::TraceState);

impl Part {
    /// All paths into this message.
    pub(crate) fn paths(self) -> &'static [Entry] {
        match self {
            Self::Resource => resource::PATHS,
            Self::Scope => scope::PATHS,
            Self::Span => span::PATHS,
            Self::Event => event::PATHS,
            Self::Log => log::PATHS,
            Self::Trace => trace::PATHS,
        }
    }
}

pub(crate) enum Attributes<'s, 'a> {
    /// The scratch map, where there is one.
    Cache(Option<&'a Map<'a>>),
    Empty,
    Of(&'s Index, Attributed<'a>),
}

/// The attributes that a field stands for. Views are looked at, not copied: a span's has 170 bytes.
#[inline]
pub(crate) fn attributes<'s, 'a>(field: Field, at: &'s Subject<'a>) -> Option<Attributes<'s, 'a>> {
    let (index, within) = match field {
        Field::Resource(resource::Field::Attributes) => {
            let head = at
                .resource()
                .view()
                .map(|head| Attributed::new(head.message(), 1, 1));
            (at.resource().index(), head)
        }
        Field::Scope(scope::Field::Attributes) => {
            let head = at
                .scope()
                .view()
                .map(|head| Attributed::new(head.message(), 1, 3));
            (at.scope().index(), head)
        }
        Field::Span(span::Field::Attributes) => {
            let view = at
                .span()
                .view()
                .map(|span| Attributed::new(span.body, 0, 9));
            (at.span().index(), view)
        }
        Field::Event(event::Field::Attributes) => {
            let view = at
                .event()
                .view()
                .map(|event| Attributed::new(event.body, 0, 3));
            (at.event().index(), view)
        }
        Field::Log(log::Field::Attributes) => {
            let view = at.log().view().map(|log| Attributed::new(log.body, 0, 6));
            (at.log().index(), view)
        }
        Field::Cache => return Some(Attributes::Cache(at.cache())),
        _ => return None,
    };
    Some(within.map_or(Attributes::Empty, |within| Attributes::Of(index, within)))
}

pub(crate) fn read<'a>(field: Field, at: &Subject<'a>) -> Result<Value<'a>> {
    if let Some(attributes) = attributes(field, at) {
        return Ok(Value::Map(match attributes {
            Attributes::Cache(Some(cache)) => cache.clone(),
            Attributes::Empty | Attributes::Cache(None) => Map::Owned(Vec::new()),
            Attributes::Of(_, within) => Map::Encoded {
                message: within.message,
                outer: within.outer,
                field: within.field,
            },
        }));
    }
    match field {
        Field::Resource(field) => resource::read(field, at.resource().view().copied()),
        Field::Scope(field) => scope::read(field, at.scope().view().copied()),
        Field::Span(field) => at.span().view().map_or(Ok(Value::Nil), |span| {
            span::read(field, span, at.resource().view().copied())
        }),
        Field::Event(event::Field::Index) => match at.event_index() {
            Some(index) => Ok(Value::Int(index as i64)),
            None => Err(EvalError::new("no event was set")),
        },
        Field::Event(field) => event::read(field, at.event().view().copied()),
        Field::Log(field) => log::read(field, at.log().view().copied()),
        Field::Trace(field) => Ok(trace::read(field, at.trace())),
        Field::Cache => Ok(Value::Nil),
    }
}
