//! OTLP's values as JSON that isn't OTLP's: attributes as the members of an object, lists and maps as JSON has them. What backends with documents of
//! their own are given.

use std::collections::HashSet;

use super::token::{
    double_text, put_base64, put_bool, put_double, put_escaped, put_hex, put_signed, put_text,
};
use crate::otlp::{AnyValue, ArrayValues, Attributes, DEPTH_MAX};
use crate::wire::WireError;

/// Up to here, keys are compared one by one.
const FEW: usize = 32;

/// How bytes are written, for which JSON has no type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BytesAs {
    Base64,
    Hex,
}

/// Writes the values of one request after the other. Of several attributes with one key the first counts: many readers refuse an object that has a key
/// twice.
#[derive(Debug)]
pub struct Plain<'a> {
    bytes: BytesAs,
    /// The keys of the objects that are being written, those of the innermost on top.
    keys: Vec<&'a [u8]>,
    /// For JSON within a text.
    scratch: Vec<u8>,
}

impl<'a> Plain<'a> {
    pub fn new(bytes: BytesAs) -> Self {
        Self {
            bytes,
            keys: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// An object of attributes.
    ///
    /// # Errors
    /// Malformed attributes; nesting beyond 100 levels. What was written is of no use then.
    pub fn object(
        &mut self,
        out: &mut Vec<u8>,
        attributes: Attributes<'a>,
    ) -> Result<(), WireError> {
        self.object_at(out, attributes, 0)
    }

    /// An object that begins with `first`, members that are written already, and goes on with those attributes whose keys aren't `left_out`: the
    /// keys of `first` must be.
    ///
    /// # Errors
    /// As [`Plain::object`].
    pub fn object_after(
        &mut self,
        out: &mut Vec<u8>,
        first: &[u8],
        left_out: impl Fn(&[u8]) -> bool,
        attributes: Attributes<'a>,
    ) -> Result<(), WireError> {
        out.push(b'{');
        out.extend_from_slice(first);
        self.members(out, attributes, left_out, |plain, out, value| {
            plain.value_at(out, value, 0)
        })?;
        out.push(b'}');
        Ok(())
    }

    /// An object of attributes with their values as text, whatever their types: [`Plain::text`].
    ///
    /// # Errors
    /// As [`Plain::object`].
    pub fn texts(
        &mut self,
        out: &mut Vec<u8>,
        attributes: Attributes<'a>,
    ) -> Result<(), WireError> {
        out.push(b'{');
        self.members(
            out,
            attributes,
            |_| false,
            |plain, out, value| plain.text(out, value),
        )?;
        out.push(b'}');
        Ok(())
    }

    /// A value.
    ///
    /// # Errors
    /// As [`Plain::object`].
    pub fn value(&mut self, out: &mut Vec<u8>, value: AnyValue<'a>) -> Result<(), WireError> {
        self.value_at(out, value, 0)
    }

    /// A value as a string: texts and numbers as they are, bytes in base64, lists and maps as JSON within the string, nothing as the empty string. So the
    /// Collector's `AsString` has them.
    ///
    /// # Errors
    /// As [`Plain::object`].
    pub fn text(&mut self, out: &mut Vec<u8>, value: AnyValue<'a>) -> Result<(), WireError> {
        out.push(b'"');
        match value {
            AnyValue::Empty => {}
            AnyValue::String(text) => put_escaped(out, text),
            AnyValue::Bool(value) => put_bool(out, value),
            AnyValue::Int(value) => put_signed(out, value),
            AnyValue::Double(value) => out.extend_from_slice(double_text(value).as_bytes()),
            AnyValue::Bytes(bytes) => {
                // It brings its own quotes.
                out.pop();
                put_base64(out, bytes);
                return Ok(());
            }
            AnyValue::Array(_) | AnyValue::Kvlist(_) => {
                let mut json = std::mem::take(&mut self.scratch);
                json.clear();
                let written = self.value(&mut json, value);
                put_escaped(out, &json);
                self.scratch = json;
                written?;
            }
        }
        out.push(b'"');
        Ok(())
    }

    fn value_at(
        &mut self,
        out: &mut Vec<u8>,
        value: AnyValue<'a>,
        depth: usize,
    ) -> Result<(), WireError> {
        if depth > DEPTH_MAX {
            return Err(WireError::Depth { limit: DEPTH_MAX });
        }
        match value {
            AnyValue::Empty => out.extend_from_slice(b"null"),
            AnyValue::String(text) => put_text(out, text),
            AnyValue::Bool(value) => put_bool(out, value),
            AnyValue::Int(value) => put_signed(out, value),
            AnyValue::Double(value) => put_double(out, value),
            AnyValue::Bytes(bytes) => match self.bytes {
                BytesAs::Base64 => put_base64(out, bytes),
                BytesAs::Hex => put_hex(out, bytes),
            },
            AnyValue::Kvlist(list) => self.object_at(out, Attributes::new(list, 1), depth + 1)?,
            AnyValue::Array(array) => {
                out.push(b'[');
                for (index, element) in ArrayValues::new(array).enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    self.value_at(out, element?, depth + 1)?;
                }
                out.push(b']');
            }
        }
        Ok(())
    }

    fn object_at(
        &mut self,
        out: &mut Vec<u8>,
        attributes: Attributes<'a>,
        depth: usize,
    ) -> Result<(), WireError> {
        out.push(b'{');
        self.members(
            out,
            attributes,
            |_| false,
            |plain, out, value| plain.value_at(out, value, depth),
        )?;
        out.push(b'}');
        Ok(())
    }

    fn members(
        &mut self,
        out: &mut Vec<u8>,
        attributes: Attributes<'a>,
        left_out: impl Fn(&[u8]) -> bool,
        mut write: impl FnMut(&mut Self, &mut Vec<u8>, AnyValue<'a>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        let outer = self.keys.len();
        let mut many = HashSet::new();
        for pair in attributes {
            let pair = pair?;
            if left_out(pair.key) || !self.is_new(outer, &mut many, pair.key) {
                continue;
            }
            if out.last() != Some(&b'{') {
                out.push(b',');
            }
            put_text(out, pair.key);
            out.push(b':');
            write(self, out, pair.value)?;
        }
        self.keys.truncate(outer);
        Ok(())
    }

    /// Notes a key of the object whose keys begin at `outer`; false when it has it already.
    fn is_new(&mut self, outer: usize, many: &mut HashSet<&'a [u8]>, key: &'a [u8]) -> bool {
        let own = &self.keys[outer..];
        let is_new = match own.len() {
            ..FEW => !own.contains(&key),
            _ => {
                if many.is_empty() {
                    many.extend(own);
                }
                many.insert(key)
            }
        };
        if is_new {
            self.keys.push(key);
        }
        is_new
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{
        AnyValue as Any, ArrayValue, KeyValue, KeyValueList,
    };
    use prost::Message;
    use serde_json::json;

    use super::*;

    fn pair(key: &str, value: Value) -> KeyValue {
        KeyValue {
            key: key.into(),
            value: Some(Any { value: Some(value) }),
            ..KeyValue::default()
        }
    }

    fn list(values: Vec<KeyValue>) -> Vec<u8> {
        KeyValueList { values }.encode_to_vec()
    }

    fn object(list: &[u8], bytes: BytesAs) -> Result<serde_json::Value, WireError> {
        let mut out = Vec::new();
        Plain::new(bytes).object(&mut out, Attributes::new(list, 1))?;
        Ok(serde_json::from_slice(&out).unwrap())
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::IntValue(1), |inner, _| {
            Value::ArrayValue(ArrayValue {
                values: vec![Any { value: Some(inner) }],
            })
        })
    }

    #[test]
    fn values_of_every_type() {
        let list = list(vec![
            pair("text", Value::StringValue("a\"\\\n\u{1}ü".into())),
            pair("yes", Value::BoolValue(true)),
            pair("low", Value::IntValue(i64::MIN)),
            pair("whole", Value::DoubleValue(1.0)),
            pair("nan", Value::DoubleValue(f64::NAN)),
            pair("bytes", Value::BytesValue(vec![0xff, 0])),
            pair("list", nested(2)),
            pair(
                "map",
                Value::KvlistValue(KeyValueList {
                    values: vec![pair("", Value::IntValue(0)), pair("", Value::IntValue(1))],
                }),
            ),
            KeyValue {
                key: "none".into(),
                ..KeyValue::default()
            },
        ]);
        let expected = |bytes| {
            json!({
                "text": "a\"\\\n\u{1}ü", "yes": true, "low": i64::MIN, "whole": 1.0, "nan": null, "bytes": bytes,
                "list": [[1]], "map": {"": 0}, "none": null,
            })
        };
        assert_eq!(object(&list, BytesAs::Hex).unwrap(), expected("ff00"));
        assert_eq!(object(&list, BytesAs::Base64).unwrap(), expected("/wA="));
        let mut out = Vec::new();
        let mut plain = Plain::new(BytesAs::Hex);
        plain.texts(&mut out, Attributes::new(&list, 1)).unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&out).unwrap(),
            json!({
                "text": "a\"\\\n\u{1}ü", "yes": "true", "low": "-9223372036854775808", "whole": "1", "nan": "NaN",
                "bytes": "/wA=", "list": "[[1]]", "map": "{\"\":0}", "none": "",
            })
        );
    }

