//! What [`SpanView`](super::SpanView), [`LogView`](super::LogView) and the heads leave out: only those who write whole items somewhere else need it,
//! and the others needn't look for it.

use super::{AnyValue, ResourceHead, ScopeHead};
use crate::wire::{Field, Fields, WireError};

/// The rest of a span.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpanRest<'a> {
    pub dropped_attributes_count: u32,
    pub dropped_events_count: u32,
    pub dropped_links_count: u32,
    /// `Status.message`.
    pub status_message: &'a [u8],
    /// Field 13 is there: see [`super::Links`].
    pub has_links: bool,
}

impl<'a> SpanRest<'a> {
    /// One pass over a span's fields.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(span: &'a [u8]) -> Result<Self, WireError> {
        let mut rest = Self::default();
        for field in Fields::new(span) {
            let field = field?;
            match field.number {
                10 => rest.dropped_attributes_count = field.varint_value()? as u32,
                12 => rest.dropped_events_count = field.varint_value()? as u32,
                13 => rest.has_links = true,
                14 => rest.dropped_links_count = field.varint_value()? as u32,
                15 => {
                    for field in Fields::new(field.len_value()?) {
                        let field = field?;
                        if field.number == 2 {
                            rest.status_message = field.len_value()?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(rest)
    }
}

/// The rest of a log record.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogRest<'a> {
    /// Nanoseconds since 1970, by the collector's clock; 0 where it wasn't set.
    pub observed_time_unix_nano: u64,
    pub severity_text: &'a [u8],
    /// The record's `body`, an `AnyValue` message: see [`LogRest::value`].
    body: &'a [u8],
    pub dropped_attributes_count: u32,
    /// The lowest eight bits are W3C trace flags.
    pub flags: u32,
    pub event_name: &'a [u8],
}

impl<'a> LogRest<'a> {
    /// One pass over a log record's fields.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn parse(record: &'a [u8]) -> Result<Self, WireError> {
        let mut rest = Self::default();
        for field in Fields::new(record) {
            let field = field?;
            match field.number {
                3 => rest.severity_text = field.len_value()?,
                5 => rest.body = field.len_value()?,
                7 => rest.dropped_attributes_count = field.varint_value()? as u32,
                8 => rest.flags = field.fixed32_value()?,
                11 => rest.observed_time_unix_nano = field.fixed64_value()?,
                12 => rest.event_name = field.len_value()?,
                _ => {}
            }
        }
        Ok(rest)
    }

    /// The record's `body`; the last one where it has several.
    ///
    /// # Errors
    /// As [`AnyValue::parse`].
    pub fn value(&self) -> Result<AnyValue<'a>, WireError> {
        AnyValue::parse(self.body)
    }
}

/// The rest of a resource.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResourceRest<'a> {
    pub dropped_attributes_count: u32,
    /// `ResourceSpans.schema_url` and its siblings.
    pub schema_url: &'a [u8],
}

impl<'a> ResourceRest<'a> {
    /// One pass over what stands round the scopes.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn of(head: &ResourceHead<'a>) -> Result<Self, WireError> {
        let mut rest = Self {
            schema_url: schema_url(head.fields())?,
            ..Self::default()
        };
        for field in Fields::new(head.resource()) {
            let field = field?;
            if field.number == 2 {
                rest.dropped_attributes_count = field.varint_value()? as u32;
            }
        }
        Ok(rest)
    }
}

/// The rest of a scope.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScopeRest<'a> {
    /// `InstrumentationScope.name`.
    pub name: &'a [u8],
    /// `InstrumentationScope.version`.
    pub version: &'a [u8],
    pub dropped_attributes_count: u32,
    /// `ScopeSpans.schema_url` and its siblings.
    pub schema_url: &'a [u8],
}

impl<'a> ScopeRest<'a> {
    /// One pass over what stands round the items.
    ///
    /// # Errors
    /// Framing is broken, or a field has a wire type that its type doesn't allow.
    pub fn of(head: &ScopeHead<'a>) -> Result<Self, WireError> {
        let mut rest = Self {
            schema_url: schema_url(head.fields())?,
            ..Self::default()
        };
        for field in Fields::new(head.scope()) {
            let field = field?;
            match field.number {
                1 => rest.name = field.len_value()?,
                2 => rest.version = field.len_value()?,
                4 => rest.dropped_attributes_count = field.varint_value()? as u32,
                _ => {}
            }
        }
        Ok(rest)
    }
}

