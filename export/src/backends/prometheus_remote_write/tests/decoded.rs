//! Requests read by another implementation of protobuf, as lines of text.

use prost::Message;

use crate::backends::prometheus_remote_write::wire::Version;

/// `series value @time`, then what else there is. Labels that break a rule of the protocol fail the test.
pub fn lines(version: Version, body: &[u8]) -> Vec<String> {
    match version {
        Version::V1 => v1(&v1::WriteRequest::decode(body).unwrap()),
        Version::V2 => v2(&v2::Request::decode(body).unwrap()),
    }
}

fn v1(request: &v1::WriteRequest) -> Vec<String> {
    let mut lines = Vec::new();
    for series in &request.timeseries {
        let labels = series.labels.iter();
        let labels: Vec<_> = labels.map(|l| (l.name.clone(), l.value.clone())).collect();
        let mut tail = String::new();
        for exemplar in &series.exemplars {
            let labels = exemplar.labels.iter();
            let labels: Vec<_> = labels.map(|l| (l.name.clone(), l.value.clone())).collect();
            let text = text(&labels);
            tail += &format!(" # {text} {} @{}", exemplar.value, exemplar.timestamp);
        }
        let series_text = checked(&labels);
        for sample in &series.samples {
            let value = number(sample.value);
            lines.push(format!("{series_text} {value} @{}{tail}", sample.timestamp));
        }
        for histogram in &series.histograms {
            lines.push(format!("{series_text} {}{tail}", histogram.text()));
        }
    }
    lines
}

fn v2(request: &v2::Request) -> Vec<String> {
    let symbols = &request.symbols;
    assert_eq!(symbols[0], "", "the first symbol is empty");
    let mut unique = symbols.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), symbols.len(), "each symbol once");
    let labels = |refs: &[u32]| -> Vec<(String, String)> {
        let symbol = |at: u32| symbols[at as usize].clone();
        let pairs = refs.chunks_exact(2);
        pairs
            .map(|pair| (symbol(pair[0]), symbol(pair[1])))
            .collect()
    };
    let mut lines = Vec::new();
    for series in &request.timeseries {
        let mut tail = String::new();
        for exemplar in &series.exemplars {
            let text = text(&labels(&exemplar.labels_refs));
            tail += &format!(" # {text} {} @{}", exemplar.value, exemplar.timestamp);
        }
        let series_text = checked(&labels(&series.labels_refs));
        for sample in &series.samples {
            let value = number(sample.value);
            lines.push(format!("{series_text} {value} @{}{tail}", sample.timestamp));
        }
        for histogram in &series.histograms {
            lines.push(format!("{series_text} {}{tail}", histogram.text()));
        }
    }
    lines
}

/// Of each series of version 2: its start, and its type, unit and help.
pub fn described(body: &[u8]) -> Vec<String> {
    let request = v2::Request::decode(body).unwrap();
    let symbol = |at: u32| &request.symbols[at as usize];
    let series = request.timeseries.iter().map(|series| {
        let metadata = series.metadata.clone().unwrap_or_default();
        let starts = series.samples.iter().map(|sample| sample.start_timestamp);
        let of_histograms = series.histograms.iter().map(|h| h.start_timestamp);
        let start = starts.chain(of_histograms).next().unwrap();
        let (unit, help) = (symbol(metadata.unit_ref), symbol(metadata.help_ref));
        format!("{start} {} {unit} {help}", metadata.kind)
    });
    series.collect()
}

/// What version 1 says of families.
pub fn families(body: &[u8]) -> Vec<String> {
    let request = v1::WriteRequest::decode(body).unwrap();
    let families = request.metadata.iter();
    let families = families.map(|f| format!("{} {} {} {}", f.family, f.kind, f.unit, f.help));
    families.collect()
}

/// Sorted, each name once, nothing empty.
fn checked(labels: &[(String, String)]) -> String {
    for pair in labels.windows(2) {
        assert!(pair[0].0 < pair[1].0, "out of order or twice: {labels:?}");
    }
    let is_empty = |(name, value): &(String, String)| name.is_empty() || value.is_empty();
    assert!(!labels.iter().any(is_empty), "empty: {labels:?}");
    let name = labels.iter().find(|(name, _)| name == "__name__");
    let name = &name.expect("a series without a name").1;
    let mut others = labels.to_vec();
    others.retain(|(name, _)| name != "__name__");
    format!("{name}{}", text(&others))
}

fn text(labels: &[(String, String)]) -> String {
    let labels = labels.iter();
    let labels: Vec<_> = labels
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{{{}}}", labels.join(","))
}

fn number(value: f64) -> String {
    match value.to_bits() {
        0x7ff0_0000_0000_0002 => "stale".to_owned(),
        _ => value.to_string(),
    }
}

