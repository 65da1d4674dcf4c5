//! Attributes in place: `KeyValue {key = 1, value = 2}` and `AnyValue`.
//!
//! Nested values stay messages; whoever wants them walks them with [`Attributes`] or [`ArrayValues`].

use crate::wire::{Fields, WireError, whole};

/// One attribute. Keys are bytes: they are compared far more often than shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyValue<'a> {
    pub key: &'a [u8],
    pub value: AnyValue<'a>,
}

/// `AnyValue {string = 1, bool = 2, int = 3, double = 4, array = 5, kvlist = 6, bytes = 7}`; nested ones as messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnyValue<'a> {
    Empty,
    String(&'a [u8]),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// An `ArrayValue` message: `values = 1`.
    Array(&'a [u8]),
    /// A `KeyValueList` message: `values = 1`.
    Kvlist(&'a [u8]),
    Bytes(&'a [u8]),
}

/// Tags of the fields that nearly all attributes are made of.
const KEY: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;
const STRING: u8 = 1 << 3 | 2;
const BOOL: u8 = 2 << 3;
const INT: u8 = 3 << 3;
const DOUBLE: u8 = 4 << 3 | 1;

impl<'a> KeyValue<'a> {
    /// One pass over a `KeyValue` message. Fields that appear twice have their last value.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    #[inline]
    pub fn parse(message: &'a [u8]) -> Result<Self, WireError> {
        match Self::plain(message) {
            Some(pair) => Ok(pair),
            None => Self::walk(message),
        }
    }

    /// Of the one shape that nearly all have: a key, then a value that is text, a bool, a number or empty, no field twice. Such a one is sound
    /// throughout, but for UTF-8. Any other has to be walked, which takes six times as long.
    #[inline]
    pub fn plain(message: &'a [u8]) -> Option<Self> {
        let [KEY, length, rest @ ..] = message else {
            return None;
        };
        if *length >= 0x80 {
            return None;
        }
        let (key, rest) = rest.split_at_checked(usize::from(*length))?;
        let [VALUE, rest @ ..] = rest else {
            return None;
        };
        let value = match whole(rest)? {
            [STRING, rest @ ..] => AnyValue::String(whole(rest)?),
            [BOOL, byte @ ..0x80] => AnyValue::Bool(*byte != 0),
            [INT, byte @ ..0x80] => AnyValue::Int(i64::from(*byte)),
            [INT, low, high @ ..0x80] if *low >= 0x80 => {
                AnyValue::Int(i64::from(*low & 0x7f) | i64::from(*high) << 7)
            }
            [DOUBLE, bits @ ..] => {
                AnyValue::Double(f64::from_le_bytes(*<&[u8; 8]>::try_from(bits).ok()?))
            }
            [] => AnyValue::Empty,
            _ => return None,
        };
        Some(KeyValue { key, value })
    }

    #[inline(never)]
    fn walk(message: &'a [u8]) -> Result<Self, WireError> {
        let mut pair = KeyValue {
            key: &[],
            value: AnyValue::Empty,
        };
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => pair.key = field.len_value()?,
                2 => pair.value = pair.value.then(field.len_value()?)?,
                _ => {}
            }
        }
        Ok(pair)
    }
}

impl<'a> AnyValue<'a> {
    /// One pass over an `AnyValue` message. The last value wins; a container that appears twice is not merged.
    ///
    /// # Errors
    /// As [`KeyValue::parse`].
    #[inline]
    pub fn parse(message: &'a [u8]) -> Result<Self, WireError> {
        AnyValue::Empty.then(message)
    }

    /// What this value becomes when another message for the same field follows.
    #[inline]
    fn then(mut self, message: &'a [u8]) -> Result<Self, WireError> {
        for field in Fields::new(message) {
            let field = field?;
            self = match field.number {
                1 => AnyValue::String(field.len_value()?),
                2 => AnyValue::Bool(field.varint_value()? != 0),
                3 => AnyValue::Int(field.varint_value()? as i64),
                4 => AnyValue::Double(f64::from_bits(field.fixed64_value()?)),
                5 => AnyValue::Array(field.len_value()?),
                6 => AnyValue::Kvlist(field.len_value()?),
                7 => AnyValue::Bytes(field.len_value()?),
                _ => self,
            };
        }
        Ok(self)
    }
}

/// Iterates over the `KeyValue`s in field `field` of a message. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    /// Messages of this field of the outer message are walked one after the other, see [`Attributes::within`].
    outer: Option<(Fields<'a>, u32)>,
    fields: Fields<'a>,
    field: u32,
}

impl<'a> Attributes<'a> {
    /// Those in field `field` of `message`: 9 of a span, 6 of a log record, 3 of an event.
    #[inline]
    pub fn new(message: &'a [u8], field: u32) -> Self {
        Self {
            outer: None,
            fields: Fields::new(message),
            field,
        }
    }

    /// The `KeyValue`s in field `field` of the message in field `outer_field` of `message`. A message that appears
    /// several times is merged by every protobuf reader, so all of its appearances are walked.
    pub fn within(message: &'a [u8], outer_field: u32, field: u32) -> Self {
        Self {
            outer: Some((Fields::new(message), outer_field)),
            fields: Fields::new(&[]),
            field,
        }
    }

    fn next_outer(&mut self) -> Option<Result<&'a [u8], WireError>> {
        let (fields, number) = self.outer.as_mut()?;
        for field in fields {
            match field {
                Ok(field) if field.number == *number => return Some(field.len_value()),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    fn end(&mut self) {
        self.outer = None;
        self.fields = Fields::new(&[]);
    }

    /// An error is the last that comes.
    fn ending<T>(&mut self, pair: Result<T, WireError>) -> Result<T, WireError> {
        if pair.is_err() {
            self.end();
        }
        pair
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<KeyValue<'a>, WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // Fields of all messages that have attributes are below 16, so their tags take one byte.
        match self.fields.next_plain((self.field << 3 | 2) as u8) {
            Some(message) => match KeyValue::plain(message) {
                Some(pair) => Some(Ok(pair)),
                None => Some(self.ending(KeyValue::walk(message))),
            },
            None => self.next_any(),
        }
    }
}

impl<'a> Attributes<'a> {
    #[inline(never)]
    fn next_any(&mut self) -> Option<Result<KeyValue<'a>, WireError>> {
        loop {
            for field in self.fields.by_ref() {
                let pair = match field {
                    Ok(field) if field.number != self.field => continue,
                    Ok(field) => field.len_value().and_then(KeyValue::parse),
                    Err(error) => Err(error),
                };
                return Some(self.ending(pair));
            }
            match self.next_outer()? {
                Ok(message) => self.fields = Fields::new(message),
                Err(error) => {
                    self.end();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Iterates over the values of an `ArrayValue` message. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct ArrayValues<'a> {
    fields: Fields<'a>,
}

impl<'a> ArrayValues<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Self {
            fields: Fields::new(message),
        }
    }
}

impl<'a> Iterator for ArrayValues<'a> {
    type Item = Result<AnyValue<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        for field in self.fields.by_ref() {
            let value = match field {
                Ok(field) if field.number != 1 => continue,
                Ok(field) => field.len_value().and_then(AnyValue::parse),
                Err(error) => Err(error),
            };
            if value.is_err() {
                self.fields = Fields::new(&[]);
            }
            return Some(value);
        }
        None
    }
}