    /// The first value of a key counts, with few keys and with many.
    #[test]
    fn a_key_is_written_once() {
        for count in [2, FEW, 10 * FEW] {
            let keys = (0..count).chain(0..count);
            let pairs = keys
                .zip(0..)
                .map(|(key, value)| pair(&key.to_string(), Value::IntValue(value)));
            let list = list(pairs.collect());
            let mut out = Vec::new();
            let mut plain = Plain::new(BytesAs::Hex);
            plain.object(&mut out, Attributes::new(&list, 1)).unwrap();
            let colons = out.iter().filter(|byte| **byte == b':').count();
            assert_eq!(colons, count, "{}", String::from_utf8_lossy(&out));
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert!((0..count).all(|key| read[key.to_string()] == json!(key)));
            assert!(plain.keys.is_empty());
        }
    }

    #[test]
    fn members_that_are_there_already() {
        let list = list(vec![
            pair("a", Value::IntValue(1)),
            pair("b", Value::StringValue("{".into())),
            pair("c", Value::IntValue(3)),
        ]);
        let check = |first: &str, expected: &str| {
            let mut out = Vec::new();
            let mut plain = Plain::new(BytesAs::Hex);
            let pairs = Attributes::new(&list, 1);
            plain
                .object_after(&mut out, first.as_bytes(), |key| key == b"a", pairs)
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&out), expected);
        };
        check("", r#"{"b":"{","c":3}"#);
        check(r#""a":{}"#, r#"{"a":{},"b":"{","c":3}"#);
    }

    #[test]
    fn what_is_too_deep_or_malformed_is_an_error() {
        let deep = |depth| list(vec![pair("a", nested(depth))]);
        assert!(object(&deep(100), BytesAs::Hex).is_ok());
        assert_eq!(
            object(&deep(101), BytesAs::Hex),
            Err(WireError::Depth { limit: DEPTH_MAX })
        );
        assert!(object(&[0x0a, 2, 0x0a, 9], BytesAs::Hex).is_err());
    }
}
