//! A batch as events: JSON objects, one behind the other. Pure.

use schemas::json::plain::{BytesAs, Plain};
use schemas::json::token::{put_hex, put_signed, put_text, put_unsigned};
use schemas::otlp::{AnyValue, Attributes, Item, Items, LogRest, LogView};
use schemas::wire::WireError;

use super::config::Usual;
use super::fields::Fields;
use crate::records::batch::Batch;

const HOST: &[u8] = b"host.name";
const SOURCE: &[u8] = b"com.splunk.source";
const SOURCETYPE: &[u8] = b"com.splunk.sourcetype";
const INDEX: &[u8] = b"com.splunk.index";
/// Who sends it means another token for the request; it is nobody else's business.
const TOKEN: &[u8] = b"com.splunk.hec.access_token";
const SERVICE: &[u8] = b"service.name";
const NO_HOST: &[u8] = b"unknown";

/// JSON is about three times as long as protobuf.
const GROWTH: usize = 3;

/// # Errors
/// A record of it is malformed, or holds nothing that Splunk would take for an event.
pub fn encode(batch: &Batch, usual: &Usual) -> Result<Vec<u8>, String> {
    let mut events = Events {
        out: Vec::with_capacity(batch.bytes * GROWTH),
        plain: Plain::new(BytesAs::Base64),
        usual,
        of: None,
        of_resource: Metadata::default(),
        resource: Fields::default(),
        fields: Fields::default(),
    };
    for (index, entry) in batch.entries.iter().enumerate() {
        events.of = None;
        for item in Items::new(&entry.record.value) {
            let written = match item {
                Ok(item) => events.add(&item),
                Err(error) => Err(error.into()),
            };
            written.map_err(|error| format!("{}: {error}", batch.place_of(index)))?;
        }
    }
    Ok(events.out)
}

/// Why a log record can't be an event.
#[derive(Debug, thiserror::Error)]
enum NoEvent {
    #[error(transparent)]
    Malformed(#[from] WireError),
    #[error("a log record with neither body nor event name nor attributes, which Splunk refuses")]
    Blank,
}

struct Events<'a, 'u> {
    out: Vec<u8>,
    plain: Plain<'a>,
    usual: &'u Usual,
    /// The resource that `resource` and `of_resource` are of.
    of: Option<usize>,
    of_resource: Metadata<'a>,
    resource: Fields,
    fields: Fields,
}

/// What Splunk keeps of an event beside its fields, as attributes say it.
#[derive(Clone, Copy, Debug, Default)]
struct Metadata<'a> {
    host: Option<&'a [u8]>,
    source: Option<&'a [u8]>,
    sourcetype: Option<&'a [u8]>,
    index: Option<&'a [u8]>,
    service: Option<&'a [u8]>,
}

impl<'a> Metadata<'a> {
    /// The last of a name counts; what isn't text counts for nothing.
    fn read(mut self, attributes: Attributes<'a>) -> Result<Self, WireError> {
        for pair in attributes {
            let pair = pair?;
            let AnyValue::String(text) = pair.value else {
                continue;
            };
            match pair.key {
                HOST => self.host = Some(text),
                SOURCE => self.source = Some(text),
                SOURCETYPE => self.sourcetype = Some(text),
                INDEX => self.index = Some(text),
                SERVICE => self.service = Some(text),
                _ => {}
            }
        }
        Ok(self)
    }
}

fn some(text: Option<&[u8]>) -> Option<&[u8]> {
    text.filter(|text| !text.is_empty())
}

fn written(text: &str) -> Option<&[u8]> {
    some(Some(text.as_bytes()))
}

/// It isn't among the fields.
fn is_metadata(key: &[u8]) -> bool {
    [HOST, SOURCE, SOURCETYPE, INDEX, TOKEN].contains(&key)
}

