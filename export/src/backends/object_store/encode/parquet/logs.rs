//! Log records as rows. Pure.

use schemas::otlp::{Item, LogRest, LogView};
use schemas::wire::WireError;

use super::leaf::{Leaf, Map, Texts, Values};
use super::table::{Row, Table, nanos};

#[derive(Default)]
pub struct Logs {
    times: Vec<i64>,
    observed: Vec<i64>,
    trace_ids: Texts,
    span_ids: Texts,
    flags: Vec<i32>,
    severities: Texts,
    numbers: Vec<i32>,
    bodies: Texts,
    attributes: Map,
    events: Texts,
}

/// A log record.
pub struct LogRow<'a>(LogView<'a>, LogRest<'a>);

impl Row for LogRow<'_> {
    /// When it was made, or else observed.
    fn time_unix_nano(&self) -> u64 {
        match self.0.time_unix_nano {
            0 => self.1.observed_time_unix_nano,
            time => time,
        }
    }
}

impl Table for Logs {
    const SCHEMA: &'static str = "
        REQUIRED INT64 Timestamp (TIMESTAMP(NANOS,true));
        REQUIRED INT64 ObservedTimestamp (TIMESTAMP(NANOS,true));
        REQUIRED BYTE_ARRAY TraceId (STRING);
        REQUIRED BYTE_ARRAY SpanId (STRING);
        REQUIRED INT32 TraceFlags (INTEGER(8,false));
        REQUIRED BYTE_ARRAY SeverityText (STRING);
        REQUIRED INT32 SeverityNumber (INTEGER(8,false));
        REQUIRED BYTE_ARRAY Body (STRING);
        REQUIRED group LogAttributes (MAP) { REPEATED group key_value {
            REQUIRED BYTE_ARRAY key (STRING); REQUIRED BYTE_ARRAY value (STRING); } }
        REQUIRED BYTE_ARRAY EventName (STRING);
    ";
    const BOUNDED: &'static [&'static str] = &["Timestamp", "SeverityNumber"];
    const UNIQUE: &'static [&'static str] = &["TraceId", "SpanId"];
    const TIMES: &'static [&'static str] = &["Timestamp", "ObservedTimestamp"];

    type Row<'a> = LogRow<'a>;

    fn rows<'a>(
        item: &Item<'a>,
        mut each: impl FnMut(&LogRow<'a>) -> Result<(), String>,
    ) -> Result<(), String> {
        let parse = || {
            Ok(LogRow(
                LogView::parse(item.body)?,
                LogRest::parse(item.body)?,
            ))
        };
        each(&parse().map_err(|error: WireError| error.to_string())?)
    }

    fn push(&mut self, row: &LogRow<'_>) -> Result<(), WireError> {
        let LogRow(log, rest) = row;
        self.times.push(nanos(row.time_unix_nano()));
        self.observed.push(nanos(rest.observed_time_unix_nano));
        self.trace_ids.push_id(log.trace_id);
        self.span_ids.push_id(log.span_id);
        self.flags.push((rest.flags & 0xff) as i32);
        self.severities.push(rest.severity_text);
        self.numbers.push(log.severity_number.clamp(0, 255));
        self.bodies.push_value(&rest.value()?)?;
        self.attributes.push((0, 0), log.attributes())?;
        self.events.push(rest.event_name);
        Ok(())
    }

    fn leaves(&mut self) -> Vec<Leaf<'_>> {
        let mut leaves = vec![
            Leaf::plain(Values::Longs(&mut self.times)),
            Leaf::plain(Values::Longs(&mut self.observed)),
            Leaf::plain(Values::Texts(&mut self.trace_ids)),
            Leaf::plain(Values::Texts(&mut self.span_ids)),
            Leaf::plain(Values::Ints(&mut self.flags)),
            Leaf::plain(Values::Texts(&mut self.severities)),
            Leaf::plain(Values::Ints(&mut self.numbers)),
            Leaf::plain(Values::Texts(&mut self.bodies)),
        ];
        leaves.extend(self.attributes.leaves());
        leaves.push(Leaf::plain(Values::Texts(&mut self.events)));
        leaves
    }
}
