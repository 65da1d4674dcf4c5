//! Attributes that every resource gets unless it has them: which cluster or region it came through, where agents don't say so.
//!
//! A resource is rewritten by copying its bytes with more behind them: nothing is decoded but the keys that are compared.

use schemas::otlp::KeyValue;
use schemas::wire::{Field, Fields, Value, WireError, put_len, put_tag, put_varint, varint_len};

/// `ExportTraceServiceRequest.resource_spans`, `ResourceSpans.resource`, `Resource.attributes` and their siblings are all field 1.
const RESOURCES: u32 = 1;
const RESOURCE: u32 = 1;
const ATTRIBUTES: u32 = 1;

/// Tag and length of a resource that isn't there, and a length that grows.
const LENGTHS_MAX: usize = 3 * 10;

/// A resource that has one of them says which pod sent it.
const OF_POD: [&str; 2] = ["k8s.pod.uid", "k8s.pod.ip"];

/// What is stamped. Cheap to ask when there is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    key: String,
    /// The attribute as a field of a resource.
    field: Vec<u8>,
    /// Not for resources that say which pod sent them.
    only_without_pod: bool,
}

/// The value of a stamped attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum StampValue {
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
}

impl Stamp {
    /// Of these attributes, in this order.
    pub fn new(attributes: impl IntoIterator<Item = (String, StampValue)>) -> Self {
        let attributes = attributes.into_iter().map(|(key, value)| Attribute {
            field: field(&key, &value),
            key,
            only_without_pod: false,
        });
        Self {
            attributes: attributes.collect(),
        }
    }

    /// These texts first, and then what this stamp has beside them.
    pub fn behind(&self, texts: Vec<(String, String)>) -> Self {
        let texts = texts
            .into_iter()
            .map(|(key, text)| (key, StampValue::Text(text)));
        let mut stamp = Self::new(texts);
        for attribute in &self.attributes {
            if stamp.attributes.iter().all(|own| own.key != attribute.key) {
                stamp.attributes.push(attribute.clone());
            }
        }
        stamp
    }

    /// Also the address of the sender, for resources that don't say which pod sent them.
    pub fn with_sender(&self, key: &str, address: &str) -> Self {
        let mut stamp = self.clone();
        stamp.attributes.push(Attribute {
            field: field(key, &StampValue::Text(address.to_owned())),
            key: key.to_owned(),
            only_without_pod: true,
        });
        stamp
    }

    /// How many bytes a request may grow by. Many resources with hardly an item each are small only until they are stamped.
    pub fn bytes_max(&self, request: &[u8]) -> usize {
        if self.attributes.is_empty() {
            return 0;
        }
        let is_one =
            |field: &Field<'_>| field.number == RESOURCES && matches!(field.value, Value::Len(_));
        // What can't be read is refused by the split, before it is stamped.
        let resources = Fields::new(request).flatten().filter(is_one).count();
        let fields: usize = (self.attributes.iter())
            .map(|attribute| attribute.field.len())
            .sum();
        resources * (fields + LENGTHS_MAX)
    }

    /// Stamps the head of a resource (its message without its items), which is all of `bytes` from `start` on. One that isn't sound is left
    /// as it is, for whoever checks it.
    pub fn apply(&self, bytes: &mut Vec<u8>, start: usize) {
        if self.attributes.is_empty() {
            return;
        }
        if let Ok(Some(stamped)) = self.stamped(&bytes[start..]) {
            bytes.truncate(start);
            bytes.extend_from_slice(&stamped);
        }
    }

    /// The head with what is missing; `None`: nothing is.
    fn stamped(&self, head: &[u8]) -> Result<Option<Vec<u8>>, WireError> {
        let mut missing: Vec<&Attribute> = self.attributes.iter().collect();
        let (mut last, mut at) = (None, 0);
        for field in Fields::new(head) {
            let field = field?;
            let end = at + field.raw.len();
            if field.number == RESOURCE {
                let resource = field.len_value()?;
                retain_missing(resource, &mut missing)?;
                last = Some((at, resource, end));
            }
            at = end;
        }
        if missing.is_empty() {
            return Ok(None);
        }
        // Readers of bytes take the last resource where there are several, so that is the one to stamp.
        let (before, resource, behind) = last.unwrap_or_default();
        let more: usize = missing.iter().map(|attribute| attribute.field.len()).sum();
        let length = resource.len() + more;
        let mut stamped = Vec::with_capacity(head.len() + more + 1 + varint_len(length as u64));
        stamped.extend_from_slice(&head[..before]);
        put_tag(&mut stamped, RESOURCE, 2);
        put_varint(&mut stamped, length as u64);
        stamped.extend_from_slice(resource);
        for attribute in missing {
            stamped.extend_from_slice(&attribute.field);
        }
        stamped.extend_from_slice(&head[behind..]);
        Ok(Some(stamped))
    }
}

fn retain_missing(resource: &[u8], missing: &mut Vec<&Attribute>) -> Result<(), WireError> {
    for field in Fields::new(resource) {
        let field = field?;
        if field.number == ATTRIBUTES && !missing.is_empty() {
            let found = KeyValue::parse(field.len_value()?)?;
            let is_pod = OF_POD.iter().any(|key| key.as_bytes() == found.key);
            missing.retain(|attribute| {
                let is_there = attribute.key.as_bytes() == found.key;
                !(is_there || is_pod && attribute.only_without_pod)
            });
        }
    }
    Ok(())
}

