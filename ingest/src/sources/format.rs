//! What the records of a topic may hold, by the names that the Collector's Kafka receiver gives its encodings.

use bytes::Bytes;
use schemars::JsonSchema;
use schemas::Signal;
use schemas::json::{self, JsonError};
use serde::{Deserialize, Serialize};

use crate::foreign::{jaeger, zipkin};
use crate::records::is_foreign;

/// How the records of a topic are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An OTLP export request as protobuf: what Tailwater's own topics hold.
    #[default]
    OtlpProto,
    /// An OTLP export request in JSON.
    OtlpJson,
    /// One span of Jaeger's `model.proto`.
    JaegerProto,
    /// The same in protobuf's JSON.
    JaegerJson,
    /// A list of Zipkin spans, as protobuf.
    ZipkinProto,
    /// A list of Zipkin spans in JSON, version 2.
    ZipkinJson,
}

impl Format {
    /// As in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::OtlpProto => "otlp_proto",
            Self::OtlpJson => "otlp_json",
            Self::JaegerProto => "jaeger_proto",
            Self::JaegerJson => "jaeger_json",
            Self::ZipkinProto => "zipkin_proto",
            Self::ZipkinJson => "zipkin_json",
        }
    }

    /// Whether the format has this signal: Jaeger and Zipkin know only spans.
    pub fn has(self, signal: Signal) -> bool {
        matches!(self, Self::OtlpProto | Self::OtlpJson) || signal == Signal::Traces
    }

    /// A record as an OTLP request in protobuf, the whole of it or nothing.
    ///
    /// # Errors
    /// What is wrong, and where in the record.
    ///
    /// ```
    /// use ingest::Format;
    /// use schemas::{Signal, otlp::Items};
    ///
    /// let record = br#"[{"traceId": "1", "id": "2", "name": "get", "timestamp": 1000, "duration": 5}]"#;
    /// let request = Format::ZipkinJson.to_otlp(Signal::Traces, &record[..].into())?;
    /// assert_eq!(Items::new(&request).count(), 1);
    /// # Ok::<(), String>(())
    /// ```
    pub fn to_otlp(self, signal: Signal, record: &Bytes) -> Result<Bytes, String> {
        let read = match self {
            // Whoever splits it reads it.
            Self::OtlpProto if is_foreign(record) => {
                return Err("it has fields, and none of them is OTLP's".to_owned());
            }
            Self::OtlpProto => return Ok(record.clone()),
            Self::OtlpJson => return otlp_json(signal, record),
            Self::JaegerProto => jaeger::from_protobuf(record),
            Self::JaegerJson => jaeger::from_json(record),
            Self::ZipkinProto => zipkin::from_protobuf(record),
            Self::ZipkinJson => zipkin::from_json(record),
        };
        read.map(Bytes::from).map_err(|error| error.to_string())
    }
}

/// All or nothing; names that OTLP doesn't have are ignored, unless there is nothing else.
fn otlp_json(signal: Signal, record: &[u8]) -> Result<Bytes, String> {
    let read = match json::read_request(signal, record) {
        Err(JsonError::Syntax(error)) => match json::mend(record) {
            Some(mended) => json::read_request(signal, &mended),
            None => Err(error.into()),
        },
        read => read,
    };
    let translated = read.map_err(|error| error.to_string())?;
    match (translated.fault, &translated.unknown[..]) {
        (Some(fault), _) => Err(fault.to_string()),
        (None, [first, ..]) if translated.taken == 0 => Err(first.clone()),
        (None, _) => Ok(translated.request.into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ALL: [Format; 6] = [
        Format::OtlpProto,
        Format::OtlpJson,
        Format::JaegerProto,
        Format::JaegerJson,
        Format::ZipkinProto,
        Format::ZipkinJson,
    ];

    #[test]
    fn names_are_those_of_the_configuration() {
        for format in ALL {
            let written = serde_json::to_value(format).unwrap();
            assert_eq!(written, format.name());
        }
    }

    /// Whatever stands in a record, reading it ends, and takes or refuses it.
    #[test]
    fn no_record_is_too_broken_to_refuse() {
        let broken: [&[u8]; 8] = [
            b"{",
            b"[",
            b"\xff\xff\xff\xff",
            b"[[[[{}]]]]",
            b"[{\"tags\":{\"a\":1}}]",
            b"{\"tags\":[{\"vType\":\"NONE\"}]}",
            b"\x0a\x01\x00",
            b"nothing of the kind",
        ];
        for record in broken {
            for format in &ALL[1..] {
                let read = format.to_otlp(Signal::Traces, &Bytes::from_static(record));
                assert!(read.is_err(), "{}: {record:?}", format.name());
            }
        }
        let deep = Bytes::from("[".repeat(100_000));
        for format in &ALL[1..] {
            assert!(format.to_otlp(Signal::Traces, &deep).is_err());
        }
    }
}