impl Histogram {
    fn text(&self) -> String {
        let buckets = |spans: &[BucketSpan], deltas: &[i64]| {
            let (mut index, mut count, mut deltas) = (0, 0, deltas.iter());
            let mut text = Vec::new();
            for span in spans {
                index += i64::from(span.offset);
                for _ in 0..span.length {
                    count += deltas.next().expect("as many deltas as buckets");
                    text.push(format!("{index}:{count}"));
                    index += 1;
                }
            }
            assert_eq!(deltas.next(), None, "as many buckets as deltas");
            text.join(" ")
        };
        let positive = buckets(&self.positive_spans, &self.positive_deltas);
        let negative = buckets(&self.negative_spans, &self.negative_deltas);
        let count = match self.count_int {
            Some(0x7ff0_0000_0000_0002) => "stale".to_owned(),
            Some(count) => count.to_string(),
            None => panic!("no count"),
        };
        let (zero, threshold) = (self.zero_count_int.unwrap(), self.zero_threshold);
        let custom = match self.custom_values.is_empty() {
            true => String::new(),
            false => format!(" bounds {:?}", self.custom_values),
        };
        format!(
            "<{count} sum {} schema {} zero {zero}/{threshold:e} +[{positive}] -[{negative}]{custom}> @{}",
            number(self.sum),
            self.schema,
            self.timestamp
        )
    }
}

#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    #[prost(uint64, optional, tag = 1)]
    pub count_int: Option<u64>,
    #[prost(double, tag = 3)]
    pub sum: f64,
    #[prost(sint32, tag = 4)]
    pub schema: i32,
    #[prost(double, tag = 5)]
    pub zero_threshold: f64,
    #[prost(uint64, optional, tag = 6)]
    pub zero_count_int: Option<u64>,
    #[prost(message, repeated, tag = 8)]
    pub negative_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = 9)]
    pub negative_deltas: Vec<i64>,
    #[prost(message, repeated, tag = 11)]
    pub positive_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = 12)]
    pub positive_deltas: Vec<i64>,
    #[prost(int64, tag = 15)]
    pub timestamp: i64,
    #[prost(double, repeated, tag = 16)]
    pub custom_values: Vec<f64>,
    #[prost(int64, tag = 17)]
    pub start_timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct BucketSpan {
    #[prost(sint32, tag = 1)]
    pub offset: i32,
    #[prost(uint32, tag = 2)]
    pub length: u32,
}

mod v1 {
    use super::Histogram;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct WriteRequest {
        #[prost(message, repeated, tag = 1)]
        pub timeseries: Vec<TimeSeries>,
        #[prost(message, repeated, tag = 3)]
        pub metadata: Vec<Metadata>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TimeSeries {
        #[prost(message, repeated, tag = 1)]
        pub labels: Vec<Label>,
        #[prost(message, repeated, tag = 2)]
        pub samples: Vec<Sample>,
        #[prost(message, repeated, tag = 3)]
        pub exemplars: Vec<Exemplar>,
        #[prost(message, repeated, tag = 4)]
        pub histograms: Vec<Histogram>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Label {
        #[prost(string, tag = 1)]
        pub name: String,
        #[prost(string, tag = 2)]
        pub value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Sample {
        #[prost(double, tag = 1)]
        pub value: f64,
        #[prost(int64, tag = 2)]
        pub timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Exemplar {
        #[prost(message, repeated, tag = 1)]
        pub labels: Vec<Label>,
        #[prost(double, tag = 2)]
        pub value: f64,
        #[prost(int64, tag = 3)]
        pub timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Metadata {
        #[prost(int32, tag = 1)]
        pub kind: i32,
        #[prost(string, tag = 2)]
        pub family: String,
        #[prost(string, tag = 4)]
        pub help: String,
        #[prost(string, tag = 5)]
        pub unit: String,
    }
}

mod v2 {
    use super::Histogram;

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Request {
        #[prost(string, repeated, tag = 4)]
        pub symbols: Vec<String>,
        #[prost(message, repeated, tag = 5)]
        pub timeseries: Vec<TimeSeries>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TimeSeries {
        #[prost(uint32, repeated, tag = 1)]
        pub labels_refs: Vec<u32>,
        #[prost(message, repeated, tag = 2)]
        pub samples: Vec<Sample>,
        #[prost(message, repeated, tag = 3)]
        pub histograms: Vec<Histogram>,
        #[prost(message, repeated, tag = 4)]
        pub exemplars: Vec<Exemplar>,
        #[prost(message, optional, tag = 5)]
        pub metadata: Option<Metadata>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Sample {
        #[prost(double, tag = 1)]
        pub value: f64,
        #[prost(int64, tag = 2)]
        pub timestamp: i64,
        #[prost(int64, tag = 3)]
        pub start_timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Exemplar {
        #[prost(uint32, repeated, tag = 1)]
        pub labels_refs: Vec<u32>,
        #[prost(double, tag = 2)]
        pub value: f64,
        #[prost(int64, tag = 3)]
        pub timestamp: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Metadata {
        #[prost(int32, tag = 1)]
        pub kind: i32,
        #[prost(uint32, tag = 3)]
        pub help_ref: u32,
        #[prost(uint32, tag = 4)]
        pub unit_ref: u32,
    }
}
