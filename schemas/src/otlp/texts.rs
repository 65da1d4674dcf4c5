//! Every text of a request with the place where it stands, for tools that look for something in stored telemetry.
//!
//! Goes by the tables of [`super::schema`], in place. Unlike redaction it refuses nothing: a field that this version doesn't know is passed over, and what
//! is not as the tables say ends the walk.

use super::schema::{KEY_VALUE, Kind, Meaning, Message, Role, request};
use super::{DEPTH_MAX, Signal};
use crate::wire::{Field, Fields, Value, WireError};

/// Where a text stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p, 'a> {
    /// The innermost message that is neither an attribute nor a value: a span, an event, a resource, a data point.
    pub owner: &'static Message,
    /// The lowerCamelCase name of its field: `name`, `attributes`, `body`.
    pub field: &'static str,
    /// The keys of the attribute and of the maps within it, the outermost first.
    pub keys: &'p [&'a [u8]],
    /// The text is itself the key of an attribute or of a map, below `keys`.
    pub is_key: bool,
}

/// What stands there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Text<'a> {
    /// Text or bytes. It may not be UTF-8.
    Bytes(&'a [u8]),
    /// A number that is the value of an attribute, or within one.
    Int(i64),
    Double(f64),
}

/// Who is told.
pub trait Texts<'a> {
    /// What follows belongs to this `ResourceSpans` or its sibling; its own texts come before its scopes.
    fn resource(&mut self, message: &'a [u8]);
    /// What follows belongs to this scope; its own texts come before its items.
    fn scope(&mut self);
    /// An item begins; false: its texts are not wanted.
    fn item(&mut self, body: &'a [u8]) -> bool;
    fn text(&mut self, place: Place<'_, 'a>, text: Text<'a>);
}

/// Walks one request of the signal.
///
/// # Errors
/// The bytes are no such request. What was told until then holds.
pub fn each_text<'a>(
    signal: Signal,
    record: &'a [u8],
    to: &mut impl Texts<'a>,
) -> Result<(), WireError> {
    let shape = request(signal);
    let mut walk = Walk {
        to,
        owner: shape,
        field: "",
        keys: Vec::new(),
    };
    walk.message(record, shape, 1)
}

struct Walk<'w, 'a, T> {
    to: &'w mut T,
    owner: &'static Message,
    field: &'static str,
    keys: Vec<&'a [u8]>,
}

impl<'a, T: Texts<'a>> Walk<'_, 'a, T> {
    fn message(
        &mut self,
        body: &'a [u8],
        shape: &'static Message,
        depth: usize,
    ) -> Result<(), WireError> {
        if depth > DEPTH_MAX {
            return Ok(());
        }
        match shape.role {
            Role::OfResource => self.to.resource(body),
            Role::OfScope => self.to.scope(),
            Role::Item | Role::Metric if !self.to.item(body) => return Ok(()),
            _ => {}
        }
        // What stands round children is told before them, wherever it is written.
        let has_children = matches!(shape.role, Role::OfResource | Role::OfScope);
        for children in [false, true] {
            if children && !has_children {
                break;
            }
            for field in Fields::new(body) {
                let field = field?;
                if !has_children || (field.number == super::CHILDREN) == children {
                    self.field(&field, shape, depth)?;
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        field: &Field<'a>,
        shape: &'static Message,
        depth: usize,
    ) -> Result<(), WireError> {
        let Some(known) = shape.field(field.number) else {
            return Ok(());
        };
        // Attributes, values and lists stand for what they belong to.
        let outer = (self.owner, self.field);
        if self.keys.is_empty() && !is_value(shape) {
            (self.owner, self.field) = (shape, known.name);
        }
        match (known.kind, field.value) {
            (Kind::Message(_), Value::Len(pair)) if known.meaning == Meaning::Attribute => {
                self.attribute(pair, depth + 1)?;
            }
            (Kind::Message(child), Value::Len(body)) => self.message(body, child, depth + 1)?,
            (Kind::Text | Kind::Bytes, Value::Len(text)) => self.tell(Text::Bytes(text), false),
            // An id of another length is bytes like any other.
            (Kind::Id(_), Value::Len(id)) if !matches!(id.len(), 0 | 8 | 16) => {
                self.tell(Text::Bytes(id), false);
            }
            (Kind::Int64, Value::Varint(number)) if !self.keys.is_empty() => {
                self.tell(Text::Int(number as i64), false);
            }
            (Kind::Double, Value::Fixed64(bits)) if !self.keys.is_empty() => {
                self.tell(Text::Double(f64::from_bits(bits)), false);
            }
            _ => {}
        }
        (self.owner, self.field) = outer;
        Ok(())
    }

    /// The key decides about the value, and may stand behind it.
    fn attribute(&mut self, pair: &'a [u8], depth: usize) -> Result<(), WireError> {
        let mut key = &[][..];
        for field in Fields::new(pair) {
            let field = field?;
            if field.number == 1 {
                key = field.len_value()?;
            }
        }
        self.tell(Text::Bytes(key), true);
        self.keys.push(key);
        let mut walked = Ok(());
        for field in Fields::new(pair) {
            let field = field?;
            if field.number != 1 && walked.is_ok() {
                walked = self.field(&field, &KEY_VALUE, depth);
            }
        }
        self.keys.pop();
        walked
    }

    fn tell(&mut self, text: Text<'a>, is_key: bool) {
        if text == Text::Bytes(&[]) {
            return;
        }
        let place = Place {
            owner: self.owner,
            field: self.field,
            keys: &self.keys,
            is_key,
        };
        self.to.text(place, text);
    }
}

/// Whether a message is a part of a value, and no place of its own.
fn is_value(shape: &Message) -> bool {
    matches!(
        shape.name,
        "KeyValue" | "AnyValue" | "ArrayValue" | "KeyValueList"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told {
        lines: Vec<String>,
        skip: &'static [u8],
    }

    impl<'a> Texts<'a> for Told {
        fn resource(&mut self, _: &'a [u8]) {
            self.lines.push("resource".to_owned());
        }

        fn scope(&mut self) {
            self.lines.push("scope".to_owned());
        }

        fn item(&mut self, body: &'a [u8]) -> bool {
            self.lines.push("item".to_owned());
            self.skip.is_empty() || !body.windows(self.skip.len()).any(|part| part == self.skip)
        }

        fn text(&mut self, place: Place<'_, 'a>, text: Text<'a>) {
            let keys: Vec<_> = (place.keys.iter())
                .map(|key| String::from_utf8_lossy(key))
                .collect();
            let text = match text {
                Text::Bytes(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{other:?}"),
            };
            let is_key = if place.is_key { " key" } else { "" };
            let (owner, field) = (place.owner.name, place.field);
            let keys = keys.join("/");
            self.lines
                .push(format!("{owner}.{field} [{keys}]{is_key}: {text}"));
        }
    }

    #[track_caller]
    fn check(signal: Signal, json: &str, skip: &'static [u8], expected: &[&str]) {
        let record = crate::json::to_protobuf(signal, json.as_bytes()).unwrap();
        let mut told = Told {
            skip,
            ..Told::default()
        };
        each_text(signal, &record, &mut told).unwrap();
        assert_eq!(told.lines, expected);
    }

    #[test]
    fn each_text_has_its_place() {
        check(
            Signal::Traces,
            r#"{"resourceSpans": [{
                "scopeSpans": [{"spans": [
                    {"name": "skipped"},
                    {"name": "n", "traceState": "a=b", "traceId": "0102030405060708090a0b0c0d0e0f10",
                     "attributes": [{"key": "k", "value": {"kvlistValue": {"values": [{"key": "i", "value": {"intValue": "7"}}]}}}],
                     "events": [{"name": "e", "attributes": [{"key": "x", "value": {"arrayValue": {"values": [{"stringValue": "y"}]}}}]}],
                     "status": {"message": "m"}}
                ], "scope": {"name": "lib"}}],
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
            }]}"#,
            b"skipped",
            &[
                "resource",
                "Resource.attributes [] key: service.name",
                "Resource.attributes [service.name]: shop",
                "scope",
                "InstrumentationScope.name []: lib",
                "item",
                "item",
                "Span.name []: n",
                "Span.traceState []: a=b",
                "Span.attributes [] key: k",
                "Span.attributes [k] key: i",
                "Span.attributes [k/i]: Int(7)",
                "Event.name []: e",
                "Event.attributes [] key: x",
                "Event.attributes [x]: y",
                "Status.message []: m",
            ],
        );
    }

    #[test]
    fn bodies_and_data_points_have_theirs() {
        check(
            Signal::Logs,
            r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [
                {"body": {"stringValue": "hello"}, "eventName": "e"},
                {"body": {"kvlistValue": {"values": [{"key": "user", "value": {"doubleValue": 1.5}}]}}}
            ]}]}]}"#,
            b"",
            &[
                "resource",
                "scope",
                "item",
                "LogRecord.body []: hello",
                "LogRecord.eventName []: e",
                "item",
                "LogRecord.body [] key: user",
                "LogRecord.body [user]: Double(1.5)",
            ],
        );
        check(
            Signal::Metrics,
            r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [
                {"name": "m", "gauge": {"dataPoints": [{"asDouble": 1.0, "attributes": [{"key": "k", "value": {"bytesValue": "aGk="}}]}]}}
            ]}]}]}"#,
            b"",
            &[
                "resource",
                "scope",
                "item",
                "Metric.name []: m",
                "NumberDataPoint.attributes [] key: k",
                "NumberDataPoint.attributes [k]: hi",
            ],
        );
    }

    #[test]
    fn what_is_no_request_ends_the_walk() {
        assert!(each_text(Signal::Traces, &[0x0a, 0x05, 1], &mut Told::default()).is_err());
    }
}
