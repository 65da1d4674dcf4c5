//! A batch as the body of a bulk request: for each document a line that says what to do with it, and the document. Pure.

use schemas::Signal;
use schemas::json::token::{put_escaped, put_text, put_unsigned};
use schemas::otlp::{Item, Items, LogView, MetricView, SpanView};
use schemas::wire::WireError;

use super::config::{Mapping, OpenSearchConfig};
use super::otel::Otel;
use super::ss4o::Ss4o;
use super::ss4o_metric;
use crate::records::batch::Batch;
use crate::records::entry::Entry;

pub struct Bulk {
    pub body: Vec<u8>,
    pub documents: usize,
}

/// JSON is about three times as long as protobuf.
const GROWTH: usize = 3;

/// # Errors
/// A record of it is malformed, or an item nested too deeply.
pub fn encode(signal: Signal, batch: &Batch, config: &OpenSearchConfig) -> Result<Bulk, String> {
    let mut bulk = Bulk {
        body: Vec::with_capacity(batch.bytes * GROWTH + 1024),
        documents: 0,
    };
    let mut documents = match config.mapping {
        Mapping::Ss4o => {
            Documents::Ss4o(Box::new(Ss4o::new(&config.target_of(signal).index, signal)))
        }
        Mapping::Otel => Documents::Otel(Box::new(Otel::new(
            &config.target_of(signal).index,
            &config.target_of(Signal::Logs).index,
        ))),
    };
    for (index, entry) in batch.entries.iter().enumerate() {
        record(signal, entry, &mut documents, &mut bulk)
            .map_err(|error| format!("{}: {error}", batch.place_of(index)))?;
    }
    Ok(bulk)
}

enum Documents<'a> {
    Ss4o(Box<Ss4o<'a>>),
    Otel(Box<Otel<'a>>),
}

fn record<'a>(
    signal: Signal,
    entry: &'a Entry,
    documents: &mut Documents<'a>,
    bulk: &mut Bulk,
) -> Result<(), WireError> {
    match documents {
        Documents::Ss4o(documents) => documents.begin_record(),
        Documents::Otel(documents) => documents.begin_record(),
    }
    let mut actions = Actions::of(entry);
    let mut unit = 0;
    for item in Items::new(&entry.record.value) {
        let item = item?;
        unit += match documents {
            Documents::Ss4o(documents) => ss4o(signal, &item, unit, documents, &mut actions, bulk)?,
            Documents::Otel(documents) => {
                otel(signal, &item, unit, documents, &mut actions, bulk)?;
                1
            }
        };
    }
    Ok(())
}

/// The documents of an item. The units that it holds.
fn ss4o<'a>(
    signal: Signal,
    item: &Item<'a>,
    unit: usize,
    documents: &mut Ss4o<'a>,
    actions: &mut Actions<'_>,
    bulk: &mut Bulk,
) -> Result<usize, WireError> {
    documents.enter(item)?;
    let received_ms = actions.entry.record.timestamp_ms;
    match signal {
        Signal::Traces => {
            actions.create(unit, "", None, bulk);
            documents.span(&SpanView::parse(item.body)?, &mut bulk.body)?;
        }
        Signal::Logs => {
            actions.create(unit, "", None, bulk);
            documents.log(&LogView::parse(item.body)?, received_ms, &mut bulk.body)?;
        }
        Signal::Metrics => {
            let metric = MetricView::parse(item.body)?;
            let mut points = 0;
            for point in metric.points() {
                actions.create(unit + points, "", None, bulk);
                ss4o_metric::point(documents, &metric, &point?, &mut bulk.body)?;
                bulk.body.push(b'\n');
                points += 1;
            }
            // A metric without points is a unit, and no document.
            return Ok(points.max(1));
        }
    }
    bulk.body.push(b'\n');
    Ok(1)
}

fn otel<'a>(
    signal: Signal,
    item: &Item<'a>,
    unit: usize,
    documents: &mut Otel<'a>,
    actions: &mut Actions<'_>,
    bulk: &mut Bulk,
) -> Result<(), WireError> {
    documents.enter(item)?;
    let received_ms = actions.entry.record.timestamp_ms;
    match signal {
        Signal::Traces => {
            let span = SpanView::parse(item.body)?;
            actions.create(unit, "", None, bulk);
            documents.span(&span, &mut bulk.body)?;
            bulk.body.push(b'\n');
            if !span.has_events {
                return Ok(());
            }
            for (number, event) in span.events().enumerate() {
                let suffix = format!("-{number}");
                actions.create(unit, &suffix, Some(documents.event_index()), bulk);
                documents.event(&span, &event?, &mut bulk.body)?;
                bulk.body.push(b'\n');
            }
        }
        Signal::Logs => {
            actions.create(unit, "", None, bulk);
            documents.log(&LogView::parse(item.body)?, received_ms, &mut bulk.body)?;
            bulk.body.push(b'\n');
        }
        // Refused by the configuration.
        Signal::Metrics => {}
    }
    Ok(())
}

/// Writes the lines before documents: create it, under the id of its item.
struct Actions<'a> {
    entry: &'a Entry,
    /// `<topic>-<partition>-<offset>-<time>-`, in a string of JSON. The time at which the bus took the record tells it from one at the same offset of a bus that
    /// was emptied since, or of another bus.
    prefix: Vec<u8>,
}

impl<'a> Actions<'a> {
    fn of(entry: &'a Entry) -> Self {
        let mut prefix = Vec::with_capacity(entry.record.topic.len() + 40);
        put_escaped(&mut prefix, entry.record.topic.as_bytes());
        let record = &entry.record;
        for number in [record.partition.into(), record.offset, record.timestamp_ms] {
            prefix.push(b'-');
            put_unsigned(&mut prefix, number);
        }
        prefix.push(b'-');
        Self { entry, prefix }
    }

    /// The `index`-th unit of the entry's value; `suffix` tells several documents of it apart. `into` another index than the address's.
    fn create(&mut self, index: usize, suffix: &str, into: Option<&str>, bulk: &mut Bulk) {
        let out = &mut bulk.body;
        out.extend_from_slice(b"{\"create\":{");
        if let Some(name) = into {
            out.extend_from_slice(b"\"_index\":");
            put_text(out, name.as_bytes());
            out.push(b',');
        }
        out.extend_from_slice(b"\"_id\":\"");
        out.extend_from_slice(&self.prefix);
        put_unsigned(out, self.entry.unit(index) as u64);
        out.extend_from_slice(suffix.as_bytes());
        out.extend_from_slice(b"\"}}\n");
        bulk.documents += 1;
    }
}