fn field(key: &str, value: &StampValue) -> Vec<u8> {
    use schemas::wire::{put_fixed64, put_varint_field};
    let (mut any, mut pair, mut field) = (Vec::new(), Vec::new(), Vec::new());
    match value {
        StampValue::Text(text) => put_len(&mut any, 1, text.as_bytes()),
        StampValue::Bool(value) => put_varint_field(&mut any, 2, u64::from(*value)),
        StampValue::Int(value) => put_varint_field(&mut any, 3, *value as u64),
        StampValue::Double(value) => put_fixed64(&mut any, 4, value.to_bits()),
    }
    put_len(&mut pair, 1, key.as_bytes());
    put_len(&mut pair, 2, &any);
    put_len(&mut field, ATTRIBUTES, &pair);
    field
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
    use prost::Message;

    use super::*;

    fn attribute(key: &str, value: Value) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..Default::default()
        }
    }

    fn text(key: &str, text: &str) -> KeyValue {
        attribute(key, Value::StringValue(text.to_owned()))
    }

    fn head(attributes: Option<Vec<KeyValue>>) -> Vec<u8> {
        let resource = attributes.map(|attributes| Resource {
            attributes,
            dropped_attributes_count: 3,
            ..Default::default()
        });
        let of_resource = ResourceSpans {
            resource,
            schema_url: "url".to_owned(),
            ..Default::default()
        };
        of_resource.encode_to_vec()
    }

    fn stamp() -> Stamp {
        Stamp::new([
            (
                "k8s.cluster.name".to_owned(),
                StampValue::Text("eu-1".to_owned()),
            ),
            ("zone".to_owned(), StampValue::Int(-7)),
        ])
    }

    fn check(attributes: Option<Vec<KeyValue>>, expected: &[KeyValue]) {
        let mut bytes = b"before".to_vec();
        bytes.extend(head(attributes.clone()));
        stamp().apply(&mut bytes, 6);
        assert_eq!(&bytes[..6], b"before");
        let stamped = ResourceSpans::decode(&bytes[6..]).unwrap();
        assert_eq!(stamped.schema_url, "url");
        let resource = stamped.resource.unwrap();
        assert_eq!(resource.attributes, expected);
        let dropped = if attributes.is_some() { 3 } else { 0 };
        assert_eq!(resource.dropped_attributes_count, dropped);
    }

    #[test]
    fn what_is_missing_is_added_and_nothing_else() {
        let cluster = || text("k8s.cluster.name", "eu-1");
        let zone = || attribute("zone", Value::IntValue(-7));
        let own = || text("service.name", "shop");
        check(None, &[cluster(), zone()]);
        check(Some(vec![]), &[cluster(), zone()]);
        check(Some(vec![own()]), &[own(), cluster(), zone()]);
        let named = text("k8s.cluster.name", "us-2");
        check(
            Some(vec![named.clone(), own()]),
            &[named.clone(), own(), zone()],
        );
        check(Some(vec![zone(), named.clone()]), &[zone(), named]);
        // One that says nothing is there, too: whoever sent it knows better.
        let empty = text("zone", "");
        check(Some(vec![empty.clone()]), &[empty, cluster()]);
    }

    #[test]
    fn what_comes_behind_leaves_what_is_there() {
        let texts = vec![
            ("zone".to_owned(), "own".to_owned()),
            ("team".to_owned(), "core".to_owned()),
        ];
        let mut bytes = Vec::new();
        stamp().behind(texts).apply(&mut bytes, 0);
        let stamped = ResourceSpans::decode(&bytes[..]).unwrap();
        let expected = [
            text("zone", "own"),
            text("team", "core"),
            text("k8s.cluster.name", "eu-1"),
        ];
        assert_eq!(stamped.resource.unwrap().attributes, expected);
    }

    #[test]
    fn a_sender_is_stamped_where_the_pod_isnt_known() {
        let sender = || text("net.peer", "10.0.0.1");
        let check = |own: KeyValue, is_stamped: bool| {
            let mut bytes = head(Some(vec![own.clone()]));
            let stamp = Stamp::default().with_sender("net.peer", "10.0.0.1");
            stamp.apply(&mut bytes, 0);
            let found = ResourceSpans::decode(&bytes[..]).unwrap();
            let expected: Vec<_> = [own].into_iter().chain(is_stamped.then(sender)).collect();
            assert_eq!(found.resource.unwrap().attributes, expected);
        };
        check(text("service.name", "shop"), true);
        check(text("k8s.pod.uid", "u"), false);
        check(text("k8s.pod.ip", "10.0.0.2"), false);
        check(text("net.peer", "own"), false);
    }

    #[test]
    fn what_a_request_may_grow_by_is_known_before() {
        let lengths = [
            None,
            Some(vec![]),
            Some(vec![text("own", &"x".repeat(110))]),
        ];
        for own in lengths {
            let (mut request, mut stamped) = (Vec::new(), Vec::new());
            for _ in 0..3 {
                let mut head = head(own.clone());
                put_len(&mut request, RESOURCES, &head);
                stamp().apply(&mut head, 0);
                put_len(&mut stamped, RESOURCES, &head);
            }
            let most = stamp().bytes_max(&request);
            assert!(
                (stamped.len() - request.len()..=3 * 80).contains(&most),
                "{most}"
            );
            assert_eq!(Stamp::default().bytes_max(&request), 0);
        }
    }

    #[test]
    fn what_is_not_sound_stays_as_it_is() {
        for broken in [&[10, 200][..], &[10, 2, 10, 9], &[8, 1], &[10, 3, 10, 1, 8]] {
            let mut bytes = broken.to_vec();
            stamp().apply(&mut bytes, 0);
            assert_eq!(bytes, broken);
        }
        let mut bytes = head(None);
        Stamp::default().apply(&mut bytes, 0);
        assert_eq!(bytes, head(None));
    }
}
