//! What the Collector's Zipkin exporter writes into texts, since Zipkin has no place for it: links in tags, attributes of events in
//! annotations. What isn't written so is an ordinary tag or annotation.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::super::attributes::{Attributes, Value};
use super::super::otlp::{Event, Link};

/// `trace id|span id|trace state|attributes as JSON|dropped attributes`.
pub fn link(text: &str) -> Option<Link<'_>> {
    let (trace_id, rest) = text.split_once('|')?;
    let (span_id, rest) = rest.split_once('|')?;
    let (trace_state, rest) = rest.split_once('|')?;
    let (attributes, dropped) = described(rest)?;
    Some(Link {
        trace_id: id(trace_id)?,
        span_id: id(span_id)?,
        trace_state: trace_state.into(),
        attributes,
        dropped,
    })
}

/// `name|attributes as JSON|dropped attributes`, or a name and nothing else.
pub fn event(time: u64, text: &str) -> Event<'_> {
    let (name, described) = match text.split_once('|') {
        // A second part alone says nothing.
        Some((name, rest)) if !rest.contains('|') => (name, None),
        Some((name, rest)) => match described(rest) {
            Some(described) => (name, Some(described)),
            None => (text, None),
        },
        None => (text, None),
    };
    let (attributes, dropped) = described.unwrap_or_default();
    Event {
        time,
        name: name.into(),
        attributes,
        dropped,
    }
}

/// `attributes as JSON|dropped attributes`; the JSON may have bars of its own.
fn described(text: &str) -> Option<(Attributes<'static>, u32)> {
    let (json, dropped) = text.rsplit_once('|')?;
    let is_number = dropped.bytes().all(|byte| byte.is_ascii_digit());
    let dropped = dropped.parse().ok().filter(|_| is_number)?;
    let read: Option<Map<String, Json>> = serde_json::from_str(json).ok()?;
    let mut attributes = Attributes::default();
    for (key, value) in read.unwrap_or_default() {
        if let Some(value) = attribute(value) {
            attributes.put(key, value);
        }
    }
    Some((attributes, dropped))
}

/// Lists and maps have no place here.
fn attribute(value: Json) -> Option<Value<'static>> {
    Some(match value {
        Json::String(text) => Value::Text(Cow::Owned(text)),
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()?) {
            (Some(whole), _) => Value::Int(whole),
            // `1.0` is a whole number too, up to where doubles have none in between.
            (None, double) if double.fract() == 0.0 && double.abs() < 9e15 => {
                Value::Int(double as i64)
            }
            (None, double) => Value::Double(double),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    })
}

/// In hexadecimal digits, perhaps in quotes; empty is none.
fn id<const N: usize>(text: &str) -> Option<[u8; N]> {
    let unquoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match unquoted.unwrap_or(text) {
        "" => Some([0; N]),
        text => const_hex::decode_to_array(text)
            .ok()
            .filter(|_| !text.starts_with("0x")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn events_with_and_without_attributes() {
        let check = |text: &'static str, name: &str, keys: &[&str], dropped: u32| {
            let event = event(7, text);
            assert_eq!((&*event.name, event.dropped), (name, dropped), "{text}");
            for key in keys {
                assert!(event.attributes.get(key).is_some(), "{text}: {key}");
            }
            assert_eq!(event.attributes.is_empty(), keys.is_empty(), "{text}");
        };
        check("cs", "cs", &[], 0);
        check("", "", &[], 0);
        check("a|b", "a", &[], 0);
        check(r#"a|{"k":"v|w","n":1.0,"l":[]}|3"#, "a", &["k", "n"], 3);
        check("a|null|0", "a", &[], 0);
        // Nobody wrote it for us: it stays as it is.
        check("a|b|c", "a|b|c", &[], 0);
        check("a|{}|-1", "a|{}|-1", &[], 0);
        check("a|{}|+1", "a|{}|+1", &[], 0);
    }

    #[test]
    fn links() {
        let text = format!(
            r#"{}|{}|k=v|{{"a":true}}|2"#,
            "01".repeat(16),
            "02".repeat(8)
        );
        let read = link(&text).unwrap();
        assert_eq!((read.trace_id, read.span_id), ([1; 16], [2; 8]));
        assert_eq!((&*read.trace_state, read.dropped), ("k=v", 2));
        assert_eq!(read.attributes.get("a"), Some(&Value::Bool(true)));
        assert_eq!(link("||||{}|0").map(|read| read.dropped), None);
        assert_eq!(link("|||{}|0").map(|read| read.trace_id), Some([0; 16]));
        for text in ["", "a|b", "0x01|02||{}|0", "01|02||{}|0"] {
            assert!(link(text).is_none(), "{text}");
        }
    }
}
