//! Zipkin's spans as OTLP. Source: `pkg/translator/zipkin/zipkinv2/to_translator.go` of the Collector's contrib repository.
//!
//! The Collector gives all spans of one service in a record the resource and scope of one of them. Here each span has its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::attributes::{Attributes, Value};
use super::super::fields::{bytes, each_field};
use super::super::malformed::Malformed;
use super::super::otlp::{self, Code, Kind, Status};
use super::embedded::{event, link};
use super::model::{Annotation, Endpoint, Span};
use super::resource::{resource, scope};

const TRACE_STATE: &str = "w3c.tracestate";
const SPAN_KIND: &str = "span.kind";
const STATUS_CODE: &str = "otel.status_code";
const STATUS_DESCRIPTION: &str = "otel.status_description";
const ERROR: &str = "error";
/// Says that a span came without a start.
const START_ABSENT: &str = "otel.zipkin.absentField.startTime";
const LINKS_MAX: usize = 128;

/// What a record was written in: absent times mean different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Protobuf,
    Json,
}

/// A list of spans as an OTLP request.
pub fn translate(spans: &[u8], form: Form) -> Result<Vec<u8>, Malformed> {
    let mut request = Vec::with_capacity(spans.len());
    let mut index = 0;
    each_field(spans, |field| {
        if field.number == 1 {
            let span = bytes(&field, "spans")?;
            one(span, form, &mut request)
                .map_err(|error| error.within(format_args!("spans[{index}]")))?;
            index += 1;
        }
        Ok(())
    })?;
    Ok(request)
}

fn one(span: &[u8], form: Form, request: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut span = Span::read(span)?;
    let mut tags = std::mem::take(&mut span.tags);
    let mut out = otlp::Span {
        resource: resource(span.local.service, &mut tags),
        scope: scope(&mut tags),
        trace_id: span.trace_id,
        span_id: span.span_id,
        trace_state: tags.remove(TRACE_STATE).unwrap_or_default().into(),
        name: span.name.into(),
        kind: kind(span.kind, &mut tags),
        status: status(&mut tags),
        ..Default::default()
    };
    // Some clients name the root as its own parent.
    if span.parent_id != span.span_id {
        out.parent_span_id = span.parent_id;
    }
    links(&mut tags, &mut out);
    for (key, value) in tags {
        out.attributes.put(key, value);
    }
    endpoints(&span, &mut out.attributes);
    if span.timestamp == 0 && form == Form::Json {
        out.attributes.put(START_ABSENT, Value::Bool(true));
    }
    // Modulo 2^64, as the Collector counts.
    out.start = span.timestamp.wrapping_mul(1000);
    out.end = out.start.wrapping_add(span.duration.wrapping_mul(1000));
    for (index, annotation) in span.annotations.iter().enumerate() {
        let within = |error: Malformed| error.within(format_args!("annotations[{index}]"));
        let annotation = Annotation::read(annotation).map_err(within)?;
        if annotation.timestamp == 0 && form == Form::Json {
            return Err(within(Malformed::new("it has no timestamp")));
        }
        let time = annotation.timestamp.wrapping_mul(1000);
        out.children.push_event(&event(time, annotation.value));
    }
    out.write(request);
    Ok(())
}

fn kind(kind: u64, tags: &mut BTreeMap<&str, &str>) -> Kind {
    match kind {
        1 => Kind::Client,
        2 => Kind::Server,
        3 => Kind::Producer,
        4 => Kind::Consumer,
        _ if tags.remove(SPAN_KIND) == Some("internal") => Kind::Internal,
        _ => Kind::Unspecified,
    }
}

fn status<'a>(tags: &mut BTreeMap<&'a str, &'a str>) -> Status<'a> {
    let mut status = Status::default();
    if let Some(code) = tags.remove(STATUS_CODE) {
        status.code = match code {
            "STATUS_CODE_OK" | "Ok" => Code::Ok,
            "STATUS_CODE_ERROR" | "Error" => Code::Error,
            _ => Code::Unset,
        };
        status.message = tags.remove(STATUS_DESCRIPTION).unwrap_or_default().into();
    }
    if let Some(error) = tags.get(ERROR) {
        status.code = Code::Error;
        // Any other text says which error it was.
        if *error == "true" {
            tags.remove(ERROR);
        }
    }
    status
}

fn links(tags: &mut BTreeMap<&str, &str>, out: &mut otlp::Span<'_>) {
    for index in 0..LINKS_MAX {
        let key = format!("otlp.link.{index}");
        let Some(text) = tags.get(&*key) else {
            return;
        };
        if let Some(link) = link(text) {
            out.children.push_link(&link);
            tags.remove(&*key);
        }
    }
}

fn endpoints(span: &Span<'_>, attributes: &mut Attributes<'_>) {
    let Span { local, remote, .. } = span;
    address("network.local.address", local, attributes);
    port("net.host.port", local, attributes);
    if !remote.service.is_empty() {
        attributes.put(
            "service.peer.name",
            Value::Text(remote.service.to_owned().into()),
        );
    }
    address("network.peer.address", remote, attributes);
    port("net.peer.port", remote, attributes);
}

/// The address of version 6 where there are both.
fn address(key: &'static str, endpoint: &Endpoint<'_>, attributes: &mut Attributes<'_>) {
    for address in [endpoint.ipv4, endpoint.ipv6] {
        if !address.is_empty() {
            attributes.put(key, Value::Text(ip_text(address).into()));
        }
    }
}

fn port(key: &'static str, endpoint: &Endpoint<'_>, attributes: &mut Attributes<'_>) {
    if endpoint.port > 0 {
        attributes.put(key, Value::Int(endpoint.port.into()));
    }
}

/// An address of any length, as Go writes it.
fn ip_text(address: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(address) {
        return Ipv4Addr::from(v4).to_string();
    }
    match <[u8; 16]>::try_from(address) {
        Ok(v6) => IpAddr::V6(Ipv6Addr::from(v6)).to_canonical().to_string(),
        Err(_) => format!("?{}", const_hex::encode(address)),
    }
}
