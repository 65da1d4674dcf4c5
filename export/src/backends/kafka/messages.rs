//! Messages of one record: one for each trace or resource, or the record as it is. Pure.
//!
//! A record is encoded by itself, whatever else is in its batch: so what becomes of a record is known of each.

use bytes::Bytes;
use schemars::JsonSchema;
use schemas::Signal;
use schemas::otlp::{Item, Items, LogView, SpanView};
use schemas::pack::Packer;
use schemas::wire::{Fields, WireError};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// What a message holds, by the names that the Collector has for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An OTLP export request as protobuf.
    #[default]
    OtlpProto,
    /// The same in OTLP's JSON.
    OtlpJson,
}

/// What is in one message, and its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyOf {
    /// Spans, and log records that have a trace id, of one trace; the key is the trace id in hex. Other log records have no key. Metrics are of one resource.
    #[default]
    TraceId,
    /// Items of one resource; the key is a hash of its attributes, of 16 bytes.
    Resource,
    /// Messages are as large as records on the bus, and have no key.
    None,
}

/// How messages are made.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub signal: Signal,
    pub format: Format,
    pub key: KeyOf,
    /// Of a message's value.
    pub bytes_max: usize,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub key: Option<Bytes>,
    pub value: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    None,
    Trace([u8; 16]),
    Resource(u128),
}

impl Group {
    fn key(self) -> Option<Bytes> {
        match self {
            Self::None => None,
            Self::Trace(id) => Some(Bytes::from(const_hex::encode(id))),
            Self::Resource(hash) => Some(Bytes::copy_from_slice(&hash.to_be_bytes())),
        }
    }
}

impl Layout {
    /// The messages of a record with this value.
    ///
    /// # Errors
    /// It is malformed, or one item is larger than a message may be.
    pub fn messages(&self, value: &Bytes) -> Result<Vec<Message>, String> {
        let mut writer = Writer {
            layout: *self,
            packer: Packer::new(),
            messages: Vec::new(),
        };
        writer.record(value)?;
        Ok(writer.messages)
    }

    fn groups<'a>(&self, value: &'a [u8]) -> Result<Vec<(Group, Item<'a>)>, WireError> {
        let mut resource = (usize::MAX, Group::None);
        let of_resource = |item: &Item<'a>| -> Result<Group, WireError> {
            if resource.0 != item.resource.index {
                resource = (item.resource.index, resource_of(item)?);
            }
            Ok(resource.1)
        };
        let mut of_resource = of_resource;
        let mut groups = Vec::new();
        for item in Items::new(value) {
            let item = item?;
            let group = match (self.key, self.signal) {
                (KeyOf::None, _) => Group::None,
                (KeyOf::Resource, _) | (KeyOf::TraceId, Signal::Metrics) => of_resource(&item)?,
                (KeyOf::TraceId, Signal::Traces) => {
                    of_trace(SpanView::parse(item.body)?.valid_trace_id())
                }
                (KeyOf::TraceId, Signal::Logs) => {
                    of_trace(LogView::parse(item.body)?.valid_trace_id())
                }
            };
            groups.push((group, item));
        }
        // Stable: within a group, items stay in order.
        groups.sort_by_key(|(group, _)| *group);
        Ok(groups)
    }
}

fn of_trace(id: Option<&[u8; 16]>) -> Group {
    id.map_or(Group::None, |id| Group::Trace(*id))
}

/// The same for resources whose attributes are in another order.
fn resource_of(item: &Item<'_>) -> Result<Group, WireError> {
    const ATTRIBUTES: u32 = 1;
    let mut attributes = Vec::new();
    for field in Fields::new(item.resource.resource()) {
        let field = field?;
        if field.number == ATTRIBUTES {
            attributes.push(field.raw);
        }
    }
    attributes.sort_unstable();
    Ok(Group::Resource(xxh3_128(&attributes.concat())))
}

struct Writer {
    layout: Layout,
    packer: Packer,
    messages: Vec<Message>,
}

impl Writer {
    fn record(&mut self, value: &Bytes) -> Result<(), String> {
        let malformed = |error: WireError| format!("not an OTLP request: {error}");
        let groups = self.layout.groups(value).map_err(malformed)?;
        let (Some(first), Some(last)) = (groups.first(), groups.last()) else {
            return Ok(());
        };
        if first.0 == last.0 && self.whole(first.0, value)? {
            return Ok(());
        }
        for of_group in groups.chunk_by(|a, b| a.0 == b.0) {
            self.group(of_group)?;
        }
        Ok(())
    }

    /// The record as it is, if it is small enough.
    fn whole(&mut self, group: Group, value: &Bytes) -> Result<bool, String> {
        let value = match self.layout.format {
            Format::OtlpProto => value.clone(),
            Format::OtlpJson => self.encoded(value)?,
        };
        let fits = value.len() <= self.layout.bytes_max;
        if fits {
            let key = group.key();
            self.messages.push(Message { key, value });
        }
        Ok(fits)
    }

    /// One message, or as many as it takes: halves, and halves of those.
    fn group(&mut self, items: &[(Group, Item<'_>)]) -> Result<(), String> {
        let Some((group, _)) = items.first() else {
            return Ok(());
        };
        self.packer.begin_source();
        for (_, item) in items {
            self.packer.push(item);
        }
        let request = self.packer.finish();
        if self.whole(*group, &request)? {
            return Ok(());
        }
        if items.len() == 1 {
            return Err(format!(
                "an item makes a message of more than {} bytes, see `message_bytes_max`",
                self.layout.bytes_max
            ));
        }
        let (head, tail) = items.split_at(items.len() / 2);
        self.group(head)?;
        self.group(tail)
    }

    fn encoded(&self, request: &[u8]) -> Result<Bytes, String> {
        let mut json = Vec::with_capacity(2 * request.len());
        schemas::json::from_protobuf(self.layout.signal, request, &mut json)
            .map_err(|error| format!("can't be written as JSON: {error}"))?;
        Ok(Bytes::from(json))
    }
}
