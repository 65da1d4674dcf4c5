//! Marks: what a trace is told apart by, as numbers. Each span leaves one number in each *column*, the window merges them trace by trace, and
//! when the trace is decided each column is one number again: a fingerprint of fields, the trace's shape, the rule of a `per_operation`.
//!
//! Three ways to merge, none of which depends on the order in which spans arrive:
//! - *entry*: the number of the trace's entry span counts. That is its root; as long as none is known, the span that starts first;
//! - *set*: distinct numbers of all spans, order and repetition aside, in a bitmap ([`set_hash`]); 0 is none;
//! - *largest*: the largest number of all spans.
//!
//! There are columns only for what a policy asks for. Without any, nothing of this costs anything.

mod operation;
mod reading;

use std::borrow::Cow;

use schemas::otlp::{AnyValue, Attributes, ResourceHead, SpanView};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::identity::identity;
use crate::policy::on_spans::per_operation::{Operation, Operations};
use crate::stats::set_hash::{self, mix};
pub(crate) use reading::Reading;
use reading::{Field, SET_WORDS, fields_of, hash_of, shape_of};
use schemas::otlp::sampling::Upstream;

/// Words of a shape: see [`set_hash`].
const SHAPE_WORDS: usize = 8;

/// What a column is about.
#[derive(Debug)]
enum Source {
    /// The values of these fields together; 0 when the span has none of them.
    Fields(Vec<Field>),
    /// Service, operation, status and exception types.
    Shape,
    /// The first rule that matches, from 1.
    Rule(Operations),
    /// With which the trace was sampled upstream, plus 1.
    Threshold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Merge {
    Entry,
    Set,
    Largest,
}

#[derive(Debug)]
struct Column {
    source: Source,
    /// Of what it says, whatever the configuration around it.
    identity: u64,
    merge: Merge,
    /// Where its words begin among those of a trace, and how many there are.
    at: usize,
    words: usize,
}

/// All columns of a configuration.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    columns: Vec<Column>,
    attributes: Vec<Box<[u8]>>,
    words: usize,
    /// Operations are told apart without ids.
    normalized: bool,
}

