//! When an item ended, by its sender's clock.

use schemas::Signal;
use schemas::otlp::{LogView, SpanView};
use schemas::wire::{Fields, Value};

/// Of a log record, when it was observed if it doesn't say when it happened.
const OBSERVED: u32 = 11;
/// Gauge, sum, histogram, exponential histogram, summary: each has its points in field 1, with their time in field 3.
const METRIC_DATA: [u32; 5] = [5, 7, 9, 10, 11];
const POINTS: u32 = 1;
const POINT_TIME: u32 = 3;

/// In milliseconds; `None`: it doesn't say. Of a metric's points the first one counts.
pub(super) fn of(signal: Signal, item: &[u8]) -> Option<u64> {
    let nanos = match signal {
        Signal::Traces => SpanView::parse(item).ok()?.end_unix_nano,
        Signal::Logs => match LogView::parse(item).ok()?.time_unix_nano {
            0 => fixed64(item, OBSERVED)?,
            time => time,
        },
        Signal::Metrics => {
            let data = METRIC_DATA
                .iter()
                .find_map(|number| message(item, *number))?;
            fixed64(message(data, POINTS)?, POINT_TIME)?
        }
    };
    (nanos > 0).then_some(nanos / 1_000_000)
}

fn message(of: &[u8], number: u32) -> Option<&[u8]> {
    let mut fields = Fields::new(of).map_while(Result::ok);
    let found = fields.find(|field| field.number == number)?;
    found.len_value().ok()
}

fn fixed64(of: &[u8], number: u32) -> Option<u64> {
    let mut fields = Fields::new(of).map_while(Result::ok);
    fields.find_map(|field| match field.value {
        Value::Fixed64(value) if field.number == number => Some(value),
        _ => None,
    })
}
