//! Editors of values, and of which keys a map has.

use std::borrow::Cow;
use std::sync::Arc;

use super::edit::{Change, Edit, Editor};
use crate::expr::Place;
use crate::functions::Pattern;
use crate::functions::{Args, Kind, optional, required};
use crate::telemetry::Subject;
use crate::value::{EvalError, Result, Value};
use crate::value::{List, Map};

pub(super) const EDITORS: &[Editor] = &[
    Editor {
        name: "set",
        parameters: &[
            required("target", Kind::Place),
            required("value", Kind::Any),
        ],
        make: set,
    },
    Editor {
        name: "delete_key",
        parameters: &[
            required("target", Kind::MapPlace),
            required("key", Kind::Text),
        ],
        make: |mut args| {
            let (target, key) = (args.place(0)?, args.expr(1)?);
            Ok(Edit::changing(target, move |target, at| {
                let key = key.text(at)?;
                if let Some(attributes) = target.whole_attributes(at) {
                    let is_there = attributes.get(&key)?.is_some();
                    return Ok(is_there.then(|| Change::Without(vec![key.into_owned()])));
                }
                kept(target, at, |name| name != key)
            }))
        },
    },
    Editor {
        name: "delete_matching_keys",
        parameters: &[
            required("target", Kind::MapPlace),
            required("pattern", Kind::Text),
        ],
        make: |args| matching(args, "delete_matching_keys", false),
    },
    Editor {
        name: "keep_matching_keys",
        parameters: &[
            required("target", Kind::MapPlace),
            required("pattern", Kind::Text),
        ],
        make: |args| matching(args, "keep_matching_keys", true),
    },
    Editor {
        name: "keep_keys",
        parameters: &[
            required("target", Kind::MapPlace),
            required("keys", Kind::ListOf(&Kind::Text)),
        ],
        make: keep_keys,
    },
    Editor {
        name: "append",
        parameters: &[
            required("target", Kind::Place),
            optional("value", Kind::Any),
            optional("values", Kind::ListOf(&Kind::Any)),
        ],
        make: append,
    },
    Editor {
        name: "delete_index",
        parameters: &[
            required("target", Kind::ListPlace),
            required("start_index", Kind::Int),
            optional("end_index", Kind::Int),
        ],
        make: delete_index,
    },
];

/// Nil sets nothing.
fn set(mut args: Args) -> Result<Edit, String> {
    let (target, value) = (args.place(0)?, args.expr(1)?);
    Ok(Edit::new(target, move |_, at| match value.eval(at)? {
        Value::Nil => Ok(None),
        value => value.into_owned().map(Some),
    }))
}

/// The pairs of the map that a target is.
pub(super) fn pairs(
    target: &Place,
    at: &Subject<'_>,
) -> Result<Vec<(Cow<'static, str>, Value<'static>)>> {
    match target.read(at)?.into_owned()? {
        Value::Map(Map::Owned(pairs)) => Ok(pairs),
        other => Err(other.is_not("map")),
    }
}

pub(super) fn map(
    pairs: Vec<(Cow<'static, str>, Value<'static>)>,
) -> Result<Option<Value<'static>>> {
    Ok(Some(Value::Map(Map::Owned(pairs))))
}

fn kept(target: &Place, at: &Subject<'_>, keep: impl Fn(&str) -> bool) -> Result<Option<Change>> {
    if target.keys.is_empty() && target.field.is_attributes() {
        let Value::Map(map) = target.read(at)? else {
            return Ok(None);
        };
        let pairs = map.into_pairs()?.into_iter();
        let gone: Vec<_> = pairs
            .filter(|(key, _)| !keep(key))
            .map(|(key, _)| key.into_owned())
            .collect();
        return Ok((!gone.is_empty()).then_some(Change::Without(gone)));
    }
    let mut pairs = pairs(target, at)?;
    pairs.retain(|(key, _)| keep(key));
    Ok(map(pairs)?.map(Change::Value))
}

fn matching(mut args: Args, name: &str, keep: bool) -> Result<Edit, String> {
    let target = args.place(0)?;
    let pattern = Arc::new(Pattern::new(name, args.expr(1)?)?);
    Ok(Edit::changing(target, move |target, at| {
        let pattern = pattern.get(at)?;
        kept(target, at, |key| pattern.is_match(key) == keep)
    }))
}

fn keep_keys(mut args: Args) -> Result<Edit, String> {
    let (target, keys) = (args.place(0)?, args.exprs(1)?);
    Ok(Edit::changing(target, move |target, at| {
        let keys: Result<Vec<_>> = keys.iter().map(|key| key.text(at)).collect();
        let keys = keys?;
        kept(target, at, |name| keys.iter().any(|key| key == name))
    }))
}

/// What is no list yet becomes the first element of one.
fn append(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    let (value, values) = (args.optional_expr(1), args.optional_exprs(2));
    if value.is_none() && values.is_none() {
        return Err("`append` needs `value` or `values`".to_owned());
    }
    Ok(Edit::new(target, move |target, at| {
        let mut list = match target.read(at)?.into_owned()? {
            Value::Nil => Vec::new(),
            Value::List(list) => list.into_values()?,
            other => vec![other],
        };
        for value in value.iter().chain(values.iter().flatten()) {
            list.push(value.eval(at)?.into_owned()?);
        }
        Ok(Some(Value::List(List::Owned(list))))
    }))
}

fn delete_index(mut args: Args) -> Result<Edit, String> {
    let (target, start, end) = (args.place(0)?, args.expr(1)?, args.optional_expr(2));
    Ok(Edit::new(target, move |target, at| {
        let mut list = match target.read(at)?.into_owned()? {
            Value::List(list) => list.into_values()?,
            other => return Err(other.is_not("list")),
        };
        let start = start.int(at)?;
        let end = match &end {
            Some(end) => end.int(at)?,
            None => start.saturating_add(1),
        };
        let bounds = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let sound = |(start, end): &(usize, usize)| {
            start <= end
                && *end <= list.len()
                && (*start < list.len() || *end == list.len() && *start == 0)
        };
        let wrong = || {
            EvalError::new(format!(
                "no elements {start} to {end} in a list of {}",
                list.len()
            ))
        };
        let (start, end) = bounds.filter(sound).ok_or_else(wrong)?;
        list.drain(start..end);
        Ok(Some(Value::List(List::Owned(list))))
    }))
}
