//! The rewriter at one attribute: the key decides about the value.

use schemas::otlp::AnyValue;
use schemas::otlp::schema::{ANY_VALUE, KEY_VALUE, Message};
use schemas::wire::{Field, Fields, Value, put_len};

use super::edits::Open;
use super::notes::{Note, Notes, Number};
use super::personal::Personal;
use super::{NO_KEY, Rewriter};
use crate::outcome::{DEPTH_MAX, Reason, mismatch, twice, utf8, wire};
use crate::rules::{KeyAction, Rules};

/// Of a hash or of what stands for a value.
const TEXT_MAX: usize = 64;
/// What stands for a value that may not stay.
const BLANK: &[u8] = b"****";

/// What stands in a `KeyValue`. The key decides about the value, and may stand behind it.
struct Parts<'p> {
    key: Option<(Field<'p>, &'p [u8])>,
    value: Option<(Field<'p>, &'p [u8])>,
    /// Nothing but a key and then a value, besides numbers.
    plain: bool,
}

impl<'p> Parts<'p> {
    #[inline]
    fn read(pair: &'p [u8]) -> Result<Self, Reason> {
        let shape = &KEY_VALUE;
        let (mut key, mut value) = (None, None);
        let mut plain = true;
        for part in Fields::new(pair) {
            let part = part.map_err(|error| wire(shape, error))?;
            let seen = match (part.number, part.value) {
                (1, Value::Len(text)) => {
                    plain &= value.is_none();
                    key.replace((part, text)).is_some()
                }
                (2, Value::Len(body)) => value.replace((part, body)).is_some(),
                (1 | 2, _) | (3, Value::Len(_)) => return Err(mismatch(shape, &part)),
                _ => {
                    plain &= part.number == 3;
                    false
                }
            };
            if seen {
                return Err(twice(shape, &part));
            }
        }
        Ok(Self { key, value, plain })
    }
}

impl Rewriter {
    /// One `KeyValue`. `replaced` is the bit of what is set in this place, whose old value goes.
    pub(super) fn attribute(
        &mut self,
        field: &Field<'_>,
        pair: &[u8],
        replaced: u8,
        depth: usize,
    ) -> Result<(), Reason> {
        let shape = &KEY_VALUE;
        if depth > DEPTH_MAX {
            return Err(Reason::TooDeep {
                message: shape.name,
            });
        }
        let Parts { key, value, plain } = Parts::read(pair)?;
        let text = key.map_or(&[][..], |(_, text)| text);
        let (number, key_is_clean) = self.key_note(text, shape)?;
        let note = self.notes.get(number);
        let (action, is_blank) = (note.action, note.pii.is_blank());
        if action.has(KeyAction::DELETE | replaced) {
            self.edits.remove(field);
            self.counts[Rules::DELETED] += u64::from(action.has(KeyAction::DELETE));
            return Ok(());
        }
        // An empty value has nothing to hide; what else the attribute holds is seen to below.
        if let Some((_, body)) = value
            && !body.is_empty()
        {
            if action.has(KeyAction::HASH) {
                return self.hash(field, text, body);
            }
            if is_blank && key_is_clean {
                self.value(field, text, BLANK);
                self.counts[Rules::BLANKED] += 1;
                return Ok(());
            }
        }
        let open = self.edits.open(field, pair);
        let outer = self.note;
        if plain {
            if let Some((key, text)) = key
                && !key_is_clean
            {
                self.note = NO_KEY;
                self.text(&key, text, shape)?;
            }
            if let Some((value, body)) = value {
                self.note = number;
                self.child(&value, body, &ANY_VALUE, depth + 1)?;
            }
        } else {
            self.note = number;
            self.message(pair, None, shape, depth)?;
        }
        self.note = outer;
        self.close(open, field);
        Ok(())
    }

    /// Leaves an attribute, or takes it out if something in it asks for that.
    fn close(&mut self, open: Open, field: &Field<'_>) {
        if self.personal.take_attribute() {
            self.edits.take_back(open);
            self.edits.remove(field);
        } else {
            self.edits.close(open);
        }
    }

    /// What is known of a key, by the number of the note, and whether nothing was found in the key itself. Under another key, as in a map: what that
    /// one says holds here as well.
    fn key_note(&mut self, key: &[u8], shape: &Message) -> Result<(Number, bool), Reason> {
        if let Some(number) = self.keys.get(key) {
            return Ok((self.under_outer(number), true));
        }
        self.unknown_key_note(key, shape)
    }

    #[inline(never)]
    fn unknown_key_note(&mut self, key: &[u8], shape: &Message) -> Result<(Number, bool), Reason> {
        let text = utf8(key, 1, shape)?;
        let action = self.rules.action(key);
        let rules = self.rules.clone();
        let pii = rules.pii().map(|pii| pii.note(key)).unwrap_or_default();
        let number = self.notes.number(Note { action, pii });
        // A key that a rule names is the operator's own text.
        let is_clean = action != KeyAction::default()
            || !rules.masks().matches(text) && !Personal::acts_on(rules.pii(), text);
        if is_clean && Notes::lasts(number) {
            self.keys.put(key, number);
        }
        Ok((self.under_outer(number), is_clean))
    }

    #[inline]
    fn under_outer(&mut self, number: Number) -> Number {
        match self.note {
            NO_KEY => number,
            _ => self.number_under_outer(number),
        }
    }

    #[inline(never)]
    fn number_under_outer(&mut self, number: Number) -> Number {
        let outer = self.notes.get(self.note).pii;
        let Note { action, pii } = *self.notes.get(number);
        let pii = pii.under(&outer);
        self.notes.number(Note { action, pii })
    }

    /// The whole attribute is written anew: nothing of the value stays, whatever its type.
    fn hash(&mut self, field: &Field<'_>, key: &[u8], value: &[u8]) -> Result<(), Reason> {
        let Some(hasher) = self.rules.hasher() else {
            // No rule hashes without a secret: see `Rules::compile`.
            self.edits.remove(field);
            return Ok(());
        };
        let parsed = AnyValue::parse(value).map_err(|error| wire(&ANY_VALUE, error))?;
        let hex = hasher.hash(&parsed).unwrap_or_else(|| hasher.digest(value));
        self.value(field, key, &hex);
        self.counts[Rules::HASHED] += 1;
        Ok(())
    }

    /// Writes the whole attribute anew, with a text of up to [`TEXT_MAX`] bytes as its value.
    fn value(&mut self, field: &Field<'_>, key: &[u8], value: &[u8]) {
        // AnyValue {string_value = 1}; its length takes one byte.
        let mut any = [0; TEXT_MAX + 2];
        let len = value.len().min(TEXT_MAX);
        any[0] = 1 << 3 | 2;
        any[1] = len as u8;
        any[2..2 + len].copy_from_slice(&value[..len]);
        self.edits.edit(field, |text| {
            let mut pair = Vec::with_capacity(key.len() + len + 10);
            put_len(&mut pair, 1, key);
            put_len(&mut pair, 2, &any[..2 + len]);
            put_len(text, field.number, &pair);
        });
    }
}
