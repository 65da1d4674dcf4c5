//! A batch as Zipkin's spans: one JSON array. Pure.

use schemas::json::plain::{BytesAs, Plain};
use schemas::json::token::{put_hex, put_hex_digits, put_text, put_unsigned};
use schemas::otlp::{Item, Items, Links, ScopeRest, SpanRest, SpanView, StatusCode};
use schemas::wire::WireError;

use super::endpoint::{Endpoint, LOCAL, REMOTE};
use super::tags::{Tag, Tags};
use crate::records::batch::Batch;

const TRACE_STATE: &str = "w3c.tracestate";
const SPAN_KIND: &str = "span.kind";
const STATUS_CODE: &str = "otel.status_code";
const STATUS_DESCRIPTION: &str = "otel.status_description";
const ERROR: &str = "error";
/// The older name of each is still what many look for.
const SCOPE_NAME: [&str; 2] = ["otel.library.name", "otel.scope.name"];
const SCOPE_VERSION: [&str; 2] = ["otel.library.version", "otel.scope.version"];
const STATUS_CODES_OF_HTTP: [&str; 2] = ["http.response.status_code", "http.status_code"];
const SERVICE_NAME: &str = "service.name";
/// Says which attribute the name of the service was.
const SERVICE_NAME_SOURCE: &str = "otlp.service.name.source";
/// What stands in for it.
const SERVICE_NAME_SOURCES: [&str; 3] = [
    "faas.name",
    "k8s.deployment.name",
    "process.executable.name",
];
const NO_SERVICE: &[u8] = b"OTLPResourceNoServiceName";
const PEER_SERVICE: [&str; 2] = ["service.peer.name", "peer.service"];

/// JSON is about three times as long as protobuf.
const GROWTH: usize = 3;

/// # Errors
/// A record of it is malformed, or a span has no ids.
pub fn encode(batch: &Batch) -> Result<Vec<u8>, String> {
    let mut spans = Spans {
        out: Vec::with_capacity(batch.bytes * GROWTH + 2),
        plain: Plain::new(BytesAs::Base64),
        of: None,
        around: Tags::default(),
        service: Tag::Text(NO_SERVICE.into()),
        tags: Tags::default(),
        scratch: Vec::new(),
    };
    spans.out.push(b'[');
    for (index, entry) in batch.entries.iter().enumerate() {
        spans.of = None;
        for item in Items::new(&entry.record.value) {
            let written = match item {
                Ok(item) => spans.add(&item),
                Err(error) => Err(error.into()),
            };
            written.map_err(|error| format!("{}: {error}", batch.place_of(index)))?;
        }
    }
    spans.out.push(b']');
    Ok(spans.out)
}

/// Why a span can't be one of Zipkin's.
#[derive(Debug, thiserror::Error)]
enum NoSpan {
    #[error(transparent)]
    Malformed(#[from] WireError),
    #[error("a span without a valid {0}, which Zipkin needs")]
    NoId(&'static str),
}

struct Spans<'a> {
    out: Vec<u8>,
    plain: Plain<'a>,
    /// The resource and the scope that `around` and `service` are of.
    of: Option<(usize, usize)>,
    /// What stands round the spans, as tags.
    around: Tags<'a>,
    service: Tag<'a>,
    /// Of one span.
    tags: Tags<'a>,
    /// For texts that are put together.
    scratch: Vec<u8>,
}

impl<'a> Spans<'a> {
    fn add(&mut self, item: &Item<'a>) -> Result<(), NoSpan> {
        self.enter(item)?;
        let span = SpanView::parse(item.body)?;
        let rest = SpanRest::parse(item.body)?;
        let trace_id = span.valid_trace_id().ok_or(NoSpan::NoId("trace id"))?;
        let span_id = span.valid_span_id().ok_or(NoSpan::NoId("span id"))?;
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        self.out.extend_from_slice(b"{\"traceId\":");
        match trace_id.split_first_chunk::<8>() {
            // An id of 64 bits.
            Some(([0, 0, 0, 0, 0, 0, 0, 0], low)) => put_hex(&mut self.out, low),
            _ => put_hex(&mut self.out, trace_id),
        }
        self.out.extend_from_slice(b",\"id\":");
        put_hex(&mut self.out, span_id);
        if !span.is_root() && span.parent_span_id.len() == 8 {
            self.out.extend_from_slice(b",\"parentId\":");
            put_hex(&mut self.out, span.parent_span_id);
        }
        if !span.name.is_empty() {
            self.out.extend_from_slice(b",\"name\":");
            put_text(&mut self.out, span.name);
        }
        if let Some(kind) = kind(span.kind) {
            self.out.extend_from_slice(b",\"kind\":");
            put_text(&mut self.out, kind.as_bytes());
        }
        self.times(&span);
        self.tags.copy(&self.around);
        self.tags.put_all(span.attributes())?;
        self.status_of_http();
        self.ends()?;
        self.own_tags(&span, &rest);
        if span.has_events {
            self.annotations(&span)?;
        }
        if rest.has_links {
            self.links(&span)?;
        }
        self.out.extend_from_slice(b",\"tags\":");
        self.tags.write(&mut self.plain, &mut self.out)?;
        self.out.push(b'}');
        Ok(())
    }

    /// Goes to the resource and scope of an item.
    fn enter(&mut self, item: &Item<'a>) -> Result<(), WireError> {
        let of = (item.resource.index, item.scope.index);
        if self.of == Some(of) {
            return Ok(());
        }
        self.around.clear();
        self.around.put_all(item.resource.attributes())?;
        self.service = self.name_of_service();
        let scope = ScopeRest::of(&item.scope)?;
        self.around.put_all(item.scope.attributes())?;
        for key in SCOPE_NAME {
            self.around.put_some(key, scope.name);
        }
        for key in SCOPE_VERSION {
            self.around.put_some(key, scope.version);
        }
        self.of = Some(of);
        Ok(())
    }

