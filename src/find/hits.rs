//! Which items of a record hold a hash.

use std::collections::BTreeSet;

use bus::Fetched;
use schemas::Signal;
use schemas::otlp::{Item, Items};

use super::needles::Needles;
use crate::stored::trace_id;

/// A hash in an item, or in what stands round it.
#[derive(Debug)]
pub struct Hit<'r> {
    pub needle: usize,
    pub signal: Signal,
    /// `None`: it belongs to none.
    pub trace_id: Option<[u8; 16]>,
    pub record: &'r Fetched,
}

/// Each hash, with each trace of the record that holds it; once for all items without a trace.
pub fn hits<'r>(signal: Signal, record: &'r Fetched, needles: &Needles) -> Vec<Hit<'r>> {
    // Text stands in a record as it is, so nearly all records are done with here.
    let within = needles.within(&record.value);
    if within.is_empty() {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    // Items of a scope follow each other: what stands round them is looked at once.
    let (mut head, mut around) = (None, BTreeSet::new());
    for item in Items::new(&record.value).map_while(Result::ok) {
        let place = (item.resource.index, item.scope.index);
        if head != Some(place) {
            head = Some(place);
            around = in_head(&item, needles);
        }
        let inside = needles.within(item.body);
        let id: Option<[u8; 16]> = trace_id(signal, item.body).and_then(|id| id.try_into().ok());
        found.extend(around.union(&inside).map(|needle| (*needle, id)));
    }
    for needle in within {
        // In a place that belongs to no item, such as a resource without any: the record is told.
        if !found.iter().any(|(found, _)| *found == needle) {
            found.insert((needle, None));
        }
    }
    let hit = |(needle, trace_id)| Hit {
        needle,
        signal,
        trace_id,
        record,
    };
    found.into_iter().map(hit).collect()
}

fn in_head(item: &Item<'_>, needles: &Needles) -> BTreeSet<usize> {
    let (mut resource, mut scope) = (Vec::new(), Vec::new());
    item.resource.write(&mut resource);
    item.scope.write(&mut scope);
    let mut found = needles.within(&resource);
    found.extend(needles.within(&scope));
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HASH: &str = "k1:0123456789abcdef";

    #[track_caller]
    fn check(signal: Signal, json: &str, expected: &[Option<u8>]) {
        let value = schemas::json::to_protobuf(signal, json.as_bytes()).unwrap();
        let record = Fetched {
            topic: "t".into(),
            partition: 0,
            offset: 0,
            timestamp_ms: 0,
            headers: Vec::new(),
            value: value.into(),
        };
        let other = "k1:ffffffffffffffff".to_owned();
        let needles = Needles::new(vec![other, HASH.to_owned()]).unwrap();
        let hits = hits(signal, &record, &needles);
        assert!(hits.iter().all(|hit| needles.hash(hit.needle) == HASH));
        let traces: Vec<_> = hits
            .iter()
            .map(|hit| hit.trace_id.map(|id| id[0]))
            .collect();
        assert_eq!(traces, expected);
    }

    fn span(trace: u8, name: &str) -> String {
        format!(
            r#"{{"traceId": "{:02x}{}", "name": "{name}"}}"#,
            trace,
            "00".repeat(15)
        )
    }

    fn spans(resource: &str, spans: &[String]) -> String {
        format!(
            r#"{{"resourceSpans": [{{"resource": {{"attributes": [{{"key": "user", "value": {{"stringValue": "{resource}"}}}}]}},
                "scopeSpans": [{{"spans": [{}]}}]}}, {{"scopeSpans": [{{"spans": [{}]}}]}}]}}"#,
            spans.join(","),
            span(9, "of another resource")
        )
    }

    #[test]
    fn traces_that_hold_it_are_told() {
        let some = [
            span(1, "plain"),
            span(2, HASH),
            span(2, HASH),
            span(3, HASH),
        ];
        check(Signal::Traces, &spans("nobody", &some), &[Some(2), Some(3)]);
        let all = [span(1, "plain"), span(2, "plain")];
        check(Signal::Traces, &spans(HASH, &all), &[Some(1), Some(2)]);
        check(Signal::Traces, &spans("nobody", &all), &[]);
    }

    #[test]
    fn logs_without_a_trace_are_told_by_their_record() {
        let log = |body: &str| format!(r#"{{"body": {{"stringValue": "{body}"}}}}"#);
        let logs = [log(HASH), log("plain"), log(HASH)].join(",");
        let json =
            format!(r#"{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{logs}]}}]}}]}}"#);
        check(Signal::Logs, &json, &[None]);
    }
}
