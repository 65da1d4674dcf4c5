//! Paths: names to places in the telemetry, places to values.
//!
//! Each context has a table of its paths, one file each. A path with a context in front (`span.name`) is looked up there,
//! one without in the context that the text is written for. That is how the Collector's filters, and its tail sampler, accept
//! both styles: they put the missing context in front before they parse.

mod event;
mod key;
mod log;
mod resource;
mod scan;
mod scope;
mod set;
mod span;
mod trace;

pub(super) use key::{Key, index_result};
pub(super) use span::{ROOT_PATHS, hex};

use super::collection::Map;
use super::index::Attributed;
use super::subject::Subject;
use super::value::{EvalError, Result, Value};

/// What a text is written for: which paths it may use, and what it is evaluated against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    Resource,
    Scope,
    Span,
    SpanEvent,
    Log,
    /// A whole trace: `trace.…` for what is known of it, `root.…` for its root span. Our own, see [`super::TraceFacts`].
    Trace,
}

/// A message that paths refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Resource,
    Scope,
    Span,
    Event,
    Log,
    Trace,
}

impl Context {
    /// As configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Span => "span",
            Self::SpanEvent => "spanevent",
            Self::Log => "log",
            Self::Trace => "trace",
        }
    }

    /// The names that may stand in front of a path, and the message they mean.
    pub(super) fn prefixes(self) -> &'static [(&'static str, Part)] {
        const RESOURCE: (&str, Part) = ("resource", Part::Resource);
        const SCOPE: (&str, Part) = ("scope", Part::Scope);
        const OLD_SCOPE: (&str, Part) = ("instrumentation_scope", Part::Scope);
        const SPAN: (&str, Part) = ("span", Part::Span);
        match self {
            Self::Resource => &[RESOURCE],
            Self::Scope => &[SCOPE, OLD_SCOPE, RESOURCE],
            Self::Span => &[SPAN, RESOURCE, OLD_SCOPE, SCOPE],
            Self::SpanEvent => &[("spanevent", Part::Event), SPAN, RESOURCE, OLD_SCOPE, SCOPE],
            Self::Log => &[("log", Part::Log), RESOURCE, OLD_SCOPE, SCOPE],
            Self::Trace => &[("trace", Part::Trace), ("root", Part::Span)],
        }
    }

    /// The message that paths without a context refer to.
    pub(super) fn part(self) -> Part {
        self.prefixes()
            .first()
            .map_or(Part::Span, |(_, part)| *part)
    }
}

/// A field of some message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Resource(resource::Field),
    Scope(scope::Field),
    Span(span::Field),
    Event(event::Field),
    Log(log::Field),
    Trace(trace::Field),
    /// The scratch map of a context, which is empty while conditions are evaluated.
    Cache,
}

impl Field {
    pub(super) fn is_attributes(self) -> bool {
        matches!(
            self,
            Self::Resource(resource::Field::Attributes)
                | Self::Scope(scope::Field::Attributes)
                | Self::Span(span::Field::Attributes)
                | Self::Event(event::Field::Attributes)
                | Self::Log(log::Field::Attributes)
        )
    }
}

/// How many keys a path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    None,
    /// Any number; the first is a string.
    Map,
    /// Any number of any kind.
    Any,
    /// One string.
    One,
}

