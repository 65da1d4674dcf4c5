//! The rewriter: walks one record by the tables of [`schemas::otlp::schema`] and decides for each field, by its kind and meaning, which rules apply.
//!
//! One pass over the bytes, no decoding into owned structures, nothing copied that doesn't change. An error is contained
//! in the item, scope or resource in which it stands: the caller is told which items can't go on. Attributes are in
//! `attribute.rs`.
//!
//! Protobuf allows a field of a `KeyValue` or `AnyValue` to stand there twice, the last one counting; no encoder writes
//! that, readers differ in it, and a rule could be led past a value by it: refused.

mod attribute;
mod edits;
mod memo;

use std::ops::Range;
use std::sync::Arc;

use schemas::Signal;
use schemas::otlp::schema::{Kind, Meaning, Message, Presence, Role, request};
use schemas::otlp::{AnyValue, Items, KeyValue};
use schemas::wire::{Field, Fields, Value, put_len};

use crate::outcome::{DEPTH_MAX, Done, Outcome, Reason, Refused, mismatch, twice, utf8, wire};
use crate::place::{Context, contains_errors, is_item};
use crate::rules::{KeyAction, Rules};
use crate::trace_state;
use edits::Edits;
use memo::Memo;

/// 64 bytes each, so that what is used of the memos stays within a core's second-level cache.
const PAIR_SLOTS: usize = 8192;
const TEXT_SLOTS: usize = 4096;
const KEY_SLOTS: usize = 1024;

/// Applies rules to records, one after the other; holds the buffers and memos for that.
pub struct Rewriter {
    rules: Arc<Rules>,
    edits: Edits,
    /// Whole attributes, key and value as they are written, that stay as they are.
    pairs: Memo,
    texts: Memo,
    keys: Memo,
    counts: Vec<u64>,
    items: usize,
    refused: Vec<Range<usize>>,
    reason: Option<Reason>,
    resource_seen: bool,
}

impl Rewriter {
    pub fn new(rules: Arc<Rules>) -> Self {
        Self::with_memos(rules, 1)
    }

    /// One of many: with memos of 60 KiB instead of 900.
    pub fn small(rules: Arc<Rules>) -> Self {
        Self::with_memos(rules, 16)
    }

