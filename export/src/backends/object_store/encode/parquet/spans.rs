//! Spans as rows. Pure.

use schemas::otlp::{Item, Links, SpanRest, SpanView, StatusCode};
use schemas::wire::WireError;

use super::leaf::{Leaf, Levels, Map, Texts, Values};
use super::table::{Row, Table, nanos};

#[derive(Default)]
pub struct Spans {
    times: Vec<i64>,
    trace_ids: Texts,
    span_ids: Texts,
    parents: Texts,
    trace_states: Texts,
    names: Texts,
    kinds: Texts,
    durations: Vec<i64>,
    statuses: Texts,
    messages: Texts,
    attributes: Map,
    events: Events,
    links: AllLinks,
}

#[derive(Default)]
struct Events {
    levels: Levels,
    times: Vec<i64>,
    names: Texts,
    attributes: Map,
}

#[derive(Default)]
struct AllLinks {
    levels: Levels,
    trace_ids: Texts,
    span_ids: Texts,
    trace_states: Texts,
    attributes: Map,
}

impl Table for Spans {
    const SCHEMA: &'static str = "
        REQUIRED INT64 Timestamp (TIMESTAMP(NANOS,true));
        REQUIRED BYTE_ARRAY TraceId (STRING);
        REQUIRED BYTE_ARRAY SpanId (STRING);
        REQUIRED BYTE_ARRAY ParentSpanId (STRING);
        REQUIRED BYTE_ARRAY TraceState (STRING);
        REQUIRED BYTE_ARRAY SpanName (STRING);
        REQUIRED BYTE_ARRAY SpanKind (STRING);
        REQUIRED INT64 Duration (INTEGER(64,false));
        REQUIRED BYTE_ARRAY StatusCode (STRING);
        REQUIRED BYTE_ARRAY StatusMessage (STRING);
        REQUIRED group SpanAttributes (MAP) { REPEATED group key_value {
            REQUIRED BYTE_ARRAY key (STRING); REQUIRED BYTE_ARRAY value (STRING); } }
        REQUIRED group Events (LIST) { REPEATED group list { REQUIRED group element {
            REQUIRED INT64 Timestamp (TIMESTAMP(NANOS,true));
            REQUIRED BYTE_ARRAY Name (STRING);
            REQUIRED group Attributes (MAP) { REPEATED group key_value {
                REQUIRED BYTE_ARRAY key (STRING); REQUIRED BYTE_ARRAY value (STRING); } } } } }
        REQUIRED group Links (LIST) { REPEATED group list { REQUIRED group element {
            REQUIRED BYTE_ARRAY TraceId (STRING);
            REQUIRED BYTE_ARRAY SpanId (STRING);
            REQUIRED BYTE_ARRAY TraceState (STRING);
            REQUIRED group Attributes (MAP) { REPEATED group key_value {
                REQUIRED BYTE_ARRAY key (STRING); REQUIRED BYTE_ARRAY value (STRING); } } } } }
    ";
    const BOUNDED: &'static [&'static str] = &["Timestamp", "SpanName"];
    const UNIQUE: &'static [&'static str] = &["TraceId", "SpanId", "ParentSpanId"];
    const TIMES: &'static [&'static str] = &["Timestamp", "Duration"];

    type Row<'a> = SpanView<'a>;

    fn rows<'a>(
        item: &Item<'a>,
        mut each: impl FnMut(&SpanView<'a>) -> Result<(), String>,
    ) -> Result<(), String> {
        each(&SpanView::parse(item.body).map_err(|error| error.to_string())?)
    }

    fn push(&mut self, span: &SpanView<'_>) -> Result<(), WireError> {
        let rest = SpanRest::parse(span.body)?;
        self.times.push(nanos(span.start_unix_nano));
        self.trace_ids.push_id(span.trace_id);
        self.span_ids.push_id(span.span_id);
        self.parents.push_id(span.parent_span_id);
        self.trace_states.push(span.trace_state);
        self.names.push(span.name);
        self.kinds.push(kind(span.kind));
        // 0 where a clock went back.
        let duration = span.end_unix_nano.saturating_sub(span.start_unix_nano);
        self.durations.push(duration as i64);
        self.statuses.push(status(span.status));
        self.messages.push(rest.status_message);
        self.attributes.push((0, 0), span.attributes())?;
        self.events.push(span)?;
        self.links.push(span, rest.has_links)
    }

    fn leaves(&mut self) -> Vec<Leaf<'_>> {
        let mut leaves = vec![
            Leaf::plain(Values::Longs(&mut self.times)),
            Leaf::plain(Values::Texts(&mut self.trace_ids)),
            Leaf::plain(Values::Texts(&mut self.span_ids)),
            Leaf::plain(Values::Texts(&mut self.parents)),
            Leaf::plain(Values::Texts(&mut self.trace_states)),
            Leaf::plain(Values::Texts(&mut self.names)),
            Leaf::plain(Values::Texts(&mut self.kinds)),
            Leaf::plain(Values::Longs(&mut self.durations)),
            Leaf::plain(Values::Texts(&mut self.statuses)),
            Leaf::plain(Values::Texts(&mut self.messages)),
        ];
        leaves.extend(self.attributes.leaves());
        leaves.extend(self.events.leaves());
        leaves.extend(self.links.leaves());
        leaves
    }
}

impl Row for SpanView<'_> {
    fn time_unix_nano(&self) -> u64 {
        self.start_unix_nano
    }
}

impl Events {
    fn push(&mut self, span: &SpanView<'_>) -> Result<(), WireError> {
        let mut rep = 0;
        if span.has_events {
            for event in span.events() {
                let event = event?;
                self.levels.push(rep, 1);
                self.times.push(nanos(event.time_unix_nano));
                self.names.push(event.name);
                self.attributes.push((rep, 1), event.attributes())?;
                rep = 1;
            }
        }
        if rep == 0 {
            self.levels.push(0, 0);
            self.attributes.push_absent();
        }
        Ok(())
    }

    fn leaves(&mut self) -> Vec<Leaf<'_>> {
        let mut leaves = vec![
            Leaf::nested(&self.levels, Values::Longs(&mut self.times)),
            Leaf::nested(&self.levels, Values::Texts(&mut self.names)),
        ];
        leaves.extend(self.attributes.leaves());
        leaves
    }
}

impl AllLinks {
    fn push(&mut self, span: &SpanView<'_>, has_links: bool) -> Result<(), WireError> {
        let mut rep = 0;
        if has_links {
            for link in Links::new(span.body) {
                let link = link?;
                self.levels.push(rep, 1);
                self.trace_ids.push_id(link.trace_id);
                self.span_ids.push_id(link.span_id);
                self.trace_states.push(link.trace_state);
                self.attributes.push((rep, 1), link.attributes())?;
                rep = 1;
            }
        }
        if rep == 0 {
            self.levels.push(0, 0);
            self.attributes.push_absent();
        }
        Ok(())
    }

    fn leaves(&mut self) -> Vec<Leaf<'_>> {
        let mut leaves = vec![
            Leaf::nested(&self.levels, Values::Texts(&mut self.trace_ids)),
            Leaf::nested(&self.levels, Values::Texts(&mut self.span_ids)),
            Leaf::nested(&self.levels, Values::Texts(&mut self.trace_states)),
        ];
        leaves.extend(self.attributes.leaves());
        leaves
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
