//! Spans as rows.

use schemas::otlp::{EventView, Item, LinkView, Links, SpanRest, SpanView, StatusCode};
use schemas::wire::WireError;

use super::opened::{Opened, RowError, ToRows};
use super::rowbinary::{put_id, put_integer, put_many, put_map, put_text, put_time};
use crate::backends::clickhouse::schema::plan::Step;
use crate::backends::clickhouse::schema::source::OfSpan;

/// Events and links are columns by part, so each is asked for several times: they are parsed once for a span.
#[derive(Default)]
pub struct Spans<'a> {
    events: Vec<EventView<'a>>,
    links: Vec<LinkView<'a>>,
}

impl<'a> ToRows<'a> for Spans<'a> {
    fn item(&mut self, item: Item<'a>, tables: &mut Opened<'a>) -> Result<(), RowError> {
        let span = SpanView::parse(item.body)?;
        let rest = SpanRest::parse(item.body)?;
        self.events.clear();
        if span.has_events {
            for event in span.events() {
                self.events.push(event?);
            }
        }
        self.links.clear();
        if rest.has_links {
            for link in Links::new(item.body) {
                self.links.push(link?);
            }
        }
        let rows = tables.rows(0)?;
        let head = rows.head.of(&item, &rows.plan.head)?;
        let out = &mut rows.out.buffer;
        out.extend_from_slice(head);
        for step in &rows.plan.span {
            self.put(out, (&span, &rest), *step)?;
        }
        Ok(())
    }
}

impl Spans<'_> {
    #[inline]
    fn put(
        &self,
        out: &mut Vec<u8>,
        (span, rest): (&SpanView<'_>, &SpanRest<'_>),
        Step { column, wire }: Step<OfSpan>,
    ) -> Result<(), WireError> {
        match column {
            OfSpan::Timestamp => put_time(out, span.start_unix_nano, wire),
            OfSpan::TraceId => put_id(out, span.trace_id),
            OfSpan::SpanId => put_id(out, span.span_id),
            OfSpan::ParentSpanId => put_id(out, span.parent_span_id),
            OfSpan::TraceState => put_text(out, span.trace_state),
            OfSpan::Name => put_text(out, span.name),
            OfSpan::Kind => put_text(out, kind(span.kind)),
            OfSpan::Attributes => put_map(out, span.attributes())?,
            OfSpan::Duration => {
                // A column without a sign has 0 where a clock went back; the Collector has 584 years there.
                let nanos = i128::from(span.end_unix_nano) - i128::from(span.start_unix_nano);
                put_integer(out, nanos, wire);
            }
            OfSpan::StatusCode => put_text(out, status(span.status)),
            OfSpan::StatusMessage => put_text(out, rest.status_message),
            OfSpan::EventTimes => {
                return self.put_events(out, |out, event| {
                    put_time(out, event.time_unix_nano, wire);
                    Ok(())
                });
            }
            OfSpan::EventNames => {
                return self.put_events(out, |out, event| {
                    put_text(out, event.name);
                    Ok(())
                });
            }
            OfSpan::EventAttributes => {
                return self.put_events(out, |out, event| put_map(out, event.attributes()));
            }
            OfSpan::LinkTraceIds | OfSpan::LinkSpanIds | OfSpan::LinkTraceStates => {
                return put_many(out, self.links.iter().map(Ok), |out, link| {
                    match column {
                        OfSpan::LinkTraceIds => put_id(out, link.trace_id),
                        OfSpan::LinkSpanIds => put_id(out, link.span_id),
                        _ => put_text(out, link.trace_state),
                    }
                    Ok(())
                });
            }
            OfSpan::LinkAttributes => {
                return put_many(out, self.links.iter().map(Ok), |out, link| {
                    put_map(out, link.attributes())
                });
            }
        }
        Ok(())
    }

    #[inline]
    fn put_events(
        &self,
        out: &mut Vec<u8>,
        put: impl FnMut(&mut Vec<u8>, &EventView<'_>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        put_many(out, self.events.iter().map(Ok), put)
    }
}

/// As the Collector's `ptrace.SpanKind` prints it.
fn kind(kind: i32) -> &'static [u8] {
    match kind {
        0 => b"Unspecified",
        1 => b"Internal",
        2 => b"Server",
        3 => b"Client",
        4 => b"Producer",
        5 => b"Consumer",
        _ => b"",
    }
}

/// As the Collector's `ptrace.StatusCode` prints it.
fn status(code: StatusCode) -> &'static [u8] {
    match code {
        StatusCode::Unset => b"Unset",
        StatusCode::Ok => b"Ok",
        StatusCode::Error => b"Error",
        StatusCode::Other(_) => b"",
    }
}
