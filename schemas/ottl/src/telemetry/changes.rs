//! What statements have changed of one message, kept beside the bytes that it came as.
//!
//! Nothing is written while statements run: a changed attribute is one entry here, a changed field a few bytes. The message is put
//! together once, when all of them are through, so that what nobody names, unknown fields included, is carried along as it came.

use std::borrow::Cow;
use std::collections::HashMap;

use super::encode::{put_any, replace};
use crate::value::{Map, Result, Value};
use schemas::otlp::KeyValue;
use schemas::wire::{Field, Fields, put_len};

/// As many edits are looked through one by one.
const FEW: usize = 16;

/// The changes of one message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// The fields that were set, encoded, each once. Numbers are below 32.
    fields: Vec<u8>,
    /// The numbers of the fields that the message has no longer: those in `fields`, and cleared ones.
    replaced: u32,
    attributes: Vec<Edit>,
    /// The places in `attributes` by key, once there are many: a span of a megabyte may have a hundred thousand.
    by_key: HashMap<Cow<'static, str>, usize>,
    /// All attributes that the message came with are gone, whatever `attributes` says.
    attributes_cleared: bool,
    /// `schema_url`, which stands round resource and scope and not in them.
    schema_url: Option<String>,
}

/// What became of the attributes of one name.
#[derive(Clone, Debug)]
struct Edit {
    key: Cow<'static, str>,
    /// Those that the message came with are gone, and a new one goes behind the others.
    removed: bool,
    value: Option<Value<'static>>,
}

