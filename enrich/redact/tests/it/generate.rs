//! Random requests, made from the list of all fields of the protocol: whatever field there is, text is planted in it.

use std::collections::BTreeMap;

use fastrand::Rng;
use schemas::Signal;
use schemas::wire::{put_len, put_varint};

/// `message number name [repeated] type`, from the descriptors of opentelemetry-proto.
pub const FIELDS: &str = include_str!("otlp-fields.txt");

/// No output may hold any of these. The first two match patterns; the last stands under keys that are deleted or hashed.
pub const SECRETS: [&str; 3] = ["leak.example", "SECRET-", "planted"];

#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    pub number: u32,
    pub name: &'static str,
    pub repeated: bool,
    pub kind: &'static str,
}

pub fn fields() -> BTreeMap<&'static str, Vec<FieldSpec>> {
    let mut messages: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in FIELDS.lines() {
        let words: Vec<_> = line.split(' ').collect();
        messages.entry(words[0]).or_default().push(FieldSpec {
            number: words[1].parse().unwrap(),
            name: words[2],
            repeated: words[3] == "repeated",
            kind: words[words.len() - 1],
        });
    }
    messages
}

pub fn request_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "ExportTraceServiceRequest",
        Signal::Logs => "ExportLogsServiceRequest",
        Signal::Metrics => "ExportMetricsServiceRequest",
    }
}

