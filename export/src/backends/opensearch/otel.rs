//! Spans, their events and log records as documents of Elasticsearch's data streams for OpenTelemetry, as the Collector's `elasticsearch` exporter writes
//! them with the mapping `otel`.
//! Source: `exporter/elasticsearchexporter/internal/serializer/otelserializer/` of the Collector's contrib repository.
//!
//! What differs: times are RFC 3339, which the same fields take. Documents aren't routed by attributes (`data_stream.dataset` and its like), and
//! `geo.location.lat` and `.lon` stay two attributes.

use schemas::json::instant::Instants;
use schemas::json::plain::{BytesAs, Plain};
use schemas::json::token::{put_signed, put_unsigned};
use schemas::otlp::{
    AnyValue, ArrayValues, Attributes, EventView, Item, Links, LogRest, LogView, ResourceRest,
    ScopeRest, SpanRest, SpanView,
};
use schemas::wire::WireError;

use super::around::Around;
use super::index::Index;
use super::ss4o::{id_member, kind, status, text_member, time};

const EVENT_NAME: &[u8] = b"event.name";

/// Attributes that tell the Collector where and how to write a document; as attributes of a document they collide with fields of the data stream.
const LEFT_OUT: [&[u8]; 8] = [
    b"data_stream.type",
    b"data_stream.dataset",
    b"data_stream.namespace",
    b"elasticsearch.mapping.hints",
    b"elasticsearch.mapping.mode",
    b"elasticsearch.document_id",
    b"elasticsearch.ingest_pipeline",
    b"elasticsearch.index",
];

/// Writes documents of one index, and those of its spans' events.
pub struct Otel<'a> {
    plain: Plain<'a>,
    times: Instants,
    around: Around,
    /// The member `data_stream`, with a comma before it; empty where the index is no data stream.
    data_stream: String,
    event_index: &'a Index,
    event_data_stream: String,
}

impl<'a> Otel<'a> {
    /// `event_index` is where log records go: the events of spans go there too.
    pub fn new(index: &Index, event_index: &'a Index) -> Self {
        Self {
            plain: Plain::new(BytesAs::Hex),
            times: Instants::default(),
            around: Around::default(),
            data_stream: data_stream(index),
            event_data_stream: data_stream(event_index),
            event_index,
        }
    }

    /// The index of the events of spans.
    pub fn event_index(&self) -> &'a str {
        &self.event_index.name
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

    /// The document of a span, without its events.
    ///
    /// # Errors
    /// It is malformed, or nested too deeply.
    pub fn span(&mut self, span: &SpanView<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
        let rest = SpanRest::parse(span.body)?;
        out.extend_from_slice(b"{\"@timestamp\":");
        self.times.put(out, span.start_unix_nano);
        out.extend_from_slice(self.data_stream.as_bytes());
        ids(out, span.trace_id, span.span_id);
        some_text(out, ",\"trace_state\":", span.trace_state);
        if !span.is_root() {
            id_member(out, ",\"parent_span_id\":", span.parent_span_id);
        }
        some_text(out, ",\"name\":", span.name);
        some_text(out, ",\"kind\":", kind(span.kind).as_bytes());
        out.extend_from_slice(b",\"duration\":");
        put_unsigned(out, span.end_unix_nano.saturating_sub(span.start_unix_nano));
        attributes(&mut self.plain, out, &[], span.attributes())?;
        some_count(
            out,
            ",\"dropped_attributes_count\":",
            rest.dropped_attributes_count,
        );
        some_count(out, ",\"dropped_events_count\":", rest.dropped_events_count);
        some_count(out, ",\"dropped_links_count\":", rest.dropped_links_count);
        if rest.has_links {
            self.links(span, out)?;
        }
        let code = status(span.status).as_bytes();
        text_member(out, ",\"status\":{\"code\":", code);
        some_text(out, ",\"message\":", rest.status_message);
        out.push(b'}');
        self.around.write(out);
        out.push(b'}');
        Ok(())
    }

    fn links(&mut self, span: &SpanView<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
        out.extend_from_slice(b",\"links\":[");
        for (index, link) in Links::new(span.body).enumerate() {
            let link = link?;
            if index > 0 {
                out.push(b',');
            }
            id_member(out, "{\"trace_id\":", link.trace_id);
            id_member(out, ",\"span_id\":", link.span_id);
            some_text(out, ",\"trace_state\":", link.trace_state);
            attributes(&mut self.plain, out, &[], link.attributes())?;
            some_count(
                out,
                ",\"dropped_attributes_count\":",
                link.dropped_attributes_count,
            );
            out.push(b'}');
        }
        out.push(b']');
        Ok(())
    }

