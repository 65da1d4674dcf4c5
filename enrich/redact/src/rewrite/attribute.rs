//! The rewriter at one attribute: the key decides about the value.

use schemas::otlp::AnyValue;
use schemas::otlp::schema::{ANY_VALUE, KEY_VALUE, Message};
use schemas::wire::{Field, Fields, Value, put_len};

use super::Rewriter;
use crate::outcome::{DEPTH_MAX, Reason, mismatch, twice, utf8, wire};
use crate::rules::{HEX_LEN, KeyAction, Rules};

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
        let action = self.key_action(text, shape)?;
        if let Some(action) = action {
            if action.has(KeyAction::DELETE | replaced) {
                self.edits.remove(field);
                self.counts[Rules::DELETED] += u64::from(action.has(KeyAction::DELETE));
                return Ok(());
            }
            // An empty value has nothing to hide; what else the attribute holds is seen to below.
            if let Some((_, body)) = value
                && action.has(KeyAction::HASH)
                && !body.is_empty()
            {
                return self.hash(field, text, body);
            }
        }
        let open = self.edits.open(field, pair);
        if plain {
            if let Some((key, text)) = key
                && action.is_none()
            {
                self.text(&key, text, shape)?;
            }
            if let Some((value, body)) = value {
                self.child(&value, body, &ANY_VALUE, depth + 1)?;
            }
        } else {
            self.message(pair, None, shape, depth)?;
        }
        self.edits.close(open);
        Ok(())
    }

    /// What is to be done with an attribute of this key; `None` when patterns find something in the key itself.
    fn key_action(&mut self, key: &[u8], shape: &Message) -> Result<Option<KeyAction>, Reason> {
        if let Some(note) = self.keys.get(key) {
            return Ok(Some(KeyAction(note)));
        }
        let text = utf8(key, 1, shape)?;
        let action = self.rules.action(key);
        // A key that a rule names is the operator's own text.
        if action == KeyAction::default() && self.rules.masks().matches(text) {
            return Ok(None);
        }
        self.keys.put(key, action.0);
        Ok(Some(action))
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
        // AnyValue {string_value = 1}
        let mut any = [0; HEX_LEN + 2];
        any[0] = 1 << 3 | 2;
        any[1] = HEX_LEN as u8;
        any[2..].copy_from_slice(&hex);
        self.edits.edit(field, |text| {
            let mut pair = Vec::with_capacity(key.len() + any.len() + 8);
            put_len(&mut pair, 1, key);
            put_len(&mut pair, 2, &any);
            put_len(text, field.number, &pair);
        });
        self.counts[Rules::HASHED] += 1;
        Ok(())
    }
}
