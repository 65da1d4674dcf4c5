//! The labels of one series: in the order of their names, each name once, none empty. Receivers refuse anything else, or lose it silently:
//! Prometheus answers 204 to a series of version 1 with a label twice, and drops it.

use std::borrow::Cow;
use std::cmp::Ordering;

use hashbrown::HashMap;
use schemas::otlp::AnyValue;
use xxhash_rust::xxh3::xxh3_128;

use super::super::naming::{Names, label_name};
use super::super::wire::{Label, Symbol, Symbols};

/// A label's name, with what it is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    pub symbol: Symbol,
    /// Its first eight bytes: most comparisons end with them.
    order: u64,
}

impl Name {
    pub fn new(symbols: &mut Symbols, name: &str) -> Self {
        let mut order = [0; 8];
        let bytes = name.as_bytes();
        let length = bytes.len().min(8);
        order[..length].copy_from_slice(&bytes[..length]);
        Self {
            symbol: symbols.of(name),
            order: u64::from_be_bytes(order),
        }
    }

    pub fn cmp(&self, other: &Self, symbols: &Symbols) -> Ordering {
        if self.symbol == other.symbol {
            return Ordering::Equal;
        }
        let texts = || symbols.text(self.symbol).cmp(symbols.text(other.symbol));
        self.order.cmp(&other.order).then_with(texts)
    }
}

/// How a label that comes from elsewhere meets one of a point's own attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// The point's own stays.
    Yields,
    /// It replaces the point's own, or removes it when it is empty itself.
    Wins,
}

/// Labels that all series of a scope have, in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct Base(Vec<(Name, Symbol, Meeting)>);

impl Base {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Puts a label over one of the same name.
    pub fn put(&mut self, symbols: &Symbols, name: Name, value: Symbol, meeting: Meeting) {
        match self.find(symbols, name) {
            Ok(at) => self.0[at] = (name, value, meeting),
            Err(at) => self.0.insert(at, (name, value, meeting)),
        }
    }

    /// Puts a label where there is none of its name.
    pub fn put_missing(&mut self, symbols: &Symbols, name: Name, value: Symbol) {
        if let Err(at) = self.find(symbols, name) {
            self.0.insert(at, (name, value, Meeting::Yields));
        }
    }

    fn find(&self, symbols: &Symbols, name: Name) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, ..)| own.cmp(&name, symbols))
    }
}

/// The labels of one series.
#[derive(Clone, Debug, Default)]
pub struct LabelSet {
    labels: Vec<(Name, Symbol)>,
    merged: Vec<(Name, Symbol)>,
    /// As the wire has them.
    plain: Vec<Label>,
}

impl LabelSet {
    pub fn clear(&mut self) {
        self.labels.clear();
    }

    /// Adds an attribute's label; false: there is one of that name already.
    pub fn add(&mut self, symbols: &Symbols, name: Name, value: Symbol) -> bool {
        if value == Symbol::EMPTY {
            return true;
        }
        // Attributes come in order often enough.
        let last = self.labels.last().map(|(last, _)| last.cmp(&name, symbols));
        if matches!(last, None | Some(Ordering::Less)) {
            self.labels.push((name, value));
            return true;
        }
        match self.find(symbols, name) {
            Ok(_) => false,
            Err(at) => {
                self.labels.insert(at, (name, value));
                true
            }
        }
    }

    /// Adds an attribute's label; where there is one of that name, their values are joined.
    pub fn join(&mut self, symbols: &mut Symbols, name: Name, value: Symbol) {
        match self.find(symbols, name) {
            Ok(at) => {
                let own = self.labels[at].1;
                let joined = [symbols.text(own), b";", symbols.text(value)].concat();
                self.labels[at].1 = symbols.of_bytes(&joined);
            }
            Err(_) => {
                self.add(symbols, name, value);
            }
        }
    }

    /// Sets a label, or removes it when the value is empty.
    pub fn set(&mut self, symbols: &Symbols, name: Name, value: Symbol) {
        match self.find(symbols, name) {
            Ok(at) if value == Symbol::EMPTY => {
                self.labels.remove(at);
            }
            Ok(at) => self.labels[at].1 = value,
            Err(_) if value == Symbol::EMPTY => {}
            Err(at) => self.labels.insert(at, (name, value)),
        }
    }

