//! Spans and log records as documents of the Simple Schema for Observability, as the Collector's `opensearch` exporter writes them.
//! Source: `exporter/opensearchexporter/encoder.go` of the Collector's contrib repository, and
//! <https://github.com/opensearch-project/opensearch-catalog/tree/main/docs/schema/observability>.
//!
//! What differs: nothing is taken from a clock. A span has a `@timestamp`, its start, which data streams need. A log record without a time has the one when
//! it was observed, or else when the bus took it. The name of an event is the attribute `event.name`.

use schemas::Signal;
use schemas::json::instant::Instants;
use schemas::json::plain::{BytesAs, Plain};
use schemas::json::token::{put_hex, put_signed, put_text, put_unsigned};
use schemas::otlp::{
    Attributes, Item, Links, LogRest, LogView, ResourceRest, ScopeRest, SpanRest, SpanView,
    StatusCode,
};
use schemas::wire::WireError;

use super::around::Around;
use super::index::Index;

/// The attribute that says which data stream a document is of.
const DATA_STREAM: &[u8] = b"data_stream";
/// The attribute that a log record's event name becomes.
const EVENT_NAME: &[u8] = b"event.name";

/// Writes documents of one index.
pub struct Ss4o<'a> {
    pub plain: Plain<'a>,
    pub times: Instants,
    around: Around,
    /// The attribute [`DATA_STREAM`] as a member; empty where the index has no such name.
    data_stream: String,
}

impl<'a> Ss4o<'a> {
    /// Of a signal's index.
    pub fn new(index: &Index, signal: Signal) -> Self {
        let of = match signal {
            Signal::Traces => "span",
            Signal::Logs => "record",
            Signal::Metrics => "metric",
        };
        // Their characters stand for themselves in JSON: an index has no others.
        let data_stream = index.data_stream.as_ref().map(|(dataset, namespace)| {
            format!(
                r#""data_stream":{{"dataset":"{dataset}","namespace":"{namespace}","type":"{of}"}}"#
            )
        });
        Self {
            plain: Plain::new(BytesAs::Base64),
            times: Instants::default(),
            around: Around::default(),
            data_stream: data_stream.unwrap_or_default(),
        }
    }

    pub fn begin_record(&mut self) {
        self.around.begin_record();
    }

    /// Goes to the resource and scope of an item.
    ///
    /// # Errors
    /// They are malformed, or nested too deeply.
    pub fn enter(&mut self, item: &Item<'a>) -> Result<(), WireError> {
        self.around.enter(item, &mut self.plain, resource, scope)
    }

    /// The document of a span.
    ///
    /// # Errors
    /// It is malformed, or nested too deeply.
    pub fn span(&mut self, span: &SpanView<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
        let rest = SpanRest::parse(span.body)?;
        text_member(out, "{\"name\":", span.name);
        id_member(out, ",\"traceId\":", span.trace_id);
        id_member(out, ",\"spanId\":", span.span_id);
        id_member(out, ",\"parentSpanId\":", span.parent_span_id);
        text_member(out, ",\"traceState\":", span.trace_state);
        text_member(out, ",\"kind\":", kind(span.kind).as_bytes());
        self.time_member(out, ",\"@timestamp\":", span.start_unix_nano);
        self.time_member(out, ",\"startTime\":", span.start_unix_nano);
        self.time_member(out, ",\"endTime\":", span.end_unix_nano);
        text_member(
            out,
            ",\"status\":{\"code\":",
            status(span.status).as_bytes(),
        );
        text_member(out, ",\"message\":", rest.status_message);
        out.push(b'}');
        for (member, count) in [
            (
                ",\"droppedAttributesCount\":",
                rest.dropped_attributes_count,
            ),
            (",\"droppedEventsCount\":", rest.dropped_events_count),
            (",\"droppedLinksCount\":", rest.dropped_links_count),
        ] {
            out.extend_from_slice(member.as_bytes());
            put_unsigned(out, count.into());
        }
        self.attributes(out, &[], span.attributes())?;
        if span.has_events {
            self.events(span, out)?;
        }
        if rest.has_links {
            self.links(span, out)?;
        }
        self.around.write(out);
        out.push(b'}');
        Ok(())
    }

    fn events(&mut self, span: &SpanView<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
        out.extend_from_slice(b",\"events\":[");
        for (index, event) in span.events().enumerate() {
            let event = event?;
            if index > 0 {
                out.push(b',');
            }
            text_member(out, "{\"name\":", event.name);
            self.time_member(out, ",\"@timestamp\":", event.time_unix_nano);
            out.extend_from_slice(b",\"droppedAttributesCount\":");
            put_unsigned(out, event.dropped_attributes_count.into());
            out.extend_from_slice(b",\"attributes\":");
            self.plain.object(out, event.attributes())?;
            out.push(b'}');
        }
        out.push(b']');
        Ok(())
    }

    fn links(&mut self, span: &SpanView<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
        out.extend_from_slice(b",\"links\":[");
        for (index, link) in Links::new(span.body).enumerate() {
            let link = link?;
            if index > 0 {
                out.push(b',');
            }
            id_member(out, "{\"traceId\":", link.trace_id);
            id_member(out, ",\"spanId\":", link.span_id);
            text_member(out, ",\"traceState\":", link.trace_state);
            out.extend_from_slice(b",\"droppedAttributesCount\":");
            put_unsigned(out, link.dropped_attributes_count.into());
            out.extend_from_slice(b",\"attributes\":");
            self.plain.object(out, link.attributes())?;
            out.push(b'}');
        }
        out.push(b']');
        Ok(())
    }

