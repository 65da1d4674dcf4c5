//! OTLP JSON, both ways. What is read is protobuf that everybody takes, comes back from JSON as it was, and every item is taken or counted.
//!
//! The first byte is the signal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use schemas::Signal;
use schemas::json::{from_protobuf, mend, mended_len, read_request, to_protobuf};
use schemas::otlp::{Items, check_request};

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    let Some((signal, json)) = bytes.split_first() else {
        return;
    };
    let signal = Signal::ALL[usize::from(signal % 3)];
    check_mending(json);
    if let Ok(translated) = read_request(signal, json) {
        assert_eq!(check_request(signal, &translated.request), Ok(()));
        let items = Items::new(&translated.request).count() as u64;
        assert_eq!(translated.taken, items);
        if translated.fault.is_none() {
            let whole = to_protobuf(signal, json).expect("what has no fault");
            assert_eq!(whole, translated.request);
            assert_eq!(
                translated.rejected.items, 0,
                "rejected, and nobody says why"
            );
        }
    }
    if let Ok(request) = to_protobuf(signal, json) {
        there_and_back(signal, &request);
    }
    // As protobuf, for the way out.
    match from_protobuf(signal, json, &mut Vec::new()) {
        Ok(()) => there_and_back(signal, json),
        Err(_) => assert!(
            check_request(signal, json).is_err(),
            "no JSON for a sound request"
        ),
    }
});

/// JSON that is sound stays as it is, mended or not.
fn check_mending(json: &[u8]) {
    let mended = mend(json);
    let stays = |json: &[u8]| {
        let sound = serde_json::from_slice::<serde_json::Value>(json).is_ok();
        assert!(!sound || mend(json).is_none(), "sound, and mended");
    };
    stays(json);
    if let Some(mended) = &mended {
        assert!(mended.len() <= mended_len(json));
        stays(mended);
    }
}

fn there_and_back(signal: Signal, request: &[u8]) {
    let as_json = |bytes: &[u8]| {
        let mut text = Vec::new();
        from_protobuf(signal, bytes, &mut text).expect("what was read");
        text
    };
    let read = to_protobuf(signal, &as_json(request)).expect("what we wrote");
    // Protobuf can say what is so anyway, such as an empty `schema_url`; JSON says it once, and then no more.
    let text = as_json(&read);
    let again = to_protobuf(signal, &text).expect("what we wrote");
    assert!(read == again, "{}", String::from_utf8_lossy(&text));
    if check_request(signal, request).is_ok() {
        let (before, after) = (by_prost(signal, request), by_prost(signal, &read));
        // As JSON: it has one NaN, protobuf has many.
        assert!(as_json(&before) == as_json(&after));
    }
}

/// As prost reads and writes it.
fn by_prost(signal: Signal, request: &[u8]) -> Vec<u8> {
    fn again<M: Message + Default>(request: &[u8]) -> Vec<u8> {
        M::decode(request).expect("a sound request").encode_to_vec()
    }
    match signal {
        Signal::Traces => again::<ExportTraceServiceRequest>(request),
        Signal::Logs => again::<ExportLogsServiceRequest>(request),
        Signal::Metrics => again::<ExportMetricsServiceRequest>(request),
    }
}
