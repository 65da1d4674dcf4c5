//! Editors of whole maps: size, length of values, nesting, merging.

use std::borrow::Cow;
use std::collections::HashMap;

use super::edit::{Edit, Editor};
use super::keys::{map, pairs};
use crate::functions::{Args, Kind, optional, required};
use crate::value::text::as_string;
use crate::value::{DEPTH_MAX, Result, Value};
use crate::value::{List, Map};

pub(super) const EDITORS: &[Editor] = &[
    Editor {
        name: "limit",
        parameters: &[
            required("target", Kind::MapPlace),
            required("limit", Kind::LiteralInt),
            required("priority_keys", Kind::ListOf(&Kind::LiteralText)),
        ],
        make: limit,
    },
    Editor {
        name: "truncate_all",
        parameters: &[
            required("target", Kind::MapPlace),
            required("limit", Kind::LiteralInt),
            optional("utf8_safe", Kind::LiteralBool),
        ],
        make: truncate_all,
    },
    Editor {
        name: "stringify_all",
        parameters: &[required("target", Kind::MapPlace)],
        make: stringify_all,
    },
    Editor {
        name: "merge_maps",
        parameters: &[
            required("target", Kind::MapPlace),
            required("source", Kind::Map),
            required("strategy", Kind::LiteralText),
        ],
        make: merge_maps,
    },
    Editor {
        name: "flatten",
        parameters: &[
            required("target", Kind::MapPlace),
            optional("prefix", Kind::LiteralText),
            optional("depth", Kind::LiteralInt),
            optional("resolve_conflicts", Kind::LiteralBool),
        ],
        make: flatten,
    },
];

type Pairs = Vec<(Cow<'static, str>, Value<'static>)>;

/// So many keys at most: those with priority, then the first others.
fn limit(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    let most = args.literal_int(1)? as usize;
    let first = args.literal_texts(2)?;
    if most < first.len() {
        return Err(format!(
            "a limit of {most} with {} keys of priority",
            first.len()
        ));
    }
    Ok(Edit::new(target, move |target, at| {
        let mut pairs = pairs(target, at)?;
        if pairs.len() <= most {
            return Ok(None);
        }
        let has_priority = |key: &str| first.iter().any(|known| known == key);
        let mut count = first
            .iter()
            .filter(|known| pairs.iter().any(|(key, _)| key == *known))
            .count();
        pairs.retain(|(key, _)| {
            let keep = has_priority(key) || count < most;
            count += usize::from(keep && !has_priority(key));
            keep
        });
        map(pairs)
    }))
}

/// So many bytes of each text at most. A character is never cut in two, whatever `utf8_safe` says.
fn truncate_all(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    let most = args.literal_int(1)? as usize;
    Ok(Edit::new(target, move |target, at| {
        let mut pairs = pairs(target, at)?;
        for (_, value) in &mut pairs {
            if let Value::Text(text) = value
                && text.len() > most
            {
                let end = text.floor_char_boundary(most);
                *value = Value::owned(&text[..end]);
            }
        }
        map(pairs)
    }))
}

fn stringify_all(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    Ok(Edit::new(target, move |target, at| {
        let mut pairs = pairs(target, at)?;
        for (_, value) in &mut pairs {
            *value = Value::owned(as_string(value, DEPTH_MAX)?);
        }
        map(pairs)
    }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Insert,
    Update,
    Upsert,
}

fn merge_maps(mut args: Args) -> Result<Edit, String> {
    let (target, source) = (args.place(0)?, args.expr(1)?);
    let strategy = match args.literal_text(2)?.as_str() {
        "insert" => Strategy::Insert,
        "update" => Strategy::Update,
        "upsert" => Strategy::Upsert,
        other => {
            return Err(format!(
                "no strategy {other:?}: known are insert, update and upsert"
            ));
        }
    };
    Ok(Edit::new(target, move |target, at| {
        let mut pairs = pairs(target, at)?;
        for (key, value) in source.map(at)?.into_pairs()? {
            let known = pairs.iter().position(|(known, _)| *known == key);
            match known {
                Some(at) if strategy != Strategy::Insert => pairs[at].1 = value.into_owned()?,
                None if strategy != Strategy::Update => {
                    pairs.push((Cow::Owned(key.into_owned()), value.into_owned()?));
                }
                _ => {}
            }
        }
        map(pairs)
    }))
}

/// `{"a": {"b": [1]}}` to `{"a.b.0": 1}`.
fn flatten(mut args: Args) -> Result<Edit, String> {
    let target = args.place(0)?;
    let prefix = args.optional_literal_text(1).unwrap_or_default();
    let depth = args.optional_literal_int(2).unwrap_or(i64::MAX);
    let resolve = args.optional_literal_bool(3).unwrap_or(false);
    if depth < 1 {
        return Err("`depth` is 1 or more".to_owned());
    }
    Ok(Edit::new(target, move |target, at| {
        let mut flat = Flat {
            pairs: Vec::new(),
            conflicts: HashMap::new(),
            resolve,
            depth,
        };
        flat.map(pairs(target, at)?, &prefix, 0);
        map(flat.pairs)
    }))
}

struct Flat {
    pairs: Pairs,
    conflicts: HashMap<String, usize>,
    resolve: bool,
    depth: i64,
}

impl Flat {
    fn map(&mut self, pairs: Pairs, prefix: &str, depth: i64) {
        for (key, value) in pairs {
            let key = match prefix {
                "" => key.into_owned(),
                prefix => format!("{prefix}.{key}"),
            };
            self.value(key, value, depth);
        }
    }

    /// Values are owned and no deeper than what was read, so this ends.
    fn value(&mut self, key: String, value: Value<'static>, depth: i64) {
        match value {
            Value::Map(Map::Owned(pairs)) if depth < self.depth => self.map(pairs, &key, depth + 1),
            Value::List(List::Owned(values)) if depth < self.depth => {
                for (index, value) in values.into_iter().enumerate() {
                    match value {
                        Value::Map(_) | Value::List(_) => {
                            self.value(format!("{key}.{index}"), value, depth + 1)
                        }
                        // Where conflicts are resolved, elements take the list's own name as far as it is free.
                        plain if self.resolve => self.put(key.clone(), plain),
                        plain => self.put(format!("{key}.{index}"), plain),
                    }
                }
            }
            plain => self.put(key, plain),
        }
    }

    fn put(&mut self, key: String, value: Value<'static>) {
        let known = self.pairs.iter().position(|(known, _)| *known == key);
        match known {
            Some(_) if self.resolve => {
                let number = self.conflicts.entry(key.clone()).or_default();
                let renamed = format!("{key}.{number}");
                *number += 1;
                match self.pairs.iter().position(|(known, _)| *known == renamed) {
                    Some(at) => self.pairs[at].1 = value,
                    None => self.pairs.push((renamed.into(), value)),
                }
            }
            Some(at) => self.pairs[at].1 = value,
            None => self.pairs.push((key.into(), value)),
        }
    }
}
