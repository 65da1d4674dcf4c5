//! Spans of Jaeger and Zipkin: any record is translated or refused, and what comes of it is OTLP that everybody takes.
//!
//! The first byte is the format, the rest a record.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use schemas::Signal;
use schemas::otlp::check_request;

#[path = "../../ingest/src/foreign/mod.rs"]
mod foreign;

/// A fault ends in a header of the dead letter.
const TOLD_BYTES_MAX: usize = 4096;

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let Some((format, record)) = bytes.split_first() else {
        return;
    };
    let translate = [
        foreign::jaeger::from_protobuf,
        foreign::jaeger::from_json,
        foreign::zipkin::from_protobuf,
        foreign::zipkin::from_json,
    ][usize::from(format % 4)];
    let translated = translate(record);
    assert_eq!(translated, translate(record), "otherwise the second time");
    match translated {
        Ok(request) => {
            assert_eq!(check_request(Signal::Traces, &request), Ok(()));
            ExportTraceServiceRequest::decode(&*request).expect("a sound request");
        }
        Err(malformed) => assert!(malformed.to_string().len() < TOLD_BYTES_MAX),
    }
});