    /// Taken out of the resource's tags.
    fn name_of_service(&mut self) -> Tag<'a> {
        if let Some(name) = self.around.remove(SERVICE_NAME) {
            return name;
        }
        for source in SERVICE_NAME_SOURCES {
            if let Some(name) = self.around.remove(source) {
                let source = source.as_bytes();
                (self.around).put(SERVICE_NAME_SOURCE.as_bytes(), Tag::Text(source.into()));
                return name;
            }
        }
        Tag::Text(NO_SERVICE.into())
    }

    /// In microseconds, rounded. A start of 0 is none; a span that ends before it began has no duration.
    fn times(&mut self, span: &SpanView<'_>) {
        if let Some(start) = microseconds(span.start_unix_nano) {
            self.out.extend_from_slice(b",\"timestamp\":");
            put_unsigned(&mut self.out, start);
        }
        let duration = span.end_unix_nano.saturating_sub(span.start_unix_nano);
        if duration > 0 {
            self.out.extend_from_slice(b",\"duration\":");
            // Below a microsecond it is one, since 0 is none.
            put_unsigned(&mut self.out, microseconds(duration).unwrap_or(1));
        }
    }

    /// Zipkin's own tag for it is the older attribute.
    fn status_of_http(&mut self) {
        let [newer, older] = STATUS_CODES_OF_HTTP;
        if let (Some(code), None) = (self.tags.get(newer), self.tags.get(older)) {
            let code = code.clone();
            self.tags.put(older.as_bytes(), code);
        }
    }

    /// Writes the two ends. They take tags away.
    fn ends(&mut self) -> Result<(), WireError> {
        let local = Endpoint::take(Some(self.service.clone()), LOCAL, &mut self.tags);
        if !local.is_empty() {
            self.out.extend_from_slice(b",\"localEndpoint\":");
            local.write(&mut self.plain, &mut self.out)?;
        }
        let peer = PEER_SERVICE
            .into_iter()
            .find_map(|key| self.tags.remove(key));
        let remote = Endpoint::take(peer, REMOTE, &mut self.tags);
        if !remote.is_empty() {
            self.out.extend_from_slice(b",\"remoteEndpoint\":");
            remote.write(&mut self.plain, &mut self.out)?;
        }
        Ok(())
    }

    /// What a span has and Zipkin has no field for.
    fn own_tags(&mut self, span: &SpanView<'a>, rest: &SpanRest<'a>) {
        let tags = &mut self.tags;
        tags.put_some(TRACE_STATE, span.trace_state);
        if span.kind == 1 {
            tags.put_some(SPAN_KIND, b"internal");
        }
        // Zipkin takes every span with this tag, whatever its text, for one that failed.
        tags.remove(ERROR);
        let code: &[u8] = match span.status {
            StatusCode::Ok => b"STATUS_CODE_OK",
            StatusCode::Error => b"STATUS_CODE_ERROR",
            StatusCode::Unset | StatusCode::Other(_) => return,
        };
        if span.status == StatusCode::Error {
            tags.put_some(ERROR, b"true");
        }
        tags.put_some(STATUS_CODE, code);
        tags.put_some(STATUS_DESCRIPTION, rest.status_message);
    }

    /// Events: a name alone, or `name|attributes as JSON|dropped attributes`.
    fn annotations(&mut self, span: &SpanView<'a>) -> Result<(), WireError> {
        self.out.extend_from_slice(b",\"annotations\":[");
        for (index, event) in span.events().enumerate() {
            let event = event?;
            if index > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(b"{\"timestamp\":");
            let time = microseconds(event.time_unix_nano).unwrap_or_default();
            put_unsigned(&mut self.out, time);
            self.out.extend_from_slice(b",\"value\":");
            let text = &mut self.scratch;
            text.clear();
            text.extend_from_slice(event.name);
            if event.attributes().next().is_some() || event.dropped_attributes_count > 0 {
                text.push(b'|');
                self.plain.object(text, event.attributes())?;
                text.push(b'|');
                put_unsigned(text, event.dropped_attributes_count.into());
            }
            put_text(&mut self.out, text);
            self.out.push(b'}');
        }
        self.out.push(b']');
        Ok(())
    }

    /// Links are tags: `trace id|span id|trace state|attributes as JSON|dropped attributes`.
    fn links(&mut self, span: &SpanView<'a>) -> Result<(), WireError> {
        for (index, link) in Links::new(span.body).enumerate() {
            let link = link?;
            let mut text = Vec::new();
            for id in [link.trace_id, link.span_id] {
                if id.iter().any(|byte| *byte != 0) {
                    put_hex_digits(&mut text, id);
                }
                text.push(b'|');
            }
            text.extend_from_slice(link.trace_state);
            text.push(b'|');
            self.plain.object(&mut text, link.attributes())?;
            text.push(b'|');
            put_unsigned(&mut text, link.dropped_attributes_count.into());
            let key = format!("otlp.link.{index}").into_bytes();
            self.tags.put(key, Tag::Text(text.into()));
        }
        Ok(())
    }
}

/// Rounded; `None`: less than one.
fn microseconds(nanoseconds: u64) -> Option<u64> {
    let rounded = nanoseconds / 1000 + u64::from(nanoseconds % 1000 >= 500);
    Some(rounded).filter(|rounded| *rounded > 0)
}

/// `None`: Zipkin has no name for it.
fn kind(kind: i32) -> Option<&'static str> {
    match kind {
        2 => Some("SERVER"),
        3 => Some("CLIENT"),
        4 => Some("PRODUCER"),
        5 => Some("CONSUMER"),
        _ => None,
    }
}
