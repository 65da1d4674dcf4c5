//! Attributes in place: `KeyValue {key = 1, value = 2}` and `AnyValue`.

use crate::wire::WireError;

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

impl<'a> AnyValue<'a> {
    pub fn parse(message: &'a [u8]) -> Result<Self, WireError> {
        let _ = message;
        todo!("schemas")
    }
}

/// Iterates over the `KeyValue`s in field `field` of a message. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) field: u32,
}

impl<'a> Attributes<'a> {
    pub fn new(message: &'a [u8], field: u32) -> Self {
        Self { message, field }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<KeyValue<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let _ = (self.message, self.field);
        todo!("schemas")
    }
}