    fn find(&self, symbols: &Symbols, name: Name) -> Result<usize, usize> {
        (self.labels).binary_search_by(|(own, _)| own.cmp(&name, symbols))
    }

    /// Brings in what all series of the scope have.
    pub fn merge(&mut self, symbols: &Symbols, base: &Base) {
        self.merged.clear();
        let mut own = self.labels.iter().copied().peekable();
        for (name, value, meeting) in base.0.iter().copied() {
            let before = |(own, _): &(Name, Symbol)| own.cmp(&name, symbols) == Ordering::Less;
            while let Some(label) = own.next_if(before) {
                self.merged.push(label);
            }
            let same = own.next_if(|(own, _)| own.symbol == name.symbol);
            let label = match (same, meeting) {
                (Some(label), Meeting::Yields) => label,
                _ => (name, value),
            };
            if label.1 != Symbol::EMPTY {
                self.merged.push(label);
            }
        }
        self.merged.extend(own);
        std::mem::swap(&mut self.labels, &mut self.merged);
    }

    /// As the wire has them.
    pub fn labels(&mut self) -> &[Label] {
        self.plain.clear();
        let plain = self.labels.iter().map(|(name, value)| Label {
            name: name.symbol,
            value: *value,
        });
        self.plain.extend(plain);
        &self.plain
    }

    /// What tells series apart, in any request.
    pub fn identity(&self, symbols: &Symbols, scratch: &mut Vec<u8>) -> u128 {
        scratch.clear();
        for (name, value) in &self.labels {
            for symbol in [name.symbol, *value] {
                let text = symbols.text(symbol);
                scratch.extend_from_slice(&(text.len() as u64).to_le_bytes());
                scratch.extend_from_slice(text);
            }
        }
        xxh3_128(scratch)
    }
}

/// The label that each key of an attribute becomes, looked up once for each request.
pub struct Keys<'a> {
    names: Names,
    by_key: HashMap<&'a [u8], Option<Name>>,
    /// The key that was last at each position: points of one metric have the same keys in the same order.
    recent: Vec<(&'a [u8], Option<Name>)>,
}

impl<'a> Keys<'a> {
    pub fn new(names: Names) -> Self {
        Self {
            names,
            by_key: HashMap::new(),
            recent: Vec::new(),
        }
    }

    /// `position` is that of the attribute; `None`: there is no name for it.
    pub fn name(&mut self, symbols: &mut Symbols, position: usize, key: &'a [u8]) -> Option<Name> {
        if let Some((recent, name)) = self.recent.get(position)
            && *recent == key
        {
            return *name;
        }
        let names = self.names;
        let name = *self.by_key.entry(key).or_insert_with(|| {
            let name = label_name(names, key)?;
            Some(Name::new(symbols, &name))
        });
        if let Some(recent) = self.recent.get_mut(position) {
            *recent = (key, name);
        } else if position == self.recent.len() && position < RECENT {
            self.recent.push((key, name));
        }
        name
    }

    /// The name for a text that isn't in the request.
    pub fn made(&self, symbols: &mut Symbols, key: &[u8]) -> Option<Name> {
        label_name(self.names, key).map(|name| Name::new(symbols, &name))
    }
}

/// Points with more attributes are rare.
const RECENT: usize = 32;

/// A value as a label has it.
pub fn value_text(symbols: &mut Symbols, value: AnyValue<'_>) -> Symbol {
    let text: Cow<'static, str> = match value {
        AnyValue::String(text) => return symbols.of_bytes(text),
        AnyValue::Empty => return Symbol::EMPTY,
        AnyValue::Bool(true) => "true".into(),
        AnyValue::Bool(false) => "false".into(),
        AnyValue::Int(number) => number.to_string().into(),
        // What can't be written has no text in the reference either.
        other => ottl::any_as_string(other).unwrap_or_default().into(),
    };
    symbols.of(&text)
}