    /// The document of an event of a span, a log record.
    ///
    /// # Errors
    /// It is malformed, or nested too deeply.
    pub fn event(
        &mut self,
        span: &SpanView<'a>,
        event: &EventView<'a>,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        out.extend_from_slice(b"{\"@timestamp\":");
        self.times.put(out, event.time_unix_nano);
        out.extend_from_slice(self.event_data_stream.as_bytes());
        ids(out, span.trace_id, span.span_id);
        some_text(out, ",\"event_name\":", event.name);
        attributes(&mut self.plain, out, event.name, event.attributes())?;
        some_count(
            out,
            ",\"dropped_attributes_count\":",
            event.dropped_attributes_count,
        );
        self.around.write(out);
        out.push(b'}');
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
        out.extend_from_slice(b"{\"@timestamp\":");
        self.times.put(out, time(log, &rest, received_ms));
        if rest.observed_time_unix_nano > 0 {
            out.extend_from_slice(b",\"observed_timestamp\":");
            self.times.put(out, rest.observed_time_unix_nano);
        }
        out.extend_from_slice(self.data_stream.as_bytes());
        some_text(out, ",\"severity_text\":", rest.severity_text);
        if log.severity_number != 0 {
            out.extend_from_slice(b",\"severity_number\":");
            put_signed(out, log.severity_number.into());
        }
        ids(out, log.trace_id, log.span_id);
        attributes(&mut self.plain, out, &[], log.attributes())?;
        some_count(
            out,
            ",\"dropped_attributes_count\":",
            rest.dropped_attributes_count,
        );
        some_text(out, ",\"event_name\":", event_name(log, &rest)?);
        self.around.write(out);
        self.body(rest.value()?, out)?;
        out.push(b'}');
        Ok(())
    }

    /// Texts, numbers and their like in `body.text`, maps and lists in `body.structured`: what a list holds there are objects.
    fn body(&mut self, body: AnyValue<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
        let (member, end) = match body {
            AnyValue::Empty => return Ok(()),
            AnyValue::Kvlist(_) => (",\"body\":{\"structured\":", "}"),
            AnyValue::Array(array) => {
                let mut values = ArrayValues::new(array);
                match values.all(|value| matches!(value, Ok(AnyValue::Kvlist(_)))) {
                    true => (",\"body\":{\"structured\":", "}"),
                    false => (",\"body\":{\"structured\":{\"value\":", "}}"),
                }
            }
            _ => (",\"body\":{\"text\":", "}"),
        };
        out.extend_from_slice(member.as_bytes());
        self.plain.value(out, body)?;
        out.extend_from_slice(end.as_bytes());
        Ok(())
    }
}

/// The field, or else the attribute that it was before.
fn event_name<'a>(log: &LogView<'a>, rest: &LogRest<'a>) -> Result<&'a [u8], WireError> {
    if !rest.event_name.is_empty() {
        return Ok(rest.event_name);
    }
    for pair in log.attributes() {
        let pair = pair?;
        if let (EVENT_NAME, AnyValue::String(name)) = (pair.key, pair.value) {
            return Ok(name);
        }
    }
    Ok(&[])
}

fn data_stream(index: &Index) -> String {
    let (Some((dataset, namespace)), Some((kind, _))) =
        (&index.data_stream, index.name.split_once('-'))
    else {
        return String::new();
    };
    format!(r#","data_stream":{{"type":"{kind}","dataset":"{dataset}","namespace":"{namespace}"}}"#)
}

/// The member `attributes`, unless it would be empty; with the name of an event, where there is one.
fn attributes<'a>(
    plain: &mut Plain<'a>,
    out: &mut Vec<u8>,
    event_name: &[u8],
    attributes: Attributes<'a>,
) -> Result<(), WireError> {
    let before = out.len();
    out.extend_from_slice(b",\"attributes\":");
    let mut first = Vec::new();
    if !event_name.is_empty() {
        text_member(&mut first, "\"event.name\":", event_name);
    }
    let left_out =
        |key: &[u8]| LEFT_OUT.contains(&key) || (!event_name.is_empty() && key == EVENT_NAME);
    plain.object_after(out, &first, left_out, attributes)?;
    if out.ends_with(b":{}") {
        out.truncate(before);
    }
    Ok(())
}

fn ids(out: &mut Vec<u8>, trace_id: &[u8], span_id: &[u8]) {
    for (member, id) in [(",\"trace_id\":", trace_id), (",\"span_id\":", span_id)] {
        if id.iter().any(|byte| *byte != 0) {
            id_member(out, member, id);
        }
    }
}

fn some_text(out: &mut Vec<u8>, member: &str, text: &[u8]) {
    if !text.is_empty() {
        text_member(out, member, text);
    }
}

fn some_count(out: &mut Vec<u8>, member: &str, count: u32) {
    if count > 0 {
        out.extend_from_slice(member.as_bytes());
        put_unsigned(out, count.into());
    }
}

fn resource<'a>(
    plain: &mut Plain<'a>,
    item: &Item<'a>,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let rest = ResourceRest::of(&item.resource)?;
    text_member(out, ",\"resource\":{\"schema_url\":", rest.schema_url);
    attributes(plain, out, &[], item.resource.attributes())?;
    some_count(
        out,
        ",\"dropped_attributes_count\":",
        rest.dropped_attributes_count,
    );
    out.push(b'}');
    Ok(())
}

fn scope<'a>(plain: &mut Plain<'a>, item: &Item<'a>, out: &mut Vec<u8>) -> Result<(), WireError> {
    let rest = ScopeRest::of(&item.scope)?;
    text_member(out, ",\"scope\":{\"name\":", rest.name);
    some_text(out, ",\"version\":", rest.version);
    some_text(out, ",\"schema_url\":", rest.schema_url);
    attributes(plain, out, &[], item.scope.attributes())?;
    some_count(
        out,
        ",\"dropped_attributes_count\":",
        rest.dropped_attributes_count,
    );
    out.push(b'}');
    Ok(())
}
