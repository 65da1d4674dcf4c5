//! Where the attributes of one message stand: found in one pass at the first look-up, shared by all that follow.
//!
//! A span has ten attributes and is asked for two of them by each of a dozen conditions. What is kept are offsets, not
//! references, so that the memory can be used again for the next span.

use std::cell::RefCell;

use crate::value::{EvalError, Result, Value};
use schemas::otlp::{AnyValue, KeyValue};
use schemas::wire::{Fields, WireError};

/// The places of the attributes of a message.
#[derive(Debug, Default)]
pub(crate) struct Index {
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    filled: bool,
    entries: Vec<Entry>,
}

/// Offsets within the message.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key_start: u32,
    key_length: u32,
    /// The `KeyValue` message.
    start: u32,
    end: u32,
    /// Where its `AnyValue` begins, which then reaches to the end; 0 where that isn't so plain.
    value_start: u32,
}

/// Which fields of a message hold attributes: field `field`, or that of the messages in field `outer` unless it is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributed<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) outer: u8,
    pub(crate) field: u8,
}

impl<'a> Attributed<'a> {
    pub(crate) fn new(message: &'a [u8], outer: u8, field: u8) -> Self {
        Self {
            message,
            outer,
            field,
        }
    }
}

impl Index {
    /// The message is another one.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.state.get_mut().filled = false;
    }

    /// Shows the key of each attribute.
    pub(crate) fn visit_keys(
        &self,
        within: Attributed<'_>,
        mut visit: impl FnMut(&[u8]),
    ) -> Result<()> {
        let mut state = self.state.borrow_mut();
        if !state.filled {
            state.fill(within)?;
        }
        for entry in &state.entries {
            let start = entry.key_start as usize;
            let key = within.message.get(start..start + entry.key_length as usize);
            visit(key.unwrap_or_default());
        }
        Ok(())
    }

    /// The first attribute of that name.
    #[inline]
    pub(crate) fn find<'a>(&self, within: Attributed<'a>, key: &str) -> Result<Option<Value<'a>>> {
        let mut state = self.state.borrow_mut();
        if !state.filled {
            state.fill(within)?;
        }
        let message = within.message;
        for entry in &state.entries {
            if entry.key_length as usize != key.len() {
                continue;
            }
            let start = entry.key_start as usize;
            if message.get(start..start + key.len()) == Some(key.as_bytes()) {
                return entry.value(message).map(Some);
            }
        }
        Ok(None)
    }

    /// The `AnyValue` of the first attribute of that name, where it stands as encoders write it.
    #[inline]
    pub(crate) fn plain_value<'a>(&self, within: Attributed<'a>, key: &str) -> Option<&'a [u8]> {
        let mut state = self.state.borrow_mut();
        if !state.filled {
            state.fill(within).ok()?;
        }
        let message = within.message;
        let entry = state.entries.iter().find(|entry| {
            let start = entry.key_start as usize;
            entry.key_length as usize == key.len()
                && message.get(start..start + key.len()) == Some(key.as_bytes())
        })?;
        let value = message.get(entry.value_start as usize..entry.end as usize)?;
        (entry.value_start != 0).then_some(value)
    }
}

impl Entry {
    #[inline]
    fn value<'a>(&self, message: &'a [u8]) -> Result<Value<'a>> {
        let part = |start: u32| {
            let range = start as usize..self.end as usize;
            message.get(range).unwrap_or_default()
        };
        if self.value_start == 0 {
            return Value::read(KeyValue::parse(part(self.start))?.value);
        }
        // The shapes that nearly all values have; the others by the book.
        match part(self.value_start) {
            [0x0a, length @ ..0x80, text @ ..] if text.len() == usize::from(*length) => {
                Value::text(text)
            }
            [0x18, number @ ..0x80] => Ok(Value::Int(i64::from(*number))),
            [0x18, low @ 0x80..=0xff, high @ ..0x80] => {
                Ok(Value::Int(i64::from(low & 0x7f) | i64::from(*high) << 7))
            }
            [0x10, value @ ..0x80] => Ok(Value::Bool(*value != 0)),
            value => Value::read(AnyValue::parse(value)?),
        }
    }
}

