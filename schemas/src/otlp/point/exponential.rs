//! A point of an exponential histogram.

use super::{Exemplars, Varints};
use crate::otlp::Attributes;
use crate::wire::{Fields, WireError};

/// `ExponentialHistogramDataPoint {attributes = 1, start_time_unix_nano = 2, time_unix_nano = 3, count = 4, sum = 5, scale = 6,
/// zero_count = 7, positive = 8, negative = 9, flags = 10, exemplars = 11, min = 12, max = 13, zero_threshold = 14}`.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialHistogramPoint<'a> {
    /// The whole message.
    pub body: &'a [u8],
    /// Nanoseconds since 1970; 0: not known.
    pub start_time_unix_nano: u64,
    /// Nanoseconds since 1970.
    pub time_unix_nano: u64,
    pub count: u64,
    /// `None`: it is not monotonic, or not recorded.
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// Buckets grow by `2^(2^-scale)`.
    pub scale: i32,
    pub zero_count: u64,
    /// Values up to this distance from 0 are in `zero_count`.
    pub zero_threshold: f64,
    pub positive: Buckets<'a>,
    pub negative: Buckets<'a>,
    pub flags: u32,
}

/// `Buckets {offset = 1, bucket_counts = 2}`. Bucket `i` of the counts is that of index `offset + i`, which reaches from
/// `base^index` (exclusive) to `base^(index + 1)` (inclusive).
#[derive(Clone, Copy, Debug, Default)]
pub struct Buckets<'a> {
    pub offset: i32,
    body: &'a [u8],
}

impl<'a> Buckets<'a> {
    fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut buckets = Self { offset: 0, body };
        for field in Fields::new(body) {
            let field = field?;
            if field.number == 1 {
                buckets.offset = sint32(field.varint_value()?);
            }
        }
        Ok(buckets)
    }

    pub fn counts(&self) -> Varints<'a> {
        Varints::new(self.body, 2)
    }
}

/// ZigZag, cut to 32 bits as protobuf does.
fn sint32(value: u64) -> i32 {
    let value = value as u32;
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

impl<'a> ExponentialHistogramPoint<'a> {
    /// One pass over the point's fields. Of fields that appear twice the last counts.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        let mut point = Self {
            body,
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            count: 0,
            sum: None,
            min: None,
            max: None,
            scale: 0,
            zero_count: 0,
            zero_threshold: 0.0,
            positive: Buckets::default(),
            negative: Buckets::default(),
            flags: 0,
        };
        for field in Fields::new(body) {
            let field = field?;
            match field.number {
                2 => point.start_time_unix_nano = field.fixed64_value()?,
                3 => point.time_unix_nano = field.fixed64_value()?,
                4 => point.count = field.fixed64_value()?,
                5 => point.sum = Some(f64::from_bits(field.fixed64_value()?)),
                6 => point.scale = sint32(field.varint_value()?),
                7 => point.zero_count = field.fixed64_value()?,
                8 => point.positive = Buckets::parse(field.len_value()?)?,
                9 => point.negative = Buckets::parse(field.len_value()?)?,
                10 => point.flags = field.varint_value()? as u32,
                12 => point.min = Some(f64::from_bits(field.fixed64_value()?)),
                13 => point.max = Some(f64::from_bits(field.fixed64_value()?)),
                14 => point.zero_threshold = f64::from_bits(field.fixed64_value()?),
                _ => {}
            }
        }
        Ok(point)
    }

    /// Field 1, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.body, 1)
    }

    pub fn exemplars(&self) -> Exemplars<'a> {
        Exemplars::new(self.body, 11)
    }
}