impl Marks {
    /// No columns yet. `normalized`: operations are names by the conventions, without ids, and not names as they came.
    pub(super) fn new(normalized: bool) -> Self {
        Self {
            normalized,
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Words that a trace needs.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The column of that identity, a new one if there is none.
    fn column(
        &mut self,
        what: &impl Serialize,
        (merge, words): (Merge, usize),
        source: Source,
    ) -> usize {
        let identity = match self.normalized {
            true => identity(&("normalized", what)),
            false => identity(what),
        };
        let mut known = self.columns.iter();
        if let Some(at) = known.position(|column| column.identity == identity) {
            return at;
        }
        self.columns.push(Column {
            source,
            identity,
            merge,
            at: self.words,
            words,
        });
        self.words += words;
        self.columns.len() - 1
    }

    /// The column of the trace's shape.
    pub(super) fn shape(&mut self) -> usize {
        self.column(&"shape", (Merge::Set, SHAPE_WORDS), Source::Shape)
    }

    /// The column of fields, of the entry span or of all spans.
    pub(super) fn fields(&mut self, names: &[&str], of_entry: bool) -> usize {
        let merge = match of_entry {
            true => (Merge::Entry, 1),
            false => (Merge::Set, SET_WORDS),
        };
        let fields = names.iter().map(|name| self.field(name)).collect();
        self.column(&(names, of_entry), merge, Source::Fields(fields))
    }

    /// The column that says which rule is the trace's; `what` they match.
    pub(super) fn rule(&mut self, rules: Vec<Operation>, what: &impl Serialize) -> usize {
        let salt = identity(what);
        let source = Source::Rule(Operations::new(rules, salt));
        self.column(&("rules", what), (Merge::Entry, 1), source)
    }

    /// The column of the threshold from upstream, plus 1.
    pub(super) fn upstream(&mut self) -> usize {
        self.column(&"threshold", (Merge::Largest, 1), Source::Threshold)
    }

    fn field(&mut self, name: &str) -> Field {
        match name {
            "operation" => Field::Operation,
            "status" => Field::Status,
            "kind" => Field::Kind,
            "service.name" => Field::Service,
            key => self.attribute(key),
        }
    }

    /// Words of an open trace under another configuration: columns that both have keep theirs, others say nothing of what came before.
    /// `trace` is empty where nothing is known of it.
    pub(crate) fn carry(&self, before: &Self, trace: &[u64], out: &mut [u64]) {
        for column in &self.columns {
            let mut known = before.columns.iter();
            let old = known.find(|old| old.identity == column.identity);
            let words = old.and_then(|old| trace.get(old.at..old.at + old.words));
            let out = &mut out[column.at..column.at + column.words];
            match words {
                Some(words) => out.copy_from_slice(words),
                None => out.fill(0),
            }
        }
    }

    /// As [`Marks::carry`], of the numbers of a span.
    pub(crate) fn carry_span(&self, before: &Self, span: &[u64], out: &mut Vec<u64>) {
        let numbers = self.columns.iter().map(|column| {
            let mut known = before.columns.iter();
            let at = known.position(|old| old.identity == column.identity);
            at.map_or(0, |at| span[at])
        });
        out.extend(numbers);
    }

    /// The field of an attribute.
    fn attribute(&mut self, key: &str) -> Field {
        let key = key.as_bytes();
        let at = match self.attributes.iter().position(|known| **known == *key) {
            Some(at) => at,
            None => {
                self.attributes.push(key.into());
                self.attributes.len() - 1
            }
        };
        Field::Attribute(at)
    }

    /// The spans that follow are of this resource.
    pub(crate) fn enter(&self, resource: &ResourceHead<'_>, reading: &mut Reading) {
        if self.is_empty() {
            return;
        }
        reading.resource_values.clear();
        reading.resource_values.resize(self.attributes.len(), 0);
        let mut service = &[][..];
        for attribute in resource.attributes().map_while(Result::ok) {
            if attribute.key == b"service.name"
                && let AnyValue::String(name) = attribute.value
            {
                service = name;
            }
        }
        if *reading.service != *service {
            reading.service = service.into();
        }
        reading.service_hash = xxh3_64(service);
        self.look_up(resource.attributes(), &mut reading.resource_values);
    }

    fn look_up(&self, attributes: Attributes<'_>, values: &mut [u64]) {
        for attribute in attributes.map_while(Result::ok) {
            for (key, value) in self.attributes.iter().zip(&mut *values) {
                if **key == *attribute.key {
                    *value = hash_of(attribute.value);
                }
            }
        }
    }

    /// Appends one number a column.
    #[inline]
    pub(crate) fn span(&self, span: &SpanView<'_>, reading: &mut Reading, out: &mut Vec<u64>) {
        if self.is_empty() {
            return;
        }
        let operation = match self.normalized {
            true => Cow::Owned(operation::operation(span).into_bytes()),
            false => Cow::Borrowed(span.name),
        };
        reading.name_hash = xxh3_64(&operation);
        if !self.attributes.is_empty() {
            reading.values.clear();
            let resource_values = &reading.resource_values;
            reading.values.extend_from_slice(resource_values);
            self.look_up(span.attributes(), &mut reading.values);
        }
        for column in &self.columns {
            out.push(match &column.source {
                Source::Fields(fields) => fields_of(fields, span, reading),
                Source::Shape => shape_of(span, reading),
                Source::Rule(operations) => {
                    let route = operations.route(span);
                    let names = (&reading.service[..], &*operation, route);
                    let hash = mix(reading.service_hash, reading.name_hash);
                    operations.number(names, hash, &mut reading.memo)
                }
                Source::Threshold if span.trace_state.is_empty() => 0,
                Source::Threshold => Upstream::read(span.trace_state)
                    .threshold
                    .map_or(0, |threshold| threshold + 1),
            });
        }
    }

    /// Merges a span's numbers into a trace's words.
    #[inline]
    pub(crate) fn merge(&self, trace: &mut [u64], span: &[u64], is_entry: bool) {
        for (column, &number) in self.columns.iter().zip(span) {
            match column.merge {
                Merge::Entry if is_entry => trace[column.at] = number,
                Merge::Entry => {}
                Merge::Set => {
                    set_hash::add(&mut trace[column.at..column.at + column.words], number)
                }
                Merge::Largest => trace[column.at] = trace[column.at].max(number),
            }
        }
    }

    /// One number a column.
    pub(crate) fn finish(&self, trace: &[u64], out: &mut Vec<u64>) {
        out.clear();
        out.extend(self.columns.iter().map(|column| match column.merge {
            Merge::Entry | Merge::Largest => trace[column.at],
            Merge::Set => set_hash::number(&trace[column.at..column.at + column.words]),
        }));
    }

    /// The trace's shape among the numbers of its columns; 0: no policy asks for it.
    pub(crate) fn shape_in(&self, numbers: &[u64]) -> u64 {
        let columns = self.columns.iter().zip(numbers);
        let shape = columns.filter(|(column, _)| matches!(column.source, Source::Shape));
        shape.map(|(_, &number)| number).next().unwrap_or(0)
    }
}
