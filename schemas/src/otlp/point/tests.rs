//! The views against the reference types.
#![allow(clippy::unwrap_used)]

use opentelemetry_proto::tonic::metrics::v1 as otlp;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::wire::{put_fixed64, put_len, put_varint_field};

proptest! {
    #[test]
    fn numbers(start: u64, time: u64, double: f64, int: i64, kind in 0..3, flags: u32) {
        use otlp::number_data_point::Value;
        let message = otlp::NumberDataPoint {
            start_time_unix_nano: start,
            time_unix_nano: time,
            value: match kind {
                0 => None,
                1 => Some(Value::AsDouble(double)),
                _ => Some(Value::AsInt(int)),
            },
            flags,
            exemplars: vec![otlp::Exemplar { time_unix_nano: 7, ..otlp::Exemplar::default() }],
            ..otlp::NumberDataPoint::default()
        }.encode_to_vec();
        let point = NumberPoint::parse(&message).unwrap();
        prop_assert_eq!((point.start_time_unix_nano, point.time_unix_nano, point.flags), (start, time, flags));
        let expected = match kind { 0 => Number::Absent, 1 => Number::Double(double), _ => Number::Int(int) };
        prop_assert_eq!(format!("{:?}", point.value), format!("{:?}", expected));
        prop_assert_eq!(point.exemplars().next().unwrap().unwrap().time_unix_nano, 7);
    }

    #[test]
    fn histograms(count: u64, sum: Option<f64>, counts: Vec<u64>, bounds: Vec<f64>) {
        let message = otlp::HistogramDataPoint {
            count, sum, bucket_counts: counts.clone(), explicit_bounds: bounds.clone(),
            ..otlp::HistogramDataPoint::default()
        }.encode_to_vec();
        let point = HistogramPoint::parse(&message).unwrap();
        prop_assert_eq!((point.count, point.sum.map(f64::to_bits)), (count, sum.map(f64::to_bits)));
        prop_assert_eq!(point.bucket_counts().map(Result::unwrap).collect::<Vec<_>>(), counts);
        let bounds: Vec<_> = bounds.iter().map(|bound| bound.to_bits()).collect();
        prop_assert_eq!(point.explicit_bounds().map(Result::unwrap).collect::<Vec<_>>(), bounds);
    }

    #[test]
    fn exponential(scale: i32, offset: i32, counts: Vec<u64>, zero: u64, threshold: f64) {
        let message = otlp::ExponentialHistogramDataPoint {
            scale, zero_count: zero, zero_threshold: threshold,
            negative: Some(otlp::exponential_histogram_data_point::Buckets { offset, bucket_counts: counts.clone() }),
            ..otlp::ExponentialHistogramDataPoint::default()
        }.encode_to_vec();
        let point = ExponentialHistogramPoint::parse(&message).unwrap();
        prop_assert_eq!((point.scale, point.zero_count, point.negative.offset), (scale, zero, offset));
        prop_assert_eq!(point.zero_threshold, threshold);
        prop_assert_eq!(point.negative.counts().map(Result::unwrap).collect::<Vec<_>>(), counts);
        prop_assert_eq!(point.positive.counts().count(), 0);
    }

    #[test]
    fn summaries(count: u64, sum: f64, quantiles: Vec<(f64, f64)>) {
        let values = quantiles.iter().map(|(quantile, value)| otlp::summary_data_point::ValueAtQuantile { quantile: *quantile, value: *value });
        let message = otlp::SummaryDataPoint { count, sum, quantile_values: values.collect(), ..otlp::SummaryDataPoint::default() }.encode_to_vec();
        let point = SummaryPoint::parse(&message).unwrap();
        // The reference leaves -0 out, which is 0 then: compared as numbers.
        prop_assert_eq!((point.count, point.sum), (count, sum));
        let found: Vec<_> = point.quantiles().map(Result::unwrap).collect();
        prop_assert_eq!(found, quantiles);
    }
}

#[test]
fn repeated_numbers_may_be_packed_or_not() {
    let mut message = Vec::new();
    put_fixed64(&mut message, 6, 1);
    put_len(
        &mut message,
        6,
        &[2u64.to_le_bytes(), 3u64.to_le_bytes()].concat(),
    );
    put_len(&mut message, 6, &[]);
    put_fixed64(&mut message, 7, 9);
    put_fixed64(&mut message, 6, 4);
    let found: Result<Vec<_>, _> = Fixed64s::new(&message, 6).collect();
    assert_eq!(found.unwrap(), [1, 2, 3, 4]);
    let mut message = Vec::new();
    put_varint_field(&mut message, 2, 300);
    put_len(&mut message, 2, &[1, 0xac, 0x02]);
    let found: Result<Vec<_>, _> = Varints::new(&message, 2).collect();
    assert_eq!(found.unwrap(), [300, 1, 300]);
}

#[test]
fn broken_ones_are_errors_once() {
    let mut message = Vec::new();
    put_len(&mut message, 6, &[0; 9]);
    let mut numbers = Fixed64s::new(&message, 6);
    assert_eq!(numbers.next(), Some(Ok(0)));
    assert!(numbers.next().unwrap().is_err());
    assert_eq!(numbers.next(), None);
    let mut message = Vec::new();
    put_len(&mut message, 2, &[0x80]);
    put_varint_field(&mut message, 2, 1);
    let mut numbers = Varints::new(&message, 2);
    assert!(numbers.next().unwrap().is_err());
    assert_eq!(numbers.next(), None);
    assert!(NumberPoint::parse(&[2 << 3, 1]).is_err());
    assert!(ExponentialHistogramPoint::parse(&[8 << 3 | 2, 2, 8, 0x80]).is_err());
}
