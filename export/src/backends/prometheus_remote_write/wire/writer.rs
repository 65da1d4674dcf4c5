//! One request, series by series.

use std::collections::HashSet;

use schemas::wire::{put_len, put_tag, put_varint, put_varint_field, varint_len};

use super::histogram::put_double;
use super::{NativeHistogram, Symbol, Symbols, Version};

/// A request that gets larger is given up: labels of a resource are in each of its series, so that a small batch could become gigabytes.
const BYTES_MAX: usize = 64 << 20;

/// A label of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    pub name: Symbol,
    pub value: Symbol,
}

/// The numbers are those of `MetricType` in both versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FamilyType {
    Counter = 1,
    Gauge = 2,
    Histogram = 3,
    Summary = 5,
}

/// What is said of all series of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Family {
    pub name: Symbol,
    pub kind: FamilyType,
    pub help: Symbol,
    pub unit: Symbol,
}

/// What a series has at one time.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Sample(f64),
    Histogram(&'a NativeHistogram),
}

/// Puts a request together.
pub struct Writer {
    version: Version,
    pub symbols: Symbols,
    series: Vec<u8>,
    /// The series that is being written.
    message: Vec<u8>,
    part: Vec<u8>,
    /// Version 1 says of each family once what it is.
    metadata: Vec<u8>,
    said: HashSet<Family>,
    /// Samples and histograms so far.
    pub samples: u64,
}

impl Writer {
    /// `bytes` is about what the request will take.
    pub fn new(version: Version, bytes: usize) -> Self {
        Self {
            version,
            symbols: Symbols::default(),
            series: Vec::with_capacity(bytes),
            message: Vec::new(),
            part: Vec::new(),
            metadata: Vec::new(),
            said: HashSet::new(),
            samples: 0,
        }
    }

    pub fn version(&self) -> Version {
        self.version
    }

    fn bytes(&self) -> usize {
        self.symbols.encoded().len() + self.series.len() + self.metadata.len()
    }

    /// Appends one series with one sample. Labels are in the order of their names, each name once. `exemplars` were written by
    /// [`Writer::exemplar`]. Times are in milliseconds since 1970; a start of 0 is not known.
    pub fn series(
        &mut self,
        labels: &[Label],
        family: &Family,
        (start_ms, time_ms): (i64, i64),
        value: Value<'_>,
        exemplars: &[u8],
    ) {
        if self.bytes() > BYTES_MAX {
            return;
        }
        self.message.clear();
        match self.version {
            Version::V1 => {
                self.labels_v1(labels);
                self.value_v1(time_ms, value);
                self.message.extend_from_slice(exemplars);
                self.metadata_v1(family);
                put_len(&mut self.series, 1, &self.message);
            }
            Version::V2 => {
                put_refs(&mut self.message, labels);
                self.value_v2(start_ms, time_ms, value);
                self.message.extend_from_slice(exemplars);
                self.metadata_v2(family);
                put_len(&mut self.series, 5, &self.message);
            }
        }
        self.samples += 1;
    }

    /// Appends an exemplar, as a field of a series.
    pub fn exemplar(&mut self, labels: &[Label], value: f64, time_ms: i64, out: &mut Vec<u8>) {
        let mut message = Vec::new();
        let field = match self.version {
            Version::V1 => {
                for label in labels {
                    self.put_label(*label);
                    put_len(&mut message, 1, &self.part);
                }
                3
            }
            Version::V2 => {
                put_refs(&mut message, labels);
                4
            }
        };
        put_double(&mut message, 2, value);
        put_time(&mut message, 3, time_ms);
        put_len(out, field, &message);
    }

    fn put_label(&mut self, label: Label) {
        self.part.clear();
        put_len(&mut self.part, 1, self.symbols.text(label.name));
        put_len(&mut self.part, 2, self.symbols.text(label.value));
    }

    fn labels_v1(&mut self, labels: &[Label]) {
        for label in labels {
            let name = self.symbols.text(label.name);
            let value = self.symbols.text(label.value);
            let field = |text: &[u8]| 1 + varint_len(text.len() as u64) + text.len();
            put_tag(&mut self.message, 1, 2);
            put_varint(&mut self.message, (field(name) + field(value)) as u64);
            put_len(&mut self.message, 1, name);
            put_len(&mut self.message, 2, value);
        }
    }

    fn value_v1(&mut self, time_ms: i64, value: Value<'_>) {
        self.part.clear();
        match value {
            Value::Sample(value) => {
                put_double(&mut self.part, 1, value);
                put_time(&mut self.part, 2, time_ms);
                put_len(&mut self.message, 2, &self.part);
            }
            Value::Histogram(histogram) => {
                histogram.write(self.version, 0, time_ms, &mut self.part);
                put_len(&mut self.message, 4, &self.part);
            }
        }
    }

    fn value_v2(&mut self, start_ms: i64, time_ms: i64, value: Value<'_>) {
        self.part.clear();
        match value {
            Value::Sample(value) => {
                put_double(&mut self.part, 1, value);
                put_time(&mut self.part, 2, time_ms);
                put_time(&mut self.part, 3, start_ms);
                put_len(&mut self.message, 2, &self.part);
            }
            Value::Histogram(histogram) => {
                histogram.write(self.version, start_ms, time_ms, &mut self.part);
                put_len(&mut self.message, 3, &self.part);
            }
        }
    }

    fn metadata_v1(&mut self, family: &Family) {
        if !self.said.insert(*family) {
            return;
        }
        self.part.clear();
        put_varint_field(&mut self.part, 1, family.kind as u64);
        let texts = [(2, family.name), (4, family.help), (5, family.unit)];
        for (field, symbol) in texts {
            put_len(&mut self.part, field, self.symbols.text(symbol));
        }
        put_len(&mut self.metadata, 3, &self.part);
    }

    fn metadata_v2(&mut self, family: &Family) {
        let numbers = [
            (1, family.kind as u64),
            (3, u64::from(family.help.0)),
            (4, u64::from(family.unit.0)),
        ];
        self.part.clear();
        for (field, number) in numbers {
            if number != 0 {
                put_varint_field(&mut self.part, field, number);
            }
        }
        put_len(&mut self.message, 5, &self.part);
    }

    /// The request; symbols come first, since some receivers read it as it comes in.
    ///
    /// # Errors
    /// It became too large.
    pub fn finish(self) -> Result<Vec<u8>, String> {
        if self.bytes() > BYTES_MAX {
            return Err(format!("more than {BYTES_MAX} bytes as a request"));
        }
        Ok(match self.version {
            Version::V1 => {
                let mut request = self.series;
                request.extend_from_slice(&self.metadata);
                request
            }
            Version::V2 => [self.symbols.encoded(), &self.series].concat(),
        })
    }
}

/// `labels_refs`, packed.
fn put_refs(out: &mut Vec<u8>, labels: &[Label]) {
    let numbers = || {
        labels
            .iter()
            .flat_map(|label| [label.name.0, label.value.0])
    };
    let bytes: usize = numbers().map(|number| varint_len(number.into())).sum();
    put_tag(out, 1, 2);
    put_varint(out, bytes as u64);
    numbers().for_each(|number| put_varint(out, number.into()));
}

fn put_time(out: &mut Vec<u8>, field: u32, time_ms: i64) {
    if time_ms != 0 {
        put_varint_field(out, field, time_ms as u64);
    }
}
