//! Zipkin's messages, read in place. Source: `zipkin.proto` of <https://github.com/openzipkin/zipkin-api>.

use std::collections::BTreeMap;

use super::super::fields::{bytes, each_field, fixed64, id8, id16, text, varint};
use super::super::malformed::Malformed;

#[derive(Debug, Default)]
pub struct Span<'a> {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub parent_id: [u8; 8],
    pub kind: u64,
    pub name: &'a str,
    /// Microseconds since the epoch; 0 where there is none.
    pub timestamp: u64,
    /// In microseconds.
    pub duration: u64,
    pub local: Endpoint<'a>,
    pub remote: Endpoint<'a>,
    pub annotations: Vec<&'a [u8]>,
    pub tags: BTreeMap<&'a str, &'a str>,
}

impl<'a> Span<'a> {
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut span = Self::default();
        each_field(message, |field| {
            match field.number {
                1 => span.trace_id = id16(&field, "trace_id")?,
                // Empty is none.
                2 if field.len_value() != Ok(&[]) => span.parent_id = id8(&field, "parent_id")?,
                3 => span.span_id = id8(&field, "id")?,
                4 => span.kind = varint(&field, "kind")?,
                5 => span.name = text(&field, "name")?,
                6 => span.timestamp = fixed64(&field, "timestamp")?,
                7 => span.duration = varint(&field, "duration")?,
                8 => span.local = Endpoint::read(bytes(&field, "local_endpoint")?)?,
                9 => span.remote = Endpoint::read(bytes(&field, "remote_endpoint")?)?,
                10 => span.annotations.push(bytes(&field, "annotations")?),
                11 => {
                    let (key, value) = tag(bytes(&field, "tags")?)?;
                    span.tags.insert(key, value);
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(span)
    }
}

/// An entry of protobuf's map.
fn tag(message: &[u8]) -> Result<(&str, &str), Malformed> {
    let (mut key, mut value) = ("", "");
    each_field(message, |field| {
        match field.number {
            1 => key = text(&field, "key")?,
            2 => value = text(&field, "value")?,
            _ => {}
        }
        Ok(())
    })
    .map_err(|error| error.within("tags"))?;
    Ok((key, value))
}

/// A host; empty where nothing is known of it.
#[derive(Debug, Default)]
pub struct Endpoint<'a> {
    pub service: &'a str,
    pub ipv4: &'a [u8],
    pub ipv6: &'a [u8],
    pub port: u16,
}

impl<'a> Endpoint<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut endpoint = Self::default();
        each_field(message, |field| {
            match field.number {
                1 => endpoint.service = text(&field, "service_name")?,
                2 => endpoint.ipv4 = bytes(&field, "ipv4")?,
                3 => endpoint.ipv6 = bytes(&field, "ipv6")?,
                4 => endpoint.port = varint(&field, "port")? as u16,
                _ => {}
            }
            Ok(())
        })
        .map_err(|error| error.within("endpoint"))?;
        Ok(endpoint)
    }
}

#[derive(Debug, Default)]
pub struct Annotation<'a> {
    /// Microseconds since the epoch.
    pub timestamp: u64,
    pub value: &'a str,
}

impl<'a> Annotation<'a> {
    pub fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut annotation = Self::default();
        each_field(message, |field| {
            match field.number {
                1 => annotation.timestamp = fixed64(&field, "timestamp")?,
                2 => annotation.value = text(&field, "value")?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(annotation)
    }
}
