//! The texts of one request, each once. In version 2 they are part of the request, and series name them by number.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use schemas::wire::{put_tag, put_varint};

/// `Request.symbols` of version 2.
const SYMBOLS: u32 = 4;

/// The number of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

impl Symbol {
    /// The empty text, which is the first in each request.
    pub const EMPTY: Self = Self(0);
}

/// Texts by number, in the order in which they came.
pub struct Symbols {
    /// As fields of a request.
    encoded: Vec<u8>,
    /// Where each text is in `encoded`.
    places: Vec<(usize, usize)>,
    by_text: HashTable<u32>,
    // What hashes differ in shows nowhere: numbers are given in the order of the texts.
    hasher: DefaultHashBuilder,
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Self {
            encoded: Vec::new(),
            places: Vec::new(),
            by_text: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        };
        symbols.of("");
        symbols
    }
}

impl Symbols {
    /// The number of a text.
    pub fn of(&mut self, text: &str) -> Symbol {
        let bytes = text.as_bytes();
        let hash = self.hasher.hash_one(bytes);
        let (encoded, places) = (&mut self.encoded, &mut self.places);
        let text_of = |number: &u32| {
            let (start, end) = places[*number as usize];
            &encoded[start..end]
        };
        let entry = self.by_text.entry(
            hash,
            |number| text_of(number) == bytes,
            |number| self.hasher.hash_one(text_of(number)),
        );
        match entry {
            Entry::Occupied(found) => Symbol(*found.get()),
            Entry::Vacant(free) => {
                let number = places.len() as u32;
                free.insert(number);
                put_tag(encoded, SYMBOLS, 2);
                put_varint(encoded, bytes.len() as u64);
                let start = encoded.len();
                encoded.extend_from_slice(bytes);
                places.push((start, encoded.len()));
                Symbol(number)
            }
        }
    }

    /// The same, of bytes that should be UTF-8: what isn't is replaced, since receivers refuse it.
    pub fn of_bytes(&mut self, bytes: &[u8]) -> Symbol {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.of(text),
            Err(_) => self.of(&String::from_utf8_lossy(bytes)),
        }
    }

    pub fn text(&self, symbol: Symbol) -> &[u8] {
        let (start, end) = self.places[symbol.0 as usize];
        &self.encoded[start..end]
    }

    /// All of them as fields of a request of version 2.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}
