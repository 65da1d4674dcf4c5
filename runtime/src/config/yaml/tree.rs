//! The tree that a YAML document is read into: everything in it still knows its place in the file.

use super::super::report::Place;

#[derive(Clone, Debug)]
pub struct Node {
    pub place: Place,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
    /// It couldn't be read, which was reported: nothing more is said about it.
    Unknown,
    /// It refers to variables that aren't set, with a message for each: wrong only where the value is used.
    Unset(Vec<String>),
}

#[derive(Clone, Debug)]
pub struct Scalar {
    pub text: String,
    /// As in the file; messages show this, so that a secret from the environment is never printed.
    pub written: String,
    /// Unquoted: may be a number, a boolean or null.
    pub plain: bool,
    pub substituted: bool,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_place: Place,
    pub value: Node,
}

impl Node {
    pub fn empty() -> Self {
        Self {
            place: Place::default(),
            kind: Kind::Mapping(Vec::new()),
        }
    }

    /// A document without a key, an item or a word in it.
    pub fn is_nothing(&self) -> bool {
        match &self.kind {
            Kind::Mapping(entries) => entries.is_empty(),
            _ => self.is_blank(),
        }
    }

    /// A value that was left out: `grpc:` with nothing behind it.
    pub fn is_blank(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.plain && scalar.written.is_empty())
    }

    /// How many nodes it is made of, itself included.
    pub fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(_) | Kind::Unknown | Kind::Unset(_) => 0,
            Kind::Sequence(items) => items.iter().map(Self::size).sum(),
            Kind::Mapping(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }
}
