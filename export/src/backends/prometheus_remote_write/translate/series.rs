//! The series of one point after the other: labels are put together, then samples are written under them.

use bus::TopicPartition;
use schemas::otlp::Attributes;
use schemas::otlp::point::Exemplars;
use schemas::wire::WireError;

use super::super::wire::{Family, NativeHistogram, Symbol, Value, Writer};
use super::dropped::Why;
use super::exemplars::PointExemplars;
use super::labels::{Base, Keys, LabelSet, Name, value_text};
use super::resource::FixedNames;
use crate::temporality::{Delta, Streams, Tentative, Total};

/// Where a record is from.
#[derive(Clone, Debug)]
pub struct Place {
    pub at: TopicPartition,
    /// When the bus took it, in milliseconds since 1970.
    pub now_ms: i64,
}

/// When a point's values began to be counted, 0 if that isn't known, and when they were read; in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub start_ns: u64,
    pub time_ns: u64,
}

impl Times {
    /// In milliseconds.
    fn ms(self) -> (i64, i64) {
        let ms = |ns: u64| (ns / 1_000_000) as i64;
        (ms(self.start_ns), ms(self.time_ns))
    }
}

/// Writes series.
pub struct Series<'a, 'r> {
    pub writer: Writer,
    pub keys: Keys<'a>,
    pub fixed: FixedNames,
    labels: LabelSet,
    attributes: Vec<(&'a [u8], Name, Symbol)>,
    exemplars: PointExemplars,
    scratch: Vec<u8>,
    streams: &'r Streams,
    tentative: Tentative,
}

impl<'a, 'r> Series<'a, 'r> {
    pub fn new(writer: Writer, keys: Keys<'a>, fixed: FixedNames, streams: &'r Streams) -> Self {
        Self {
            writer,
            keys,
            fixed,
            labels: LabelSet::default(),
            attributes: Vec::new(),
            exemplars: PointExemplars::default(),
            scratch: Vec::new(),
            tentative: streams.begin(),
            streams,
        }
    }

    /// The request, and what it makes of the streams once it is accepted.
    ///
    /// # Errors
    /// It became too large.
    pub fn finish(self) -> Result<(Vec<u8>, Tentative), String> {
        Ok((self.writer.finish()?, self.tentative))
    }

    /// Puts the labels of a point together, without the metric's name. The outer error is that the bytes are malformed, the inner one that
    /// the point can't be sent.
    pub fn begin(
        &mut self,
        attributes: Attributes<'a>,
        base: &Base,
    ) -> Result<Result<(), Why>, WireError> {
        self.attributes.clear();
        for (position, pair) in attributes.enumerate() {
            let pair = pair?;
            // That is the metric's own.
            if pair.key == b"__name__" {
                continue;
            }
            let symbols = &mut self.writer.symbols;
            let Some(name) = self.keys.name(symbols, position, pair.key) else {
                return Ok(Err(Why::Name));
            };
            let value = value_text(symbols, pair.value);
            self.attributes.push((pair.key, name, value));
        }
        self.own_labels();
        self.labels.merge(&self.writer.symbols, base);
        Ok(Ok(()))
    }

    /// The same from attributes that were read already. What has no name is left out.
    pub fn begin_with(
        &mut self,
        attributes: impl Iterator<Item = (&'a [u8], Symbol)>,
        base: &Base,
    ) {
        self.attributes.clear();
        for (key, value) in attributes {
            let name = (self.keys).name(&mut self.writer.symbols, usize::MAX, key);
            self.attributes.extend(name.map(|name| (key, name, value)));
        }
        self.own_labels();
        self.labels.merge(&self.writer.symbols, base);
    }

    /// Labels from attributes. Where several come to one name, their values are joined in the order of their keys.
    fn own_labels(&mut self) {
        self.labels.clear();
        let symbols = &mut self.writer.symbols;
        let mut attributes = self.attributes.iter();
        let distinct = attributes.all(|(_, name, value)| self.labels.add(symbols, *name, *value));
        if distinct {
            return;
        }
        self.labels.clear();
        self.attributes.sort_by_key(|(key, ..)| *key);
        for (_, name, value) in &self.attributes {
            self.labels.join(symbols, *name, *value);
        }
    }

    pub fn set_name(&mut self, name: Symbol) {
        (self.labels).set(&self.writer.symbols, self.fixed.metric, name);
    }

    /// The upper bound of a bucket.
    pub fn set_le(&mut self, bound: f64) {
        let bound = self.writer.symbols.of(&number(bound));
        (self.labels).set(&self.writer.symbols, self.fixed.le, bound);
    }

    pub fn set_quantile(&mut self, quantile: f64) {
        let quantile = self.writer.symbols.of(&number(quantile));
        (self.labels).set(&self.writer.symbols, self.fixed.quantile, quantile);
    }

    /// What tells the series from others, in any request.
    pub fn identity(&mut self) -> u128 {
        (self.labels).identity(&self.writer.symbols, &mut self.scratch)
    }

    /// Adds a delta to the total of the series: its start in nanoseconds, and its total. `None`: the series has ended.
    ///
    /// # Errors
    /// It can't be added.
    pub fn cumulated(
        &mut self,
        place: &Place,
        times: Times,
        ended: bool,
        value: Total,
    ) -> Result<Option<(u64, Total)>, Why> {
        let key = self.identity();
        if ended {
            self.tentative.end(&place.at, key);
            return Ok(None);
        }
        let delta = Delta {
            start_ns: times.start_ns,
            time_ns: times.time_ns,
            value,
        };
        let added = (self.tentative).add(self.streams, &place.at, place.now_ms, key, &delta);
        added.map(Some).map_err(Why::from)
    }

    /// Reads the exemplars of a point for the samples that follow. `bounds` are those of its buckets.
    ///
    /// # Errors
    /// One is malformed.
    pub fn read_exemplars(
        &mut self,
        exemplars: Exemplars<'_>,
        bounds: &[f64],
    ) -> Result<(), WireError> {
        (self.exemplars).read(exemplars, bounds, &mut self.writer)
    }

    /// Writes a sample without exemplars.
    pub fn sample(&mut self, family: &Family, times: Times, value: f64) {
        let (labels, value) = (self.labels.labels(), Value::Sample(value));
        (self.writer).series(labels, family, times.ms(), value, &[]);
    }

    /// Writes a sample with the exemplars of one bucket.
    pub fn bucket(&mut self, family: &Family, times: Times, value: f64, bucket: usize) {
        let exemplars = self.exemplars.of(bucket);
        let (labels, value) = (self.labels.labels(), Value::Sample(value));
        (self.writer).series(labels, family, times.ms(), value, exemplars);
    }

    /// Writes a native histogram with all exemplars.
    pub fn native(&mut self, family: &Family, times: Times, histogram: &NativeHistogram) {
        let exemplars = self.exemplars.all();
        let (labels, value) = (self.labels.labels(), Value::Histogram(histogram));
        (self.writer).series(labels, family, times.ms(), value, exemplars);
    }
}

/// A number as a label has it: never with an exponent.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}
