//! Random values, and what items stand in.

use fastrand::Rng;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::one;
use super::words::TEXTS;

pub(super) fn any(rng: &mut Rng, depth: u32) -> AnyValue {
    let value = match rng.u8(..if depth == 0 { 7 } else { 9 }) {
        0 => None,
        1 | 2 => Some(Any::StringValue(one(rng, TEXTS).to_owned())),
        3 => Some(Any::BoolValue(rng.bool())),
        4 => Some(Any::IntValue(rng.i64(-3..20))),
        5 => Some(Any::DoubleValue(f64::from(rng.i32(-4..8)) / 2.0)),
        6 => Some(Any::BytesValue((0..rng.u8(..4)).collect())),
        7 => Some(Any::ArrayValue(ArrayValue {
            values: (0..rng.u8(..4)).map(|_| any(rng, depth - 1)).collect(),
        })),
        _ => Some(Any::KvlistValue(KeyValueList {
            values: attributes(rng, depth - 1),
        })),
    };
    AnyValue { value }
}

/// No name twice: the reference's maps and its copies of them disagree about which counts.
pub(super) fn attributes(rng: &mut Rng, depth: u32) -> Vec<KeyValue> {
    let mut names = ["a", "b", "c", "d", "e"];
    rng.shuffle(&mut names);
    names[..rng.usize(..6)]
        .iter()
        .map(|name| KeyValue {
            key: (*name).to_owned(),
            value: Some(any(rng, depth)),
            ..KeyValue::default()
        })
        .collect()
}

pub(super) fn resource(rng: &mut Rng) -> Option<Resource> {
    rng.bool().then(|| Resource {
        attributes: attributes(rng, 1),
        dropped_attributes_count: rng.u32(..3),
        ..Resource::default()
    })
}

pub(super) fn scope(rng: &mut Rng) -> Option<InstrumentationScope> {
    rng.bool().then(|| InstrumentationScope {
        name: one(rng, TEXTS).to_owned(),
        version: "1.2".to_owned(),
        attributes: attributes(rng, 1),
        dropped_attributes_count: rng.u32(..3),
    })
}