/// A path of a table, without the context in front.
pub(super) type Entry = (&'static str, Keys, Field);

impl Part {
    /// All paths into this message.
    pub(super) fn paths(self) -> &'static [Entry] {
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

/// A path with its keys.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) field: Field,
    pub(super) keys: Vec<Key>,
}

impl Place {
    /// The `AnyValue` of an attribute by its name, where it stands as encoders write it; for comparing it where it lies.
    #[inline]
    pub(super) fn plain_attribute<'a>(&self, at: &Subject<'a>) -> Option<&'a [u8]> {
        match (&self.keys[..], attributes(self.field, at)) {
            ([Key::Text(key)], Some(Attributes::Of(index, within))) => {
                index.plain_value(within, key)
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn read<'a>(&'a self, at: &Subject<'a>) -> Result<Value<'a>> {
        let Some((first, rest)) = self.keys.split_first() else {
            return read(self.field, at);
        };
        if let Some(attributes) = attributes(self.field, at) {
            // By far the most common path: an attribute by its name.
            if let (Key::Text(key), [], Attributes::Of(index, within)) = (first, rest, &attributes)
            {
                return Ok(index.find(*within, key)?.unwrap_or(Value::Nil));
            }
            let found = match (first, attributes) {
                (Key::Text(key), Attributes::Of(index, within)) => index.find(within, key)?,
                (key, Attributes::Of(index, within)) => index.find(within, &key.text(at)?)?,
                (key, Attributes::Cache(Some(cache))) => cache.get(&key.text(at)?)?,
                (key, Attributes::Empty | Attributes::Cache(None)) => {
                    key.text(at)?;
                    None
                }
            };
            return match found {
                Some(value) => key::index_path(value, rest, at),
                None => Ok(Value::Nil),
            };
        }
        match (self.field, first) {
            (Field::Span(span::Field::TraceState), Key::Text(key)) => span::trace_state(at, key),
            _ => key::index_path(read(self.field, at)?, &self.keys, at),
        }
    }
}

enum Attributes<'s, 'a> {
    /// The scratch map, where there is one.
    Cache(Option<&'a Map<'a>>),
    Empty,
    Of(&'s super::index::Index, Attributed<'a>),
}

/// The attributes that a field stands for. Views are looked at, not copied: a span's has 170 bytes.
#[inline]
fn attributes<'s, 'a>(field: Field, at: &'s Subject<'a>) -> Option<Attributes<'s, 'a>> {
    let (index, within) = match field {
        Field::Resource(resource::Field::Attributes) => {
            let head = at
                .resource
                .view
                .as_ref()
                .map(|head| Attributed::new(head.message(), 1, 1));
            (&at.resource.index, head)
        }
        Field::Scope(scope::Field::Attributes) => {
            let head = at
                .scope
                .view
                .as_ref()
                .map(|head| Attributed::new(head.message(), 1, 3));
            (&at.scope.index, head)
        }
        Field::Span(span::Field::Attributes) => {
            let view = at
                .span
                .view
                .as_ref()
                .map(|span| Attributed::new(span.body, 0, 9));
            (&at.span.index, view)
        }
        Field::Event(event::Field::Attributes) => {
            let view = at
                .event
                .view
                .as_ref()
                .map(|event| Attributed::new(event.body, 0, 3));
            (&at.event.index, view)
        }
        Field::Log(log::Field::Attributes) => {
            let view = at
                .log
                .view
                .as_ref()
                .map(|log| Attributed::new(log.body, 0, 6));
            (&at.log.index, view)
        }
        Field::Cache => return Some(Attributes::Cache(at.cache)),
        _ => return None,
    };
    Some(within.map_or(Attributes::Empty, |within| Attributes::Of(index, within)))
}

fn read<'a>(field: Field, at: &Subject<'a>) -> Result<Value<'a>> {
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
        Field::Resource(field) => resource::read(field, at.resource.view),
        Field::Scope(field) => scope::read(field, at.scope.view),
        Field::Span(field) => at.span.view.as_ref().map_or(Ok(Value::Nil), |span| {
            span::read(field, span, at.resource.view)
        }),
        Field::Event(event::Field::Index) => match at.event_index {
            Some(index) => Ok(Value::Int(index as i64)),
            None => Err(EvalError::new("no event was set")),
        },
        Field::Event(field) => event::read(field, at.event.view),
        Field::Log(field) => log::read(field, at.log.view),
        Field::Trace(field) => Ok(trace::read(field, at.trace.as_ref())),
        Field::Cache => Ok(Value::Nil),
    }
}
