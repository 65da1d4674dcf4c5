//! Request headers as resource attributes: appended to each resource of a request, where it stands.
//!
//! An attribute that a resource has already stays as it is. Nothing is decoded, and what can't be read is left as it came, for the split to judge.

use http::{HeaderMap, HeaderValue};
use schemas::otlp::Attributes;
use schemas::wire::{Field, Fields, Value, put_len, put_tag, put_varint, varint_len};

use crate::config::FromHeader;

/// Of one value; longer ones are cut.
const VALUE_BYTES_MAX: usize = 1024;
/// Between the values of a header that came more than once, as the Collector joins them.
const JOINED_BY: &str = ";";

/// In a request, the resources with their items; in those, the resource; in that, its attributes.
const RESOURCES: u32 = 1;
const RESOURCE: u32 = 1;
const ATTRIBUTES: u32 = 1;
const LEN: u8 = 2;

/// What one request's headers add.
#[derive(Default)]
pub struct Metadata(Vec<Added>);

struct Added {
    key: String,
    /// `attributes = 1`, whole.
    field: Vec<u8>,
}

impl Metadata {
    /// Of the headers that are there.
    pub fn of(headers: &HeaderMap, wanted: &[FromHeader]) -> Self {
        let present = wanted.iter().filter_map(|wanted| {
            let value = joined(headers.get_all(&wanted.header).iter())?;
            Some(Added::new(&wanted.attribute, &value))
        });
        Self(present.collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes a request may grow by.
    pub fn bytes_max(&self, request: &[u8]) -> usize {
        // Tags and lengths of a resource that isn't there, and lengths that grow.
        let each = self.0.iter().map(|added| added.field.len()).sum::<usize>() + 3 * 10;
        each * Fields::new(request).flatten().filter(is_block).count()
    }

    /// The request with them; `None`: nothing is to be changed, or nothing can be.
    pub fn added_to(&self, request: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(request.len() + self.bytes_max(request));
        for field in Fields::new(request) {
            let field = field.ok()?;
            match field.value {
                Value::Len(block) if is_block(&field) => match self.with(block) {
                    Some(block) => put_len(&mut out, RESOURCES, &block),
                    None => out.extend_from_slice(field.raw),
                },
                _ => out.extend_from_slice(field.raw),
            }
        }
        Some(out)
    }

    /// One resource with its items.
    fn with(&self, block: &[u8]) -> Option<Vec<u8>> {
        let mut missing: Vec<&Added> = self.0.iter().collect();
        for attribute in Attributes::within(block, RESOURCE, ATTRIBUTES) {
            let attribute = attribute.ok()?;
            missing.retain(|added| added.key.as_bytes() != attribute.key);
        }
        let more: usize = missing.iter().map(|added| added.field.len()).sum();
        if more == 0 {
            return None;
        }
        let mut out = Vec::with_capacity(block.len() + more + 2 * varint_len(u64::MAX));
        let mut is_done = false;
        let put = |out: &mut Vec<u8>, resource: &[u8]| {
            put_tag(out, RESOURCE, LEN);
            put_varint(out, (resource.len() + more) as u64);
            out.extend_from_slice(resource);
            missing
                .iter()
                .for_each(|added| out.extend_from_slice(&added.field));
        };
        for field in Fields::new(block) {
            let field = field.ok()?;
            match field.value {
                Value::Len(resource) if field.number == RESOURCE && !is_done => {
                    put(&mut out, resource);
                    is_done = true;
                }
                _ => out.extend_from_slice(field.raw),
            }
        }
        if !is_done {
            put(&mut out, &[]);
        }
        Some(out)
    }
}

fn is_block(field: &Field<'_>) -> bool {
    field.number == RESOURCES && matches!(field.value, Value::Len(_))
}

impl Added {
    fn new(key: &str, value: &str) -> Self {
        // KeyValue {key = 1, value = 2}, AnyValue {string_value = 1}
        let (mut any, mut pair, mut field) = (Vec::new(), Vec::new(), Vec::new());
        put_len(&mut any, 1, value.as_bytes());
        put_len(&mut pair, 1, key.as_bytes());
        put_len(&mut pair, 2, &any);
        put_len(&mut field, ATTRIBUTES, &pair);
        Self {
            key: key.to_owned(),
            field,
        }
    }
}

/// `None`: there is no value, or one that is no text.
fn joined<'h>(values: impl Iterator<Item = &'h HeaderValue>) -> Option<String> {
    let mut all = String::new();
    for value in values {
        if !all.is_empty() {
            all.push_str(JOINED_BY);
        }
        all.push_str(std::str::from_utf8(value.as_bytes()).ok()?);
    }
    all.truncate(all.floor_char_boundary(VALUE_BYTES_MAX));
    Some(all).filter(|all| !all.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
    use prost::Message;

    use super::*;

    fn metadata(headers: &[(&'static str, &str)]) -> Metadata {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let wanted =
            [("x-team", "team.name"), ("x-zone", "zone")].map(|(header, key)| FromHeader {
                header: header.parse().unwrap(),
                attribute: key.into(),
            });
        Metadata::of(&map, &wanted)
    }

    fn attributes(resource: &ResourceSpans) -> Vec<(String, String)> {
        let resource = resource.resource.clone().unwrap_or_default();
        let text = |value: Option<Any>| match value {
            Some(Any::StringValue(text)) => text,
            other => format!("{other:?}"),
        };
        let pair = |pair: opentelemetry_proto::tonic::common::v1::KeyValue| {
            (pair.key, text(pair.value.and_then(|value| value.value)))
        };
        resource.attributes.into_iter().map(pair).collect()
    }

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], own: &[(&str, &str)], expected: &[(&str, &str)]) {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let resource = Metadata(
            pairs(own)
                .iter()
                .map(|(key, value)| Added::new(key, value))
                .collect(),
        );
        let own: Vec<u8> = resource
            .0
            .iter()
            .flat_map(|added| added.field.clone())
            .collect();
        let request = ExportTraceServiceRequest {
            resource_spans: vec![
                ResourceSpans {
                    resource: Some(Resource::decode(&own[..]).unwrap()),
                    schema_url: "https://schema".into(),
                    ..Default::default()
                },
                ResourceSpans::default(),
            ],
        };
        let metadata = metadata(headers);
        let bytes = request.encode_to_vec();
        let out = metadata.added_to(&bytes).unwrap();
        assert!(out.len() <= bytes.len() + metadata.bytes_max(&bytes));
        let out = ExportTraceServiceRequest::decode(&out[..]).unwrap();
        assert_eq!(attributes(&out.resource_spans[0]), pairs(expected));
        assert_eq!(out.resource_spans[0].schema_url, "https://schema");
        // A resource that isn't there becomes one.
        let added: Vec<_> = metadata.0.iter().map(|added| added.key.clone()).collect();
        let of_none: Vec<_> = attributes(&out.resource_spans[1])
            .into_iter()
            .map(|pair| pair.0)
            .collect();
        assert_eq!(of_none, added);
    }

    #[test]
    fn headers_become_attributes_that_are_not_there() {
        let own = [("service.name", "shop")];
        check(&[], &own, &own);
        check(&[("x-other", "a")], &own, &own);
        check(
            &[("x-team", "core")],
            &own,
            &[own[0], ("team.name", "core")],
        );
        check(
            &[("x-team", "a"), ("x-team", "b"), ("x-zone", "z")],
            &own,
            &[own[0], ("team.name", "a;b"), ("zone", "z")],
        );
        // What the sender says of itself stays.
        check(
            &[("x-team", "core"), ("x-zone", "z")],
            &[("team.name", "own")],
            &[("team.name", "own"), ("zone", "z")],
        );
        check(&[("x-team", "")], &own, &own);
        check(
            &[("x-team", "grün")],
            &own,
            &[own[0], ("team.name", "grün")],
        );
    }

    #[test]
    fn values_are_cut_and_garbage_is_left_alone() {
        let long = "ü".repeat(2000);
        let metadata = metadata(&[("x-team", &long)]);
        assert!(metadata.0[0].field.len() < VALUE_BYTES_MAX + 32);
        assert_eq!(metadata.added_to(b"\xff\xff"), None);
        // A resource that can't be read stays as it came.
        let garbage = [10, 3, 10, 200, 1];
        assert_eq!(metadata.added_to(&garbage).as_deref(), Some(&garbage[..]));
        let mut headers = HeaderMap::new();
        headers.insert("x-team", HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(
            Metadata::of(
                &headers,
                &[FromHeader {
                    header: "x-team".parse().unwrap(),
                    attribute: "a".into()
                }]
            )
            .is_empty()
        );
    }
}