pub struct Generator {
    rng: Rng,
    messages: BTreeMap<&'static str, Vec<FieldSpec>>,
    /// Under a key whose values go, text is of another kind.
    planted: usize,
    pub unknown_fields: bool,
    /// Only plain values under keys that are hashed: the hash of others depends on the order of fields within.
    pub hash_scalars: bool,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            messages: fields(),
            planted: 0,
            unknown_fields: false,
            hash_scalars: false,
        }
    }

    pub fn request(&mut self, signal: Signal) -> Vec<u8> {
        self.message(request_name(signal), 0)
    }

    /// Fields in any order, as protobuf allows; of a `oneof` one.
    fn message(&mut self, name: &'static str, depth: usize) -> Vec<u8> {
        if name == "KeyValue" {
            return self.key_value(depth);
        }
        let mut fields = self.messages[name].clone();
        match name {
            "AnyValue" => {
                fields.retain(|field| field.name != "string_value_strindex");
                if depth > 12 || (self.hash_scalars && self.planted > 0) {
                    fields.retain(|field| !matches!(field.kind, "ArrayValue" | "KeyValueList"));
                }
                fields = vec![fields[self.rng.usize(..fields.len())]];
            }
            "Metric" => {
                let kept = self.rng.usize(..5);
                let data = [
                    "gauge",
                    "sum",
                    "histogram",
                    "exponential_histogram",
                    "summary",
                ];
                fields.retain(
                    |field| match data.iter().position(|name| *name == field.name) {
                        Some(index) => index == kept,
                        None => true,
                    },
                );
            }
            "NumberDataPoint" | "Exemplar" => {
                let other = if self.rng.bool() {
                    "as_int"
                } else {
                    "as_double"
                };
                fields.retain(|field| field.name != other);
            }
            _ => {}
        }
        self.rng.shuffle(&mut fields);
        let mut out = Vec::new();
        for field in fields {
            let nesting = matches!(field.name.split('_').next(), Some("resource" | "scope"));
            let most = if field.repeated { 3 } else { 1 };
            let least = usize::from(nesting || name == "AnyValue");
            for _ in 0..self.rng.usize(least..=most) {
                self.field(name, field, depth, &mut out);
            }
        }
        if self.unknown_fields && self.rng.u8(..) < 60 {
            let text = self.text();
            put_len(&mut out, self.rng.u32(100..100_000), text.as_bytes());
        }
        out
    }

    fn field(&mut self, message: &str, field: FieldSpec, depth: usize, out: &mut Vec<u8>) {
        let tag = |wire_type: u32| u64::from(field.number << 3 | wire_type);
        match field.kind {
            "string" => {
                let text = match field.name {
                    "trace_state" => self.trace_state(),
                    _ => self.text(),
                };
                put_len(out, field.number, text.as_bytes());
            }
            "bytes" => {
                let bytes = match (message, field.name) {
                    ("AnyValue", _) => self.bytes(),
                    (_, "trace_id") if self.rng.u8(..) < 230 => self.random(16),
                    _ if self.rng.u8(..) < 230 => self.random(8),
                    _ => self.bytes(),
                };
                put_len(out, field.number, &bytes);
            }
            "double" | "fixed64" | "sfixed64" => {
                let value = match field.kind {
                    "double" => (self.rng.f64() * 100.0).round().to_bits(),
                    _ => self.rng.u64(..),
                };
                if field.repeated && self.rng.bool() {
                    put_len(out, field.number, &value.to_le_bytes().repeat(2));
                } else {
                    put_varint(out, tag(1));
                    out.extend_from_slice(&value.to_le_bytes());
                }
            }
            "fixed32" => {
                put_varint(out, tag(5));
                out.extend_from_slice(&self.rng.u32(..).to_le_bytes());
            }
            "bool" | "int32" | "int64" | "uint32" | "uint64" | "sint32" | "enum" => {
                put_varint(out, tag(0));
                put_varint(out, self.rng.u64(..2));
            }
            child => {
                let (name, _) = self.messages.get_key_value(child).unwrap();
                let name = *name;
                let body = self.message(name, depth + 1);
                put_len(out, field.number, &body);
            }
        }
    }

    fn key_value(&mut self, depth: usize) -> Vec<u8> {
        let key = match self.rng.u8(..12) {
            0 | 1 => "delete.me",
            2 | 3 => "hash.me",
            4 => "set.me",
            5 => "alice@leak.example",
            6 => "",
            7 => "schlüssel",
            _ => "http.request.method",
        };
        let gone = matches!(key, "delete.me" | "hash.me");
        self.planted += usize::from(gone);
        let value = self.message("AnyValue", depth + 1);
        self.planted -= usize::from(gone);
        let mut parts = vec![(1, key.as_bytes()), (2, &value[..])];
        match self.rng.u8(..20) {
            0 => parts.swap(0, 1),
            1 => drop(parts.pop()),
            2 if !gone => drop(parts.remove(0)),
            _ => {}
        }
        let mut out = Vec::new();
        for (number, part) in parts {
            put_len(&mut out, number, part);
        }
        if self.unknown_fields && self.rng.u8(..) < 60 {
            let text = self.text();
            put_len(&mut out, 9, text.as_bytes());
        }
        out
    }

    fn text(&mut self) -> String {
        if self.planted > 0 {
            return format!("planted {}", self.rng.u8(..4));
        }
        let harmless = [
            "",
            "GET",
            "a text",
            "größe",
            "/api/v1/orders/{id}",
            "SECRET",
            "@",
        ];
        let secret = match self.rng.u8(..8) {
            0 => "alice@leak.example".to_owned(),
            1 => format!("SECRET-{}", self.rng.u16(..)),
            2 => format!("ü alice@leak.example, SECRET-1 {}", "and more ".repeat(30)),
            _ => return harmless[self.rng.usize(..harmless.len())].to_owned(),
        };
        let before = harmless[self.rng.usize(..harmless.len())];
        format!("{before} {secret}")
    }

    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = self.random(5);
        bytes.extend_from_slice(b"\xff ");
        bytes.extend_from_slice(self.text().as_bytes());
        bytes.push(0xfe);
        bytes
    }

    fn random(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.rng.u8(..)).collect()
    }

    fn trace_state(&mut self) -> String {
        let entries = [
            "a=b",
            "ot=th:8;rv:0123456789abcd",
            "ot=x:SECRET-1",
            "v=alice@leak.example",
            "c=SECRET-2",
        ];
        let count = self.rng.usize(..4);
        let entries: Vec<_> = (0..count)
            .map(|_| entries[self.rng.usize(..entries.len())])
            .collect();
        entries.join(",")
    }

    /// A few random changes: bytes flipped, taken out, doubled, the end cut off.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.rng.usize(1..4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.rng.usize(..bytes.len());
            let end = (at + self.rng.usize(1..20)).min(bytes.len());
            match self.rng.u8(..6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                3 => bytes[at] = self.rng.u8(..),
                4 => bytes[at] ^= 1 << self.rng.u8(..8),
                _ => bytes[at] = bytes[at].wrapping_add(1),
            }
        }
    }
}