/// What is known of an attribute here.
pub(crate) enum Known<'s> {
    /// It is as the message has it.
    AsItCame,
    Gone,
    Set(&'s Value<'static>),
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.replaced == 0 && !self.has_attributes() && self.schema_url.is_none()
    }

    pub(crate) fn clear(&mut self) {
        self.fields.clear();
        self.replaced = 0;
        self.attributes.clear();
        self.by_key.clear();
        self.attributes_cleared = false;
        self.schema_url = None;
    }

    /// The fields that were set, as a message of its own, if the one with this number was.
    pub(crate) fn fields_with(&self, number: u32) -> Option<&[u8]> {
        (self.replaced & 1 << number != 0).then_some(&self.fields)
    }

    /// Sets a field; `put` writes it, with tag.
    pub(crate) fn set_field(&mut self, number: u32, put: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        replace(&mut self.fields, number, put)?;
        self.replaced |= 1 << number;
        Ok(())
    }

    /// The message has this field no longer.
    pub(crate) fn clear_field(&mut self, number: u32) -> Result<()> {
        self.set_field(number, |_| {})
    }

    /// Changes a message within the message. All of its occurrences become one.
    pub(crate) fn set_within(
        &mut self,
        base: &[u8],
        number: u32,
        change: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let mut inner = Vec::new();
        for field in Fields::new(self.fields_with(number).unwrap_or(base)) {
            let field = field?;
            if field.number == number {
                inner.extend_from_slice(field.len_value()?);
            }
        }
        change(&mut inner)?;
        self.set_field(number, |out| put_len(out, number, &inner))
    }

    pub(crate) fn schema_url(&self) -> Option<&str> {
        self.schema_url.as_deref()
    }

    pub(crate) fn set_schema_url(&mut self, url: String) {
        self.schema_url = Some(url);
    }

    pub(crate) fn has_attributes(&self) -> bool {
        self.attributes_cleared || !self.attributes.is_empty()
    }

    pub(crate) fn attribute(&self, key: &str) -> Known<'_> {
        match self.find(key.as_bytes()).map(|at| &self.attributes[at]) {
            Some(Edit {
                value: Some(value), ..
            }) => Known::Set(value),
            Some(_) => Known::Gone,
            None if self.attributes_cleared => Known::Gone,
            None => Known::AsItCame,
        }
    }

    /// The value takes the place of the first attribute of that name; without one it goes behind all.
    pub(crate) fn set_attribute(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        value: Value<'static>,
    ) {
        let key = key.into();
        match self.find(key.as_bytes()) {
            Some(at) => self.attributes[at].value = Some(value),
            None => self.push(Edit {
                key,
                removed: false,
                value: Some(value),
            }),
        }
    }

    /// All attributes of that name go.
    pub(crate) fn remove_attribute(&mut self, key: impl Into<Cow<'static, str>>) {
        let key = key.into();
        match self.find(key.as_bytes()) {
            // Attributes that were given whole may have a key twice.
            Some(_) if self.attributes_cleared => {
                let of_key = self.attributes.iter_mut().filter(|edit| edit.key == key);
                of_key.for_each(|edit| edit.value = None);
            }
            Some(at) => {
                let edit = &mut self.attributes[at];
                (edit.removed, edit.value) = (true, None);
            }
            None if self.attributes_cleared => {}
            None => self.push(Edit {
                key,
                removed: true,
                value: None,
            }),
        }
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
        if self.attributes.len() <= FEW {
            let is_of = |edit: &Edit| edit.key.as_bytes() == key;
            return self.attributes.iter().position(is_of);
        }
        let key = std::str::from_utf8(key).ok()?;
        self.by_key.get(key).copied()
    }

    fn push(&mut self, edit: Edit) {
        self.attributes.push(edit);
        let indexed = match self.attributes.len() {
            length if length <= FEW => return,
            length if length == FEW + 1 => 0,
            length => length - 1,
        };
        let new = self.attributes.iter().enumerate().skip(indexed);
        // Of several of one key the first counts.
        for (at, edit) in new {
            self.by_key.entry(edit.key.clone()).or_insert(at);
        }
    }

    /// These attributes, and no others.
    pub(crate) fn replace_attributes(&mut self, pairs: Vec<(Cow<'static, str>, Value<'static>)>) {
        let edit = |(key, value)| Edit {
            key,
            removed: true,
            value: Some(value),
        };
        self.attributes.clear();
        self.by_key.clear();
        pairs.into_iter().map(edit).for_each(|edit| self.push(edit));
        self.attributes_cleared = true;
    }

    /// Shows the keys of the attributes that were set or removed.
    pub(crate) fn visit_keys(&self, visit: &mut impl FnMut(&[u8])) {
        let edits = self.attributes.iter();
        edits.for_each(|edit| visit(edit.key.as_bytes()));
    }

    /// All attributes as they are now, in their order; `came` are those that the message came with.
    pub(crate) fn merged<'a>(&self, came: Option<Map<'a>>) -> Result<Map<'a>> {
        let mut pairs: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
        let came = came.filter(|_| !self.attributes_cleared);
        let mut placed = vec![false; self.attributes.len()];
        for (key, value) in came.map_or(Ok(Vec::new()), Map::into_pairs)? {
            match self.place(key.as_bytes(), &mut placed) {
                Placed::AsItCame => pairs.push((key, value)),
                Placed::Gone => {}
                Placed::Here(value) => pairs.push((key, value.clone())),
            }
        }
        for (key, value) in self.behind(&placed) {
            pairs.push((Cow::Owned(key.to_owned()), value.clone()));
        }
        Ok(Map::Owned(pairs))
    }

    /// Writes the message as it is now. `attributes` is the number of the field that holds them; `other` is shown each field that goes on as it came,
    /// and says whether it has written it itself.
    pub(crate) fn write(
        &self,
        base: &[u8],
        attributes: u32,
        mut other: impl FnMut(&Field<'_>, &mut Vec<u8>) -> Result<bool>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut placed = vec![false; self.attributes.len()];
        for field in Fields::new(base) {
            let field = field?;
            if field.number == attributes && self.has_attributes() {
                self.write_attribute(&field, &mut placed, out)?;
            } else if field.number < 32 && self.replaced & 1 << field.number != 0 {
                continue;
            } else if !other(&field, out)? {
                out.extend_from_slice(field.raw);
            }
        }
        out.extend_from_slice(&self.fields);
        for (key, value) in self.behind(&placed) {
            put_pair(out, attributes, key.as_bytes(), value)?;
        }
        Ok(())
    }

    /// An attribute that the message came with, as it is now.
    fn write_attribute(
        &self,
        field: &Field<'_>,
        placed: &mut [bool],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if self.attributes_cleared {
            return Ok(());
        }
        let key = KeyValue::parse(field.len_value()?)?.key;
        match self.place(key, placed) {
            Placed::AsItCame => out.extend_from_slice(field.raw),
            Placed::Gone => {}
            Placed::Here(value) => put_pair(out, field.number, key, value)?,
        }
        Ok(())
    }

    /// What stands in the place of an attribute that the message came with: a new value in that of the first one only.
    fn place(&self, key: &[u8], placed: &mut [bool]) -> Placed<'_> {
        let Some(at) = self.find(key) else {
            return Placed::AsItCame;
        };
        match &self.attributes[at] {
            Edit { removed: true, .. } => Placed::Gone,
            Edit {
                value: Some(value), ..
            } if !placed[at] => {
                placed[at] = true;
                Placed::Here(value)
            }
            _ => Placed::AsItCame,
        }
    }

    /// The new attributes that took nobody's place.
    fn behind(&self, placed: &[bool]) -> impl Iterator<Item = (&str, &Value<'static>)> {
        let edits = self.attributes.iter().zip(placed);
        edits.filter_map(|(edit, placed)| {
            let value = edit.value.as_ref().filter(|_| !placed)?;
            Some((&*edit.key, value))
        })
    }
}

enum Placed<'s> {
    AsItCame,
    Gone,
    Here(&'s Value<'static>),
}

fn put_pair(out: &mut Vec<u8>, number: u32, key: &[u8], value: &Value<'_>) -> Result<()> {
    let mut pair = Vec::with_capacity(key.len() + 32);
    put_len(&mut pair, 1, key);
    let mut any = Vec::with_capacity(24);
    put_any(&mut any, value)?;
    put_len(&mut pair, 2, &any);
    put_len(out, number, &pair);
    Ok(())
}