    fn with_memos(rules: Arc<Rules>, part: usize) -> Self {
        let slots = |slots: usize| if rules.is_empty() { 1 } else { slots / part };
        let [pairs, texts, keys] = [PAIR_SLOTS, TEXT_SLOTS, KEY_SLOTS].map(|n| Memo::new(slots(n)));
        Self {
            counts: vec![0; rules.counters().len()],
            rules,
            edits: Edits::default(),
            pairs,
            texts,
            keys,
            items: 0,
            refused: Vec::new(),
            reason: None,
            resource_seen: false,
        }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Changes made in the last record, by the index of [`Rules::counters`]; only what [`Rewriter::transform`] let pass counts.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Applies the rules to one request of the signal.
    ///
    /// # Errors
    /// What can't go on: see [`Refused`].
    pub fn transform(
        &mut self,
        signal: Signal,
        record: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Done, Refused> {
        self.begin(record);
        let shape = request(signal);
        if self.rules.is_empty() {
            // Framing is checked all the same: what isn't OTLP doesn't go on.
            let items = Items::new(record).try_fold(0, |items, item| item.map(|_| items + 1));
            return match items {
                Ok(items) => Ok(Done {
                    items,
                    outcome: Outcome::Unchanged,
                }),
                Err(error) => Err(Refused::Record(wire(shape, error))),
            };
        }
        self.message(record, None, shape, 1)
            .map_err(Refused::Record)?;
        if let Some(reason) = self.reason.take() {
            return Err(Refused::Items {
                numbers: std::mem::take(&mut self.refused),
                items: self.items,
                reason,
            });
        }
        let outcome = if self.edits.is_empty() {
            Outcome::Unchanged
        } else {
            self.edits.write(record, out);
            Outcome::Changed
        };
        Ok(Done {
            items: self.items,
            outcome,
        })
    }

    fn begin(&mut self, record: &[u8]) {
        self.edits.begin(record);
        self.counts.fill(0);
        self.items = 0;
        self.refused.clear();
        self.reason = None;
    }

    /// Walks the fields of one message; `owner` is the field it is the value of.
    fn message(
        &mut self,
        body: &[u8],
        owner: Option<&Field<'_>>,
        shape: &'static Message,
        depth: usize,
    ) -> Result<(), Reason> {
        if depth > DEPTH_MAX {
            return Err(Reason::TooDeep {
                message: shape.name,
            });
        }
        if shape.role == Role::OfResource {
            self.resource_seen = false;
        }
        let replaced = KeyAction::set_on(Context::of(shape));
        let mut members = 0;
        let mut fields = Fields::new(body);
        loop {
            if depth + 2 <= DEPTH_MAX {
                self.pass_known(&mut fields, shape.attributes_tag);
            }
            let Some(field) = fields.next() else { break };
            let field = field.map_err(|error| wire(shape, error))?;
            let Some(known) = shape.field(field.number) else {
                self.unknown(&field, field.value);
                continue;
            };
            match (known.kind, field.value) {
                (Kind::Message(child), Value::Len(body)) => match known.meaning {
                    Meaning::Attribute => self.attribute(&field, body, replaced, depth + 1)?,
                    _ => self.child(&field, body, child, depth + 1)?,
                },
                (Kind::Text, Value::Len(text)) => match known.meaning {
                    Meaning::TraceState => self.trace_state(&field, text, shape)?,
                    _ => self.text(&field, text, shape)?,
                },
                // Ids are random bytes when of the right length, else bytes like any other.
                (Kind::Id(_), Value::Len(id)) if matches!(id.len(), 0 | 8 | 16) => {}
                (Kind::Id(_) | Kind::Bytes, Value::Len(bytes)) => self.bytes(&field, bytes),
                // Numbers can't hide text; one that comes as a length could, unless it is packed.
                (kind, Value::Len(_)) if kind.is_number() && known.presence != Presence::Many => {
                    return Err(mismatch(shape, &field));
                }
                (kind, _) if kind.is_number() => {}
                _ => return Err(mismatch(shape, &field)),
            }
            members += 1;
            if shape.is_choice && members > 1 {
                return Err(twice(shape, &field));
            }
        }
        if let Some(owner) = owner {
            self.set(owner, shape);
        }
        Ok(())
    }

    /// Passes over attributes that were looked at before, key and value, and stay as they are: nearly all.
    #[inline]
    fn pass_known(&mut self, fields: &mut Fields<'_>, tag: u8) {
        if tag == 0 {
            return;
        }
        loop {
            let mut ahead = fields.clone();
            let Some(pair) = ahead.next_plain(tag) else {
                return;
            };
            if self.pairs.get(pair).is_none() {
                if !self.is_known(pair) {
                    return;
                }
                self.pairs.put(pair, 0);
            }
            *fields = ahead;
        }
    }

    /// An attribute of the plain shape whose key no rule names, and in whose key and value no pattern found anything.
    fn is_known(&self, pair: &[u8]) -> bool {
        let Some(pair) = KeyValue::plain(pair) else {
            return false;
        };
        let value_is_known = match pair.value {
            AnyValue::String(text) => text.is_empty() || self.texts.get(text).is_some(),
            AnyValue::Bool(_) | AnyValue::Int(_) | AnyValue::Double(_) | AnyValue::Empty => true,
            _ => false,
        };
        value_is_known && self.keys.get(pair.key) == Some(KeyAction::default().0)
    }

    /// A message within a message. Errors stay within the item, scope or resource.
    fn child(
        &mut self,
        field: &Field<'_>,
        body: &[u8],
        shape: &'static Message,
        depth: usize,
    ) -> Result<(), Reason> {
        let first = self.items;
        let refused = self.refused.len();
        if is_item(shape) {
            self.items += 1;
        }
        let open = self.edits.open(field, body);
        match self.message(body, Some(field), shape, depth) {
            Ok(()) => {
                self.edits.close(open);
                Ok(())
            }
            Err(reason) if !contains_errors(shape) => Err(reason),
            Err(reason) => {
                let items = items_in(body, shape)?;
                if items == 0 {
                    return Err(reason);
                }
                self.items = first + items;
                self.refused.truncate(refused);
                self.refused.push(first..self.items);
                self.reason.get_or_insert(reason);
                Ok(())
            }
        }
    }

    fn text(&mut self, field: &Field<'_>, text: &[u8], shape: &Message) -> Result<(), Reason> {
        if text.is_empty() || self.texts.get(text).is_some() {
            return Ok(());
        }
        let string = utf8(text, field.number, shape)?;
        let counts = &mut self.counts[Rules::MASKED..];
        match self.rules.masks().apply(string, |mask| counts[mask] += 1) {
            Some(masked) => self.edits.replace(field, masked.as_bytes()),
            None => self.texts.put(text, 0),
        }
        Ok(())
    }

    fn trace_state(
        &mut self,
        field: &Field<'_>,
        text: &[u8],
        shape: &Message,
    ) -> Result<(), Reason> {
        let state = utf8(text, field.number, shape)?;
        let masks = self.rules.masks();
        if masks.is_empty() || state.is_empty() {
            return Ok(());
        }
        let counts = &mut self.counts[Rules::MASKED..];
        if let Some(redacted) = trace_state::redact(state, |text| masks.matches(text)) {
            masks.apply(state, |mask| counts[mask] += 1);
            self.edits.replace(field, redacted.as_bytes());
        }
        Ok(())
    }

    fn bytes(&mut self, field: &Field<'_>, bytes: &[u8]) {
        let counts = &mut self.counts[Rules::MASKED..];
        if let Some(masked) = self
            .rules
            .masks()
            .apply_bytes(bytes, |mask| counts[mask] += 1)
        {
            self.edits.replace(field, &masked);
        }
    }

    /// A number can't hide text; what has a length could.
    fn unknown(&mut self, field: &Field<'_>, value: Value<'_>) {
        if self.rules.drops_unknown() && matches!(value, Value::Len(_)) {
            self.edits.remove(field);
            self.counts[Rules::UNKNOWN] += 1;
        }
    }

    /// Behind the fields of a message: what is set there, once.
    fn set(&mut self, owner: &Field<'_>, shape: &Message) {
        let Self {
            rules,
            edits,
            resource_seen,
            ..
        } = self;
        match Context::of(shape) {
            // A resource that comes in parts is one resource.
            Some(Context::Resource) if std::mem::replace(resource_seen, true) => {}
            Some(context) => {
                let set = rules.set(context);
                if !set.is_empty() {
                    let number = u32::from(shape.attributes_tag >> 3);
                    edits.append(owner, |text| set.write(number, text));
                }
            }
            None if shape.role == Role::OfResource && !*resource_seen => {
                let set = rules.set(Context::Resource);
                if !set.is_empty() {
                    edits.append(owner, |text| {
                        let mut resource = Vec::new();
                        set.write(1, &mut resource);
                        put_len(text, 1, &resource);
                    });
                }
            }
            None => {}
        }
    }
}

/// The number of items in a resource or scope that can't be walked by its shape: only the framing has to hold.
fn items_in(body: &[u8], shape: &Message) -> Result<usize, Reason> {
    if is_item(shape) {
        return Ok(1);
    }
    let mut items = 0;
    for field in Fields::new(body) {
        let field = field.map_err(|error| wire(shape, error))?;
        if let (Some(Kind::Message(child)), Value::Len(body)) = (
            shape.field(field.number).map(|known| known.kind),
            field.value,
        ) && (is_item(child) || child.role == Role::OfScope)
        {
            items += items_in(body, child)?;
        }
    }
    Ok(items)
}
