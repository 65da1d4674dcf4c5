//! A Jaeger span as OTLP. Source: `pkg/translator/jaeger/jaegerproto_to_traces.go` of the Collector's contrib repository.

use std::borrow::Cow;

use super::super::attributes::{Attributes, Value};
use super::super::malformed::Malformed;
use super::super::otlp::{self, Event, Kind, Link, Scope};
use super::model::{Log, Process, Reference, Span, Tag};
use super::status::status;

const SPAN_KIND: &str = "span.kind";
const TRACE_STATE: &str = "w3c.tracestate";
const SCOPE_NAME: &str = "otel.scope.name";
const SCOPE_VERSION: &str = "otel.scope.version";
const EVENT_NAME: &str = "event";
/// What the Collector writes where it has no service's name.
const NO_SERVICE: &str = "OTLPResourceNoServiceName";

/// Appends the span to a request. A span without anything is none.
pub fn translate(record: &[u8], request: &mut Vec<u8>) -> Result<(), Malformed> {
    if record.is_empty() {
        return Ok(());
    }
    let span = Span::read(record)?;
    let mut out = otlp::Span {
        trace_id: span.trace_id,
        span_id: span.span_id,
        name: span.name.into(),
        start: span.start.unwrap_or_default(),
        ..Default::default()
    };
    out.end = out.start.wrapping_add_signed(span.duration);
    if let Some(process) = span.process {
        out.resource = resource(process).map_err(|error| error.within("process"))?;
    }
    tags(&span.tags, &mut out)?;
    if let Some(kind) = out.attributes.take(SPAN_KIND) {
        out.kind = kind_of(&kind.into_text());
    }
    out.status = status(&mut out.attributes, out.kind);
    if let Some(state) = out.attributes.take(TRACE_STATE) {
        out.trace_state = state.into_text();
    }
    for (index, log) in span.logs.iter().enumerate() {
        let event = event(log).map_err(|error| error.within(format_args!("logs[{index}]")))?;
        out.children.push_event(&event);
    }
    references(&span, &mut out)?;
    out.write(request);
    Ok(())
}

fn resource(process: &[u8]) -> Result<Attributes<'_>, Malformed> {
    let process = Process::read(process)?;
    let mut resource = Attributes::default();
    if process.service == NO_SERVICE {
        return Ok(resource);
    }
    if !process.service.is_empty() {
        resource.put("service.name", process.service);
    }
    put_all(&process.tags, "tags", &mut resource)?;
    if resource.get("host.name").is_none()
        && let Some(host) = resource.take("hostname")
    {
        resource.put("host.name", host);
    }
    if resource.get("opencensus.exporterversion").is_none()
        && let Some(version) = resource.take("jaeger.version")
    {
        let version = format!("Jaeger-{}", version.into_text());
        resource.put("opencensus.exporterversion", Cow::<str>::Owned(version));
    }
    Ok(resource)
}

fn put_all<'a>(
    tags: &[&'a [u8]],
    name: &str,
    attributes: &mut Attributes<'a>,
) -> Result<(), Malformed> {
    for (index, tag) in tags.iter().enumerate() {
        let tag = read_tag(tag, name, index)?;
        attributes.put(tag.key, tag.value());
    }
    Ok(())
}

fn read_tag<'a>(tag: &'a [u8], name: &str, index: usize) -> Result<Tag<'a>, Malformed> {
    Tag::read(tag).map_err(|error| error.within(format_args!("{name}[{index}]")))
}

/// The span's tags; of the scope's name and version the first are the scope, the version only beside a name.
fn tags<'a>(tags: &[&'a [u8]], out: &mut otlp::Span<'a>) -> Result<(), Malformed> {
    let (mut name, mut version) = (None, None::<Tag<'_>>);
    for (index, tag) in tags.iter().enumerate() {
        let tag = read_tag(tag, "tags", index)?;
        match tag.key {
            SCOPE_NAME if name.is_none() => name = Some(tag.text),
            SCOPE_VERSION if version.is_none() => version = Some(tag),
            key => out.attributes.put(key, tag.value()),
        }
    }
    match (name, version) {
        (Some(name), version) => {
            out.scope = Scope {
                name: name.into(),
                version: version.map_or("", |version| version.text).into(),
            };
        }
        // A later value of the same key is there already.
        (None, Some(version)) if out.attributes.get(SCOPE_VERSION).is_none() => {
            out.attributes.put(SCOPE_VERSION, version.value());
        }
        (None, _) => {}
    }
    Ok(())
}

fn kind_of(kind: &str) -> Kind {
    match kind {
        "client" => Kind::Client,
        "server" => Kind::Server,
        "producer" => Kind::Producer,
        "consumer" => Kind::Consumer,
        "internal" => Kind::Internal,
        _ => Kind::Unspecified,
    }
}

fn event(log: &[u8]) -> Result<Event<'_>, Malformed> {
    let log = Log::read(log)?;
    let mut attributes = Attributes::default();
    put_all(&log.fields, "fields", &mut attributes)?;
    let name = attributes.take(EVENT_NAME).map(Value::into_text);
    Ok(Event {
        time: log.time,
        name: name.unwrap_or_default(),
        attributes,
        dropped: 0,
    })
}

/// The parent is the first `CHILD_OF` of the same trace, else the first `FOLLOWS_FROM` of it; what isn't the parent is a link.
fn references(span: &Span<'_>, out: &mut otlp::Span<'_>) -> Result<(), Malformed> {
    let mut references = Vec::with_capacity(span.references.len());
    for (index, reference) in span.references.iter().enumerate() {
        let reference = Reference::read(reference);
        references
            .push(reference.map_err(|error| error.within(format_args!("references[{index}]")))?);
    }
    let of_trace = || (references.iter()).filter(|to| to.trace_id == span.trace_id);
    let parent = of_trace()
        .find(|to| to.is_child_of())
        .or_else(|| of_trace().find(|to| to.is_follows_from()));
    out.parent_span_id = parent.map_or([0; 8], |parent| parent.span_id);
    for to in &references {
        if to.is_child_of() && to.span_id == out.parent_span_id {
            continue;
        }
        let mut attributes = Attributes::default();
        let kind = match to.is_child_of() {
            true => "child_of",
            false => "follows_from",
        };
        attributes.put("opentracing.ref_type", kind);
        out.children.push_link(&Link {
            trace_id: to.trace_id,
            span_id: to.span_id,
            attributes,
            ..Default::default()
        });
    }
    Ok(())
}