impl State {
    #[inline(never)]
    fn fill(&mut self, within: Attributed<'_>) -> Result<()> {
        self.entries.clear();
        if u32::try_from(within.message.len()).is_err() {
            return Err(EvalError::new("a message of more than 4 GiB"));
        }
        if within.outer == 0 {
            self.fill_from(within.message, within.message, within.field)?;
        } else {
            for field in Fields::new(within.message) {
                let field = field?;
                if field.number == u32::from(within.outer) {
                    self.fill_from(within.message, field.len_value()?, within.field)?;
                }
            }
        }
        self.filled = true;
        Ok(())
    }

    #[inline]
    fn fill_from(&mut self, whole: &[u8], message: &[u8], number: u8) -> Result<(), WireError> {
        let base = offset(whole, message);
        let tag = number << 3 | 2;
        let mut rest = message;
        while !rest.is_empty() {
            let at = base + (message.len() - rest.len()) as u32;
            if let Some((entry, length)) = plain(rest, tag, at) {
                self.entries.push(entry);
                rest = &rest[length..];
                continue;
            }
            if let Some(length) = other(rest, tag) {
                rest = &rest[length..];
                continue;
            }
            let Some(field) = Fields::new(rest).next() else {
                break;
            };
            let field = field?;
            rest = &rest[field.raw.len()..];
            if field.number == u32::from(number) {
                self.push(whole, field.len_value()?)?;
            }
        }
        Ok(())
    }

    #[cold]
    fn push(&mut self, whole: &[u8], pair: &[u8]) -> Result<(), WireError> {
        let key = KeyValue::parse(pair)?.key;
        let start = offset(whole, pair);
        self.entries.push(Entry {
            // A key that is absent has its place nowhere; its length 0 makes the place irrelevant.
            key_start: if key.is_empty() {
                0
            } else {
                offset(whole, key)
            },
            key_length: key.len() as u32,
            start,
            end: start + pair.len() as u32,
            value_start: 0,
        });
        Ok(())
    }
}

/// The attribute at the start of `rest`, which stands at `at`, and the length of its field; if it has the shape that every
/// encoder writes, a short key, then a short value, then nothing, and one-byte lengths.
#[inline(always)]
fn plain(rest: &[u8], tag: u8, at: u32) -> Option<(Entry, usize)> {
    if rest.first() != Some(&tag) {
        return None;
    }
    let (&[_, length @ ..0x80, 0x0a, key_length @ ..0x80], after) =
        rest.split_first_chunk::<4>()?
    else {
        return None;
    };
    let (key_length, length) = (usize::from(key_length), usize::from(length));
    let &[0x12, value_length @ ..0x80] = after.get(key_length..key_length + 2)? else {
        return None;
    };
    let sound = length == key_length + usize::from(value_length) + 4;
    if !sound || rest.len() < length + 2 {
        return None;
    }
    let end = at + 2 + length as u32;
    let entry = Entry {
        key_start: at + 4,
        key_length: key_length as u32,
        start: at + 2,
        end,
        value_start: end - u32::from(value_length),
    };
    Some((entry, length + 2))
}

/// The length of the field at the start of `rest`, if it is another one than `tag` and short.
#[inline(always)]
fn other(rest: &[u8], tag: u8) -> Option<usize> {
    let (&[first @ 8..0x80, second], after) = rest.split_first_chunk::<2>()? else {
        return None;
    };
    let more = match first & 7 {
        2 if first != tag && second < 0x80 => usize::from(second),
        1 if first >> 3 != tag >> 3 => 7,
        5 if first >> 3 != tag >> 3 => 3,
        0 if first >> 3 != tag >> 3 && second < 0x80 => 0,
        _ => return None,
    };
    (after.len() >= more).then_some(2 + more)
}

/// Where `part` begins within `whole`, of which it is a part.
#[inline]
fn offset(whole: &[u8], part: &[u8]) -> u32 {
    (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize) as u32
}