impl<'a> Events<'a, '_> {
    fn add(&mut self, item: &Item<'a>) -> Result<(), NoEvent> {
        self.enter(item)?;
        let log = LogView::parse(item.body)?;
        let rest = LogRest::parse(item.body)?;
        let metadata = self.of_resource.read(log.attributes())?;
        self.out.push(b'{');
        self.time(&log, &rest);
        self.metadata(&metadata);
        self.out.extend_from_slice(b"\"event\":");
        self.event(&log, &rest)?;
        self.fields(&log, &rest)?;
        self.out.push(b'}');
        Ok(())
    }

    /// Goes to the resource of an item.
    fn enter(&mut self, item: &Item<'a>) -> Result<(), WireError> {
        if self.of == Some(item.resource.index) {
            return Ok(());
        }
        let attributes = item.resource.attributes();
        self.of_resource = Metadata::default().read(attributes.clone())?;
        self.resource.clear();
        (self.resource).attributes(attributes, &mut self.plain, is_metadata)?;
        self.of = Some(item.resource.index);
        Ok(())
    }

    /// Seconds with three digits behind the point. Without a time, Splunk takes its own.
    fn time(&mut self, log: &LogView<'_>, rest: &LogRest<'_>) {
        let known = [log.time_unix_nano, rest.observed_time_unix_nano];
        let Some(time) = known.into_iter().find(|time| *time > 0) else {
            return;
        };
        let millis = time / 1_000_000 + u64::from(time % 1_000_000 >= 500_000);
        self.out.extend_from_slice(b"\"time\":");
        put_unsigned(&mut self.out, millis / 1000);
        let fraction = format!(".{:03},", millis % 1000);
        self.out.extend_from_slice(fraction.as_bytes());
    }

    /// Members with a comma behind each.
    fn metadata(&mut self, metadata: &Metadata<'_>) {
        let usual = self.usual;
        let source = some(metadata.source).or(written(&usual.source));
        let sourcetype = some(metadata.sourcetype).or(written(&usual.sourcetype));
        let index = some(metadata.index).or(written(&usual.index));
        for (member, text) in [
            ("\"host\":", some(metadata.host).or(Some(NO_HOST))),
            ("\"source\":", source.or(some(metadata.service))),
            ("\"sourcetype\":", sourcetype),
            ("\"index\":", index),
        ] {
            if let Some(text) = text {
                self.out.extend_from_slice(member.as_bytes());
                put_text(&mut self.out, text);
                self.out.push(b',');
            }
        }
    }

    /// The body; where that is empty, which Splunk refuses, the name of the event, or else the attributes.
    fn event(&mut self, log: &LogView<'a>, rest: &LogRest<'a>) -> Result<(), NoEvent> {
        match rest.value()? {
            AnyValue::Empty | AnyValue::String(b"") => {}
            body => return Ok(self.plain.value(&mut self.out, body)?),
        }
        if !rest.event_name.is_empty() {
            put_text(&mut self.out, rest.event_name);
            return Ok(());
        }
        if log.attributes().next().is_none() {
            return Err(NoEvent::Blank);
        }
        Ok(self.plain.object(&mut self.out, log.attributes())?)
    }

    /// What the record says counts before what its resource says.
    fn fields(&mut self, log: &LogView<'a>, rest: &LogRest<'a>) -> Result<(), WireError> {
        let fields = &mut self.fields;
        fields.clear();
        fields.attributes(log.attributes(), &mut self.plain, is_metadata)?;
        fields.add(&self.resource);
        for (key, id) in [("trace_id", log.trace_id), ("span_id", log.span_id)] {
            let is_id = id.iter().any(|byte| *byte != 0);
            fields.value(key, id, |out, id| {
                if is_id {
                    put_hex(out, id);
                }
            });
        }
        fields.text("otel.log.severity.text", rest.severity_text);
        fields.value(
            "otel.log.severity.number",
            log.severity_number,
            |out, number| {
                if number != 0 {
                    put_signed(out, number.into());
                }
            },
        );
        fields.text("otel.log.name", rest.event_name);
        if !fields.is_empty() {
            self.out.extend_from_slice(b",\"fields\":{");
            fields.write(&mut self.out);
            self.out.push(b'}');
        }
        Ok(())
    }
}
