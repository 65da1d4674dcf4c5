//! Native histograms on the wire: the same message in both versions, but for the start time.

use schemas::wire::{put_fixed64, put_len, put_tag, put_varint, put_varint_field, varint_len};

use super::Version;

/// Consecutive buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From the end of the span before; of the first, the index of its first bucket.
    pub offset: i32,
    pub length: u32,
}

/// Buckets of one sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SparseBuckets {
    pub spans: Vec<Span>,
    /// What each bucket has more than the one before.
    pub deltas: Vec<i64>,
}

/// `Histogram` with integer counts and an unknown reset hint: the only hint that is safe to send for what others counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NativeHistogram {
    pub count: u64,
    pub sum: f64,
    /// -4 to 8, or -53 for buckets with bounds of their own.
    pub schema: i32,
    pub zero_threshold: f64,
    pub zero_count: u64,
    pub positive: SparseBuckets,
    pub negative: SparseBuckets,
    /// The bounds of schema -53.
    pub custom_values: Vec<f64>,
}

impl NativeHistogram {
    /// Appends the message's fields.
    pub(super) fn write(&self, version: Version, start_ms: i64, time_ms: i64, out: &mut Vec<u8>) {
        // In a `oneof`: also 0 says something.
        put_varint_field(out, 1, self.count);
        put_double(out, 3, self.sum);
        if self.schema != 0 {
            put_varint_field(out, 4, zigzag(i64::from(self.schema)));
        }
        put_double(out, 5, self.zero_threshold);
        put_varint_field(out, 6, self.zero_count);
        self.negative.write((8, 9), out);
        self.positive.write((11, 12), out);
        if time_ms != 0 {
            put_varint_field(out, 15, time_ms as u64);
        }
        if !self.custom_values.is_empty() {
            put_tag(out, 16, 2);
            put_varint(out, self.custom_values.len() as u64 * 8);
            for value in &self.custom_values {
                out.extend_from_slice(&value.to_le_bytes());
            }
        }
        if version == Version::V2 && start_ms != 0 {
            put_varint_field(out, 17, start_ms as u64);
        }
    }
}

impl SparseBuckets {
    fn write(&self, (spans, deltas): (u32, u32), out: &mut Vec<u8>) {
        let mut message = Vec::with_capacity(12);
        for span in &self.spans {
            message.clear();
            if span.offset != 0 {
                put_varint_field(&mut message, 1, zigzag(i64::from(span.offset)));
            }
            if span.length != 0 {
                put_varint_field(&mut message, 2, u64::from(span.length));
            }
            put_len(out, spans, &message);
        }
        if !self.deltas.is_empty() {
            let bytes = self.deltas.iter().map(|delta| varint_len(zigzag(*delta)));
            put_tag(out, deltas, 2);
            put_varint(out, bytes.sum::<usize>() as u64);
            for delta in &self.deltas {
                put_varint(out, zigzag(*delta));
            }
        }
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// A `double`, left out where its bits are those of 0.
pub(super) fn put_double(out: &mut Vec<u8>, field: u32, value: f64) {
    if value.to_bits() != 0 {
        put_fixed64(out, field, value.to_bits());
    }
}
