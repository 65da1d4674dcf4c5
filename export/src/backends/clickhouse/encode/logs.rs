//! Log records as rows.

use schemas::otlp::{Item, LogRest, LogView};
use schemas::wire::WireError;

use super::opened::{Opened, RowError, ToRows};
use super::rowbinary::{put_id, put_integer, put_map, put_text, put_time, put_value};
use crate::backends::clickhouse::schema::plan::Step;
use crate::backends::clickhouse::schema::source::OfLog;

pub struct Logs;

impl<'a> ToRows<'a> for Logs {
    fn item(&mut self, item: Item<'a>, tables: &mut Opened<'a>) -> Result<(), RowError> {
        let log = LogView::parse(item.body)?;
        let rest = LogRest::parse(item.body)?;
        let rows = tables.rows(0)?;
        let head = rows.head.of(&item, &rows.plan.head)?;
        let out = &mut rows.out.buffer;
        out.extend_from_slice(head);
        for step in &rows.plan.log {
            put(out, (&log, &rest), *step)?;
        }
        Ok(())
    }
}

fn put(
    out: &mut Vec<u8>,
    (log, rest): (&LogView<'_>, &LogRest<'_>),
    Step { column, wire }: Step<OfLog>,
) -> Result<(), WireError> {
    match column {
        OfLog::Timestamp => {
            let time = match log.time_unix_nano {
                0 => rest.observed_time_unix_nano,
                time => time,
            };
            put_time(out, time, wire);
        }
        OfLog::TraceId => put_id(out, log.trace_id),
        OfLog::SpanId => put_id(out, log.span_id),
        OfLog::TraceFlags => put_integer(out, (rest.flags & 0xff).into(), wire),
        OfLog::SeverityText => put_text(out, rest.severity_text),
        OfLog::SeverityNumber => put_integer(out, log.severity_number.into(), wire),
        OfLog::Body => put_value(out, &rest.value()?)?,
        OfLog::Attributes => put_map(out, log.attributes())?,
        OfLog::EventName => put_text(out, rest.event_name),
    }
    Ok(())
}