fn schema_url<'a>(
    fields: impl Iterator<Item = Result<Field<'a>, WireError>>,
) -> Result<&'a [u8], WireError> {
    let mut url: &[u8] = &[];
    for field in fields {
        let field = field?;
        if field.number == 3 {
            url = field.len_value()?;
        }
    }
    Ok(url)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Signal;
    use crate::json::to_protobuf;
    use crate::otlp::{Items, Links};

    #[test]
    fn spans_with_everything_round_them() {
        let json = br#"{"resourceSpans": [{
            "resource": {"droppedAttributesCount": 1}, "schemaUrl": "r",
            "scopeSpans": [{"scope": {"name": "n", "version": "v", "droppedAttributesCount": 2}, "schemaUrl": "s", "spans": [{
                "droppedAttributesCount": 3, "droppedEventsCount": 4, "droppedLinksCount": 5, "status": {"code": 2, "message": "m"},
                "links": [{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "traceState": "a=b",
                    "droppedAttributesCount": 6, "attributes": [{"key": "k"}]}, {}]
            }]}]
        }]}"#;
        let request = to_protobuf(Signal::Traces, json).unwrap();
        let item = Items::new(&request).next().unwrap().unwrap();
        let resource = ResourceRest::of(&item.resource).unwrap();
        assert_eq!(
            (resource.dropped_attributes_count, resource.schema_url),
            (1, &b"r"[..])
        );
        let scope = ScopeRest::of(&item.scope).unwrap();
        assert_eq!(
            (scope.name, scope.version, scope.schema_url),
            (&b"n"[..], &b"v"[..], &b"s"[..])
        );
        assert_eq!(scope.dropped_attributes_count, 2);
        let span = SpanRest::parse(item.body).unwrap();
        let counts = [
            span.dropped_attributes_count,
            span.dropped_events_count,
            span.dropped_links_count,
        ];
        assert_eq!(
            (counts, span.status_message, span.has_links),
            ([3, 4, 5], &b"m"[..], true)
        );
        let links: Vec<_> = Links::new(item.body).map(Result::unwrap).collect();
        assert_eq!(links.len(), 2);
        assert_eq!(
            (
                links[0].trace_id.len(),
                links[0].span_id.len(),
                links[0].trace_state
            ),
            (16, 8, &b"a=b"[..])
        );
        assert_eq!(
            (
                links[0].dropped_attributes_count,
                links[0].attributes().count()
            ),
            (6, 1)
        );
        assert!(links[1].trace_id.is_empty());
    }

    #[test]
    fn log_records() {
        let json = br#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [{
            "observedTimeUnixNano": "7", "severityText": "WARN", "body": {"stringValue": "b"}, "droppedAttributesCount": 1, "flags": 1,
            "eventName": "e"
        }, {}]}]}]}"#;
        let request = to_protobuf(Signal::Logs, json).unwrap();
        let items: Vec<_> = Items::new(&request).map(Result::unwrap).collect();
        let log = LogRest::parse(items[0].body).unwrap();
        assert_eq!(
            (log.observed_time_unix_nano, log.severity_text),
            (7, &b"WARN"[..])
        );
        assert_eq!(
            (log.dropped_attributes_count, log.flags, log.event_name),
            (1, 1, &b"e"[..])
        );
        assert_eq!(log.value(), Ok(AnyValue::String(b"b")));
        assert_eq!(
            LogRest::parse(items[1].body).unwrap().value(),
            Ok(AnyValue::Empty)
        );
    }

    #[test]
    fn a_wrong_type_is_an_error() {
        // Field 12, a name or a count, as a fixed32.
        let body = [12 << 3 | 5, 0, 0, 0, 0];
        assert!(LogRest::parse(&body).is_err() && SpanRest::parse(&body).is_err());
    }
}
