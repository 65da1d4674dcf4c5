//! The indexed fields of an event: flat, each key once. Maps are taken apart (`a.b`), lists of lists or maps become JSON within a text.

use std::collections::HashSet;
use std::ops::Range;

use schemas::json::plain::Plain;
use schemas::json::token::{put_escaped, put_text};
use schemas::otlp::{AnyValue, ArrayValues, Attributes};
use schemas::wire::WireError;

/// Deeper maps are malformed; as in OTLP's own checks.
const DEPTH_MAX: usize = 100;
/// Up to here, keys are compared one by one.
const FEW: usize = 32;

/// Members of a JSON object, of which the first of a key counts.
#[derive(Debug, Default)]
pub struct Fields {
    /// `"key":value`, one behind the other.
    bytes: Vec<u8>,
    members: Vec<Member>,
    /// The key that is being put together.
    path: Vec<u8>,
    /// The keys, once there are many.
    keys: HashSet<Vec<u8>>,
    scratch: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Member {
    /// The key, as it is in JSON, without quotes.
    key: Range<usize>,
    end: usize,
}

impl Fields {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.members.clear();
        self.keys.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Members, with a comma between each two.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (index, member) in self.members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            // With the quote before the key.
            out.extend_from_slice(&self.bytes[member.key.start - 1..member.end]);
        }
    }

    /// Adds those of others whose keys aren't here.
    pub fn add(&mut self, others: &Self) {
        for member in &others.members {
            let key = &others.bytes[member.key.clone()];
            if !self.begin_escaped(key) {
                continue;
            }
            let value = member.key.end..member.end;
            self.bytes.extend_from_slice(&others.bytes[value]);
            self.finish();
        }
    }

    /// Adds a text, if it isn't empty and the key isn't here.
    pub fn text(&mut self, key: &str, text: &[u8]) {
        self.value(key, text, |out, text| {
            if !text.is_empty() {
                put_text(out, text);
            }
        });
    }

    /// Adds what `write` appends, unless that is nothing, or the key is here.
    pub fn value<T>(&mut self, key: &str, value: T, write: impl FnOnce(&mut Vec<u8>, T)) {
        let before = self.bytes.len();
        if !self.begin_escaped(key.as_bytes()) {
            return;
        }
        self.bytes.extend_from_slice(b"\":");
        let empty = self.bytes.len();
        write(&mut self.bytes, value);
        match self.bytes.len() == empty {
            true => self.give_up(before),
            false => self.finish(),
        }
    }

    /// Adds attributes, but for those that are `left_out`.
    ///
    /// # Errors
    /// They are malformed, or nested too deeply.
    pub fn attributes<'a>(
        &mut self,
        attributes: Attributes<'a>,
        plain: &mut Plain<'a>,
        left_out: impl Fn(&[u8]) -> bool,
    ) -> Result<(), WireError> {
        for pair in attributes {
            let pair = pair?;
            if !left_out(pair.key) {
                self.path.clear();
                put_escaped(&mut self.path, pair.key);
                self.any(pair.value, plain, 0)?;
            }
        }
        Ok(())
    }

    /// Adds a value under the path.
    fn any<'a>(
        &mut self,
        value: AnyValue<'a>,
        plain: &mut Plain<'a>,
        depth: usize,
    ) -> Result<(), WireError> {
        if depth > DEPTH_MAX {
            return Err(WireError::Depth { limit: DEPTH_MAX });
        }
        match value {
            // Splunk refuses null.
            AnyValue::Empty => return Ok(()),
            AnyValue::Double(number) if !number.is_finite() => return Ok(()),
            AnyValue::Kvlist(list) => {
                let length = self.path.len();
                for pair in Attributes::new(list, 1) {
                    let pair = pair?;
                    self.path.push(b'.');
                    put_escaped(&mut self.path, pair.key);
                    self.any(pair.value, plain, depth + 1)?;
                    self.path.truncate(length);
                }
                return Ok(());
            }
            _ => {}
        }
        let path = std::mem::take(&mut self.path);
        let is_new = self.begin_escaped(&path);
        self.path = path;
        if !is_new {
            return Ok(());
        }
        self.bytes.extend_from_slice(b"\":");
        match value {
            AnyValue::Array(array) if !is_flat(array) => {
                self.scratch.clear();
                plain.value(&mut self.scratch, value)?;
                put_text(&mut self.bytes, &self.scratch);
            }
            value => plain.value(&mut self.bytes, value)?,
        }
        self.finish();
        Ok(())
    }

    /// Begins a member with a key in its form in JSON; false when it is here already.
    fn begin_escaped(&mut self, key: &[u8]) -> bool {
        let same = |member: &Member| self.bytes[member.key.clone()] == *key;
        let is_here = match self.keys.is_empty() {
            true => self.members.iter().any(same),
            false => self.keys.contains(key),
        };
        if is_here {
            return false;
        }
        self.bytes.push(b'"');
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.members.push(Member {
            key: start..self.bytes.len(),
            end: 0,
        });
        if !self.keys.is_empty() {
            self.keys.insert(key.to_vec());
        } else if self.members.len() == FEW {
            let keys = self
                .members
                .iter()
                .map(|member| self.bytes[member.key.clone()].to_vec());
            self.keys = keys.collect();
        }
        true
    }

    fn finish(&mut self) {
        let end = self.bytes.len();
        if let Some(member) = self.members.last_mut() {
            member.end = end;
        }
    }

    fn give_up(&mut self, before: usize) {
        if let Some(member) = self.members.pop() {
            self.keys.remove(&self.bytes[member.key]);
        }
        self.bytes.truncate(before);
    }
}

fn is_flat(array: &[u8]) -> bool {
    ArrayValues::new(array).all(|value| {
        !matches!(
            value,
            Ok(AnyValue::Array(_) | AnyValue::Kvlist(_) | AnyValue::Empty)
        )
    })
}
