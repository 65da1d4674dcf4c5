//! Paths: names to places in the telemetry, places to values.
//!
//! Each context has a table of its paths, one file each. A path with a context in front (`span.name`) is looked up there,
//! one without in the context that the text is written for. That is how the Collector's filters, and its tail sampler, accept
//! both styles: they put the missing context in front before they parse.

mod changed;
pub(crate) mod enums;
mod event;
pub(crate) mod field;
mod log;
mod metric;
mod operation;
mod point;
mod resource;
mod scan;
mod scope;
mod span;
mod trace;

pub(crate) use field::{Entry, Field, Keys};
pub use operation::SpanFacts;
pub(crate) use point::{AS_DOUBLE, AS_INT};
pub(crate) use span::{ROOT_PATHS, is_root, kind_named};

use std::borrow::Cow;

use crate::telemetry::changes::{Changes, Known};
use crate::telemetry::index::{Attributed, Index};
use crate::telemetry::{Part, Subject};
use crate::value::{EvalError, Map, Result, Value};
use schemas::otlp::PointView;
use schemas::otlp::trace_state as state;

/// The one field with a key that is no map.
pub(crate) const TRACE_STATE: Field = Field::Span(span::Field::TraceState);

/// All data of a metric.
pub(crate) const METRIC_DATA: Field = Field::Metric(metric::Field::DataPoints);

impl Part {
    /// All paths into this message.
    pub(crate) fn paths(self) -> &'static [Entry] {
        match self {
            Self::Resource => resource::PATHS,
            Self::Scope => scope::PATHS,
            Self::Span => span::PATHS,
            Self::Event => event::PATHS,
            Self::Log => log::PATHS,
            Self::Metric => metric::PATHS,
            Self::DataPoint => point::PATHS,
            Self::Trace => trace::PATHS,
        }
    }
}

pub(crate) enum Attributes<'s, 'a> {
    /// The scratch map, where there is one.
    Cache(Option<&'s [(Cow<'static, str>, Value<'static>)]>),
    Empty,
    Of(&'s Index, Attributed<'a>),
    /// Some of them were changed.
    Changed(&'s Changes, &'s Index, Option<Attributed<'a>>),
}

impl<'a> Attributes<'_, 'a> {
    /// The first attribute of that name.
    #[inline]
    pub(crate) fn get(&self, key: &str) -> Result<Option<Value<'a>>> {
        match self {
            Self::Of(index, within) => index.find(*within, key),
            Self::Empty | Self::Cache(None) => Ok(None),
            Self::Cache(Some(cache)) => {
                let pair = cache.iter().find(|(known, _)| known == key);
                Ok(pair.map(|(_, value)| value.clone()))
            }
            Self::Changed(changes, index, within) => match (changes.attribute(key), within) {
                (Known::Set(value), _) => Ok(Some(value.clone())),
                (Known::AsItCame, Some(within)) => index.find(*within, key),
                (Known::AsItCame | Known::Gone, _) => Ok(None),
            },
        }
    }

    /// The keys of those that the message came with, and of those that were changed.
    pub(crate) fn visit_keys(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        match self {
            Self::Empty | Self::Cache(None) => Ok(()),
            Self::Cache(Some(cache)) => {
                cache.iter().for_each(|(key, _)| visit(key.as_bytes()));
                Ok(())
            }
            Self::Of(index, within) => index.visit_keys(*within, visit),
            Self::Changed(changes, index, within) => {
                changes.visit_keys(&mut visit);
                within.map_or(Ok(()), |within| index.visit_keys(within, visit))
            }
        }
    }

