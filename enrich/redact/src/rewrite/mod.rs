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
mod notes;
mod personal;
mod treat;

use std::ops::Range;
use std::sync::Arc;

use schemas::Signal;
use schemas::otlp::schema::{self, Kind, Meaning, Message, Presence, Role, request};
use schemas::otlp::{AnyValue, Items, KeyValue};
use schemas::wire::{Field, Fields, Value, put_len};

use crate::outcome::{DEPTH_MAX, Done, Outcome, Reason, Refused, mismatch, twice, utf8, wire};
use crate::place::{Context, contains_errors, is_item};
use crate::rules::{KeyAction, Rules};
use crate::trace_state;
use edits::Edits;
use memo::Memo;
use notes::{NO_KEY, Note, Notes, Number};
use personal::Personal;

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
    /// What is known of keys, by the number that the memo of keys holds.
    notes: Notes,
    /// Of the attribute that is walked.
    note: Number,
    counts: Vec<u64>,
    personal: Personal,
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
        let no_key = Note {
            pii: rules.pii().map(|pii| pii.no_key()).unwrap_or_default(),
            ..Note::default()
        };
        Self {
            notes: Notes::new(no_key),
            note: NO_KEY,
            personal: Personal::new(rules.pii()),
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

    /// What was found in the last record, by the index of [`crate::pii::Pii::counters`]. Where items were refused as [`Reason::Quarantined`]: what
    /// sent them there, and nothing else.
    pub fn pii_counts(&self) -> &[u64] {
        self.personal.counts()
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
                    dropped: Vec::new(),
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
        if let Some((numbers, detector)) = self.personal.quarantined(self.rules.pii()) {
            return Err(Refused::Items {
                numbers,
                items: self.items,
                reason: Reason::Quarantined { detector },
            });
        }
        let outcome = if self.edits.is_empty() {
            Outcome::Unchanged
        } else {
            self.edits.write(record, out);
            Outcome::Changed
        };
        let dropped = self.personal.dropped();
        Ok(Done {
            items: self.items - personal::count(&dropped),
            dropped,
            outcome,
        })
    }

    fn begin(&mut self, record: &[u8]) {
        self.edits.begin(record);
        self.counts.fill(0);
        self.items = 0;
        self.note = NO_KEY;
        self.personal.begin();
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
            // What is known of an attribute holds where no other key is round it.
            if depth + 2 <= DEPTH_MAX && self.note == NO_KEY {
                self.pass_known(&mut fields, shape.attributes_tag);
            }
            let Some(field) = fields.next() else { break };
            let field = field.map_err(|error| wire(shape, error))?;
            let Some(known) = shape.field(field.number) else {
                self.unknown(&field, field.value);
                continue;
            };
            self.field(&field, known, shape, replaced, depth)?;
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

    /// One field of a message, by its kind and meaning.
    #[inline(always)]
    fn field(
        &mut self,
        field: &Field<'_>,
        known: &schema::Field,
        shape: &'static Message,
        replaced: u8,
        depth: usize,
    ) -> Result<(), Reason> {
        match (known.kind, field.value) {
            (Kind::Message(child), Value::Len(body)) => match known.meaning {
                Meaning::Attribute => self.attribute(field, body, replaced, depth + 1)?,
                _ => self.child(field, body, child, depth + 1)?,
            },
            (Kind::Text, Value::Len(text)) => match known.meaning {
                Meaning::TraceState => self.trace_state(field, text, shape)?,
                _ => self.text(field, text, shape)?,
            },
            // Ids are random bytes when of the right length, else bytes like any other.
            (Kind::Id(_), Value::Len(id)) if matches!(id.len(), 0 | 8 | 16) => {}
            (Kind::Id(_) | Kind::Bytes, Value::Len(bytes)) => self.bytes(field, bytes),
            // Numbers can't hide text; one that comes as a length could, unless it is packed.
            (kind, Value::Len(_)) if kind.is_number() && known.presence != Presence::Many => {
                return Err(mismatch(shape, field));
            }
            (kind, value) if kind.is_number() => {
                if self.note != NO_KEY {
                    self.number(field, value, shape);
                }
            }
            _ => return Err(mismatch(shape, field)),
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
        let Some(number) = self.keys.get(pair.key) else {
            return false;
        };
        if number != NO_KEY {
            return self.is_known_by(number, &pair.value);
        }
        match pair.value {
            AnyValue::String(text) => text.is_empty() || self.texts.get(text) == Some(NO_KEY),
            AnyValue::Bool(_) | AnyValue::Int(_) | AnyValue::Double(_) | AnyValue::Empty => true,
            _ => false,
        }
    }

    /// The same where something is known of the key.
    #[inline(never)]
    fn is_known_by(&self, number: Number, value: &AnyValue<'_>) -> bool {
        let Note { action, pii } = self.notes.get(number);
        if *action != KeyAction::default() || pii.is_blank() {
            return false;
        }
        match value {
            AnyValue::String(text) => text.is_empty() || self.texts.get(text) == Some(number),
            AnyValue::Int(_) | AnyValue::Double(_) => !pii.concerns_numbers(),
            AnyValue::Bool(_) | AnyValue::Empty => true,
            _ => false,
        }
    }

    /// A message within a message. Errors stay within the item, scope or resource.
    fn child(
        &mut self,
        field: &Field<'_>,
        body: &[u8],
        shape: &'static Message,
        depth: usize,
    ) -> Result<(), Reason> {
        if !contains_errors(shape) {
            let open = self.edits.open(field, body);
            self.message(body, Some(field), shape, depth)?;
            self.edits.close(open);
            return Ok(());
        }
        let first = self.items;
        let refused = self.refused.len();
        if is_item(shape) {
            self.items += 1;
        }
        let mark = self.personal.enter();
        let open = self.edits.open(field, body);
        match self.message(body, Some(field), shape, depth) {
            Ok(()) => {
                if self.personal.leave(mark, first..self.items) {
                    self.edits.take_back(open);
                    self.edits.remove(field);
                } else {
                    self.edits.close(open);
                }
                Ok(())
            }
            Err(reason) => {
                self.note = NO_KEY;
                self.personal.abandon(mark);
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
        if text.is_empty() || self.texts.get(text) == Some(self.note) {
            return Ok(());
        }
        let string = utf8(text, field.number, shape)?;
        if self.rules.pii().is_some() {
            self.personal_text(field, string);
            return Ok(());
        }
        let counts = &mut self.counts[Rules::MASKED..];
        match self.rules.masks().apply(string, |mask| counts[mask] += 1) {
            Some(masked) => self.edits.replace(field, masked.as_bytes()),
            None if Notes::lasts(self.note) => self.texts.put(text, self.note),
            None => {}
        }
        Ok(())
    }

    /// A text that detectors look at, before patterns do.
    fn personal_text(&mut self, field: &Field<'_>, text: &str) {
        let treated = self.treat(text);
        let left = treated.text.as_deref().unwrap_or(text);
        let counts = &mut self.counts[Rules::MASKED..];
        match self.rules.masks().apply(left, |mask| counts[mask] += 1) {
            Some(masked) => self.edits.replace(field, masked.as_bytes()),
            None if treated.text.is_some() => self.edits.replace(field, left.as_bytes()),
            None if !treated.found && Notes::lasts(self.note) => {
                self.texts.put(text.as_bytes(), self.note);
            }
            None => {}
        }
    }

    fn trace_state(
        &mut self,
        field: &Field<'_>,
        text: &[u8],
        shape: &Message,
    ) -> Result<(), Reason> {
        let state = utf8(text, field.number, shape)?;
        if state.is_empty() || self.rules.masks().is_empty() && self.rules.pii().is_none() {
            return Ok(());
        }
        let rules = self.rules.clone();
        let (masks, pii) = (rules.masks(), rules.pii());
        let is_redacted = |text: &str| masks.matches(text) || Personal::acts_on(pii, text);
        if let Some(redacted) = trace_state::redact(state, is_redacted) {
            let counts = &mut self.counts[Rules::MASKED..];
            masks.apply(state, |mask| counts[mask] += 1);
            self.personal.count(pii, state);
            self.edits.replace(field, redacted.as_bytes());
        }
        Ok(())
    }

    fn bytes(&mut self, field: &Field<'_>, bytes: &[u8]) {
        let treated = self.treat_bytes(bytes);
        let counts = &mut self.counts[Rules::MASKED..];
        let left = treated.as_deref().unwrap_or(bytes);
        let masked = self
            .rules
            .masks()
            .apply_bytes(left, |mask| counts[mask] += 1);
        if let Some(clean) = masked.or(treated) {
            self.edits.replace(field, &clean);
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
