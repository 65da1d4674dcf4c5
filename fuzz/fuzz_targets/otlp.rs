//! The views over OTLP bytes against prost, whatever the bytes are: the same items with the same fields, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{check_any, check_log, check_span, is_group, walk};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use schemas::Signal;
use schemas::otlp::{AnyValue, LogView, SpanView};

#[path = "../../schemas/tests/it/model.rs"]
mod model;

fuzz_target!(init: tailwater_fuzz::keep_overflowing_inputs(), |bytes: &[u8]| {
    for signal in Signal::ALL {
        check_any(signal, bytes);
    }
    for (_, _, item) in walk(bytes).unwrap_or_default() {
        views(&item);
    }
    views(bytes);
    let _ = AnyValue::parse(bytes);
});

/// As what an item may be.
fn views(item: &[u8]) {
    if let Ok(span) = Span::decode(item)
        && let Err(error) = check_span(item, &span)
    {
        assert!(is_group(error), "{error} in a span that prost reads");
    }
    if let Ok(log) = LogRecord::decode(item)
        && let Err(error) = check_log(item, &log)
    {
        assert!(is_group(error), "{error} in a log record that prost reads");
    }
    // What prost refuses is read as far as it goes.
    if let Ok(span) = SpanView::parse(item) {
        let _ = span.attributes().count();
        for event in span.events().map_while(Result::ok) {
            let _ = event.attributes().count();
        }
    }
    let _ = LogView::parse(item).map(|log| log.attributes().count());
}