    /// All of them.
    pub(crate) fn map(self) -> Result<Map<'a>> {
        Ok(match self {
            Self::Of(_, within) => encoded(within),
            Self::Empty | Self::Cache(None) => Map::Owned(Vec::new()),
            Self::Cache(Some(cache)) => Map::Owned(cache.to_vec()),
            Self::Changed(changes, _, within) => changes.merged(within.map(encoded))?,
        })
    }
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
        Field::Metric(metric::Field::Metadata) => {
            let view = (at.metric().view()).map(|metric| Attributed::new(metric.body, 0, 12));
            (at.metric().index(), view)
        }
        Field::Point(point::Field::Attributes) => {
            let attributed = |point: &PointView<'a>| {
                Attributed::new(point.body, 0, point.kind.point_attributes() as u8)
            };
            (at.point().index(), at.point().view().map(attributed))
        }
        Field::Cache => {
            let cache = at.changed().map(|changed| &changed.cache()[..]);
            return Some(Attributes::Cache(cache));
        }
        _ => return None,
    };
    if let Some(changed) = at.changed()
        && let Some(changes) = changed
            .of(field.part())
            .filter(|changes| changes.has_attributes())
    {
        return Some(Attributes::Changed(changes, index, within));
    }
    Some(within.map_or(Attributes::Empty, |within| Attributes::Of(index, within)))
}

/// The field that holds the attributes of a message.
pub(crate) fn attributes_of(part: Part) -> Field {
    match part {
        Part::Resource => Field::Resource(resource::Field::Attributes),
        Part::Scope => Field::Scope(scope::Field::Attributes),
        Part::Span | Part::Trace => Field::Span(span::Field::Attributes),
        Part::Event => Field::Event(event::Field::Attributes),
        Part::Log => Field::Log(log::Field::Attributes),
        Part::Metric => Field::Metric(metric::Field::Metadata),
        Part::DataPoint => Field::Point(point::Field::Attributes),
    }
}

pub(crate) fn read<'a>(field: Field, at: &Subject<'a>) -> Result<Value<'a>> {
    if let Some(attributes) = attributes(field, at) {
        return attributes.map().map(Value::Map);
    }
    if let Some(changed) = at.changed()
        && let Some(changes) = changed.of(field.part())
        && let Some(value) = changed::read(field, changes, at)?
    {
        return Ok(value);
    }
    match field {
        Field::Resource(field) => resource::read(field, at.resource().view().copied()),
        Field::Scope(field) => scope::read(field, at.scope().view().copied()),
        Field::Span(field) => at.span().view().map_or(Ok(Value::Nil), |span| {
            span::read(field, span, at.resource().view().copied())
        }),
        Field::Event(event::Field::Index) => match at.inner_index() {
            Some(index) => Ok(Value::Int(index as i64)),
            None => Err(EvalError::new("no event was set")),
        },
        Field::Event(field) => event::read(field, at.event().view().copied()),
        Field::Log(field) => log::read(field, at.log().view().copied()),
        Field::Metric(field) => metric::read(field, at),
        Field::Point(field) => match at.point().view() {
            Some(point) => point::read(field, point.kind, point.body),
            None => Ok(Value::Nil),
        },
        Field::Trace(field) => Ok(trace::read(field, at.trace())),
        Field::Cache => Ok(Value::Nil),
    }
}

/// A member of the span's tracestate: empty when it isn't there, nil when the list is invalid.
pub(crate) fn trace_state<'a>(at: &Subject<'a>, key: &str) -> Result<Value<'a>> {
    let list = read(TRACE_STATE, at)?;
    let found = match &list {
        Value::Text(Cow::Borrowed(list)) => state::find(list.as_bytes(), key.as_bytes()),
        Value::Text(Cow::Owned(list)) => {
            let found = state::find(list.as_bytes(), key.as_bytes());
            return match found {
                Some(value) => Value::text(value.unwrap_or_default())?.into_owned(),
                None => Ok(Value::Nil),
            };
        }
        _ => state::find(&[], key.as_bytes()),
    };
    match found {
        Some(value) => Value::text(value.unwrap_or_default()),
        None => Ok(Value::Nil),
    }
}

/// Attributes as a map, where they stand.
fn encoded(within: Attributed<'_>) -> Map<'_> {
    Map::Encoded {
        message: within.message,
        outer: within.outer,
        field: within.field,
    }
}