    /// The document of a log record. `received_ms`: when the bus took it.
    ///
    /// # Errors
    /// It is malformed, or nested too deeply.
    pub fn log(
        &mut self,
        log: &LogView<'a>,
        received_ms: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        let rest = LogRest::parse(log.body)?;
        self.time_member(out, "{\"@timestamp\":", time(log, &rest, received_ms));
        if rest.observed_time_unix_nano > 0 {
            self.time_member(out, ",\"observedTimestamp\":", rest.observed_time_unix_nano);
        }
        out.extend_from_slice(b",\"body\":");
        self.plain.text(out, rest.value()?)?;
        out.extend_from_slice(b",\"severity\":{\"number\":");
        put_signed(out, log.severity_number.into());
        if !rest.severity_text.is_empty() {
            text_member(out, ",\"text\":", rest.severity_text);
        }
        out.push(b'}');
        if !log.trace_id.is_empty() {
            id_member(out, ",\"traceId\":", log.trace_id);
        }
        if !log.span_id.is_empty() {
            id_member(out, ",\"spanId\":", log.span_id);
        }
        self.attributes(out, rest.event_name, log.attributes())?;
        self.around.write(out);
        out.push(b'}');
        Ok(())
    }

    /// The member `attributes`, unless it would be empty.
    ///
    /// # Errors
    /// They are malformed, or nested too deeply.
    pub fn attributes(
        &mut self,
        out: &mut Vec<u8>,
        event_name: &[u8],
        attributes: Attributes<'a>,
    ) -> Result<(), WireError> {
        let before = out.len();
        out.extend_from_slice(b",\"attributes\":");
        let has_stream = !self.data_stream.is_empty();
        if event_name.is_empty() {
            let is_written = |key: &[u8]| has_stream && key == DATA_STREAM;
            let first = self.data_stream.as_bytes();
            (self.plain).object_after(out, first, is_written, attributes)?;
        } else {
            let is_written = |key: &[u8]| key == EVENT_NAME || (has_stream && key == DATA_STREAM);
            let mut first = self.data_stream.clone().into_bytes();
            text_member(&mut first, if has_stream { "," } else { "" }, EVENT_NAME);
            text_member(&mut first, ":", event_name);
            (self.plain).object_after(out, &first, is_written, attributes)?;
        }
        if out.ends_with(b":{}") {
            out.truncate(before);
        }
        Ok(())
    }

    pub fn time_member(&mut self, out: &mut Vec<u8>, member: &str, unix_nano: u64) {
        out.extend_from_slice(member.as_bytes());
        self.times.put(out, unix_nano);
    }

    /// The members that say where an item comes from.
    pub fn write_around(&self, out: &mut Vec<u8>) {
        self.around.write(out);
    }
}

/// When a log record happened, as far as is known.
pub fn time(log: &LogView<'_>, rest: &LogRest<'_>, received_ms: u64) -> u64 {
    let known = [log.time_unix_nano, rest.observed_time_unix_nano];
    let known = known.into_iter().find(|time| *time > 0);
    known.unwrap_or(received_ms.saturating_mul(1_000_000))
}

/// `member` is what stands before the value: a comma, the key, a colon.
pub fn text_member(out: &mut Vec<u8>, member: &str, text: &[u8]) {
    out.extend_from_slice(member.as_bytes());
    put_text(out, text);
}

/// The same, with hexadecimal digits.
pub fn id_member(out: &mut Vec<u8>, member: &str, id: &[u8]) {
    out.extend_from_slice(member.as_bytes());
    put_hex(out, id);
}

/// All values are texts here, so that attributes of one key and several types don't collide.
fn resource<'a>(
    plain: &mut Plain<'a>,
    item: &Item<'a>,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let rest = ResourceRest::of(&item.resource)?;
    out.extend_from_slice(b",\"resource\":");
    plain.texts(out, item.resource.attributes())?;
    if !rest.schema_url.is_empty() {
        text_member(out, ",\"schemaUrl\":", rest.schema_url);
    }
    Ok(())
}

fn scope<'a>(plain: &mut Plain<'a>, item: &Item<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
    let rest = ScopeRest::of(&item.scope)?;
    text_member(out, ",\"instrumentationScope\":{\"name\":", rest.name);
    for (member, text) in [
        (",\"version\":", rest.version),
        (",\"schemaUrl\":", rest.schema_url),
    ] {
        if !text.is_empty() {
            text_member(out, member, text);
        }
    }
    if rest.dropped_attributes_count > 0 {
        out.extend_from_slice(b",\"droppedAttributesCount\":");
        put_unsigned(out, rest.dropped_attributes_count.into());
    }
    let before = out.len();
    out.extend_from_slice(b",\"attributes\":");
    plain.object(out, item.scope.attributes())?;
    if out.ends_with(b":{}") {
        out.truncate(before);
    }
    out.push(b'}');
    Ok(())
}

/// As the Collector names them; empty for a kind of a newer protocol.
pub fn kind(kind: i32) -> &'static str {
    let names = [
        "Unspecified",
        "Internal",
        "Server",
        "Client",
        "Producer",
        "Consumer",
    ];
    let name = usize::try_from(kind).ok().and_then(|kind| names.get(kind));
    name.copied().unwrap_or_default()
}

/// As the Collector names them; empty for a code of a newer protocol.
pub fn status(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "Ok",
        StatusCode::Error => "Error",
        StatusCode::Other(_) => "",
    }
}
