//! One record under the eyes of the detectors.

use bus::Fetched;
use schemas::Signal;
use schemas::otlp::{AnyValue, Place, ResourceHead, Text, Texts, each_text};

use super::judge::Judge;
use super::paths::{Path, without_findings};
use super::rows::{Hit, Rows};
use super::sample::Sample;
use crate::stored::plain;

const SERVICE_CHARS_MAX: usize = 80;
/// Where no resource says which.
const NO_SERVICE: &str = "(no service.name)";

pub struct Survey<'s> {
    judge: &'s Judge,
    sample: Sample,
    signal: Signal,
    record: &'s Fetched,
    record_taken: bool,
    rows: &'s mut Rows,
    service: String,
    /// What stands round items counts with each item that is looked at: of the resource, and of the scope.
    around: [Vec<Around>; 2],
    level: Level,
}

/// Something that was found round items.
struct Around {
    path: Path,
    detector: String,
    value: Vec<u8>,
    /// How often, until the first item took it over.
    findings: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Resource,
    Scope,
    Item,
}

impl<'s> Survey<'s> {
    pub fn new(
        judge: &'s Judge,
        sample: Sample,
        signal: Signal,
        record: &'s Fetched,
        rows: &'s mut Rows,
    ) -> Self {
        Self {
            judge,
            sample,
            signal,
            record,
            record_taken: sample.takes_record(record),
            rows,
            service: String::new(),
            around: Default::default(),
            level: Level::Resource,
        }
    }

    /// Looks at the record, as far as it is in the sample.
    pub fn record(&mut self) {
        let value = &self.record.value;
        let mut items = schemas::otlp::Items::new(value).map_while(Result::ok);
        let taken = |body: &[u8]| (self.sample).takes_item(self.signal, body, self.record_taken);
        if !self.record_taken && !items.any(|item| taken(item.body)) {
            return;
        }
        if each_text(self.signal, value, self).is_err() {
            self.rows.add_unreadable();
        }
    }

    fn found(&mut self, place: &Place<'_, '_>, detector: &str, value: &[u8]) {
        let path = Path::of(place, self.judge);
        let around = match self.level {
            Level::Resource => &mut self.around[0],
            Level::Scope => &mut self.around[1],
            Level::Item => {
                let hit = Hit {
                    path: &path,
                    detector,
                    value,
                };
                let time_ms = self.record.timestamp_ms;
                (self.rows).add(&self.service, self.signal, time_ms, &hit, 1);
                return;
            }
        };
        let same = around
            .iter_mut()
            .find(|around| around.path == path && around.detector == detector);
        match same {
            Some(around) => around.findings += 1,
            None => around.push(Around {
                path,
                detector: detector.to_owned(),
                value: value.to_vec(),
                findings: 1,
            }),
        }
    }
}

impl<'a> Texts<'a> for Survey<'_> {
    fn resource(&mut self, message: &'a [u8]) {
        self.level = Level::Resource;
        self.around.iter_mut().for_each(Vec::clear);
        let attributes = ResourceHead::new(message, 0).attributes();
        let named = attributes
            .map_while(Result::ok)
            .filter(|attribute| attribute.key == b"service.name")
            .filter_map(|attribute| match attribute.value {
                AnyValue::String(name) => Some(name),
                _ => None,
            })
            .last();
        self.service = match named {
            Some(name) => plain(&without_findings(name, self.judge), SERVICE_CHARS_MAX),
            None => NO_SERVICE.to_owned(),
        };
    }

    fn scope(&mut self) {
        self.level = Level::Scope;
        self.around[1].clear();
    }

    fn item(&mut self, body: &'a [u8]) -> bool {
        self.level = Level::Item;
        let sample = self.sample;
        if !sample.takes_item(self.signal, body, self.record_taken) {
            return false;
        }
        self.rows.begin_item(&self.service, self.signal);
        for around in self.around.iter_mut().flatten() {
            let hit = Hit {
                path: &around.path,
                detector: &around.detector,
                value: &around.value,
            };
            let (time_ms, findings) = (self.record.timestamp_ms, around.findings);
            (self.rows).add(&self.service, self.signal, time_ms, &hit, findings);
            around.findings = 0;
        }
        true
    }

    fn text(&mut self, place: Place<'_, 'a>, text: Text<'a>) {
        let judge = self.judge;
        let pii = judge.pii();
        let number = match text {
            Text::Int(number) => number.to_string(),
            Text::Double(number) => number.to_string(),
            Text::Bytes(_) => String::new(),
        };
        let (findings, text) = match text {
            // A key is no value under itself, and what a map's key stands under says nothing of it.
            Text::Bytes(text) if place.is_key => (pii.find(b"", text), text),
            Text::Bytes(text) => (pii.find_under(place.keys, text), text),
            _ => (pii.find_number(place.keys, &number), number.as_bytes()),
        };
        // That of a schema is the protocol's own, and `mask` leaves it as it is.
        let is_own = |detector: &str| place.field == "schemaUrl" && detector == "url";
        for finding in findings
            .into_iter()
            .filter(|finding| !is_own(finding.detector))
        {
            self.found(&place, finding.detector, &text[finding.place]);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use enrich::{RawConfig, RawPii};
    use redact::pii::Pack;
    use runtime::config::Problems;

    use super::*;

    fn judge() -> Judge {
        let config = RawConfig::default().validate("", &mut Problems::new());
        Judge::new(&RawPii::default(), &config, &Pack::ALL).unwrap()
    }

    /// Rows as `path detector findings items`.
    #[track_caller]
    fn check(signal: Signal, json: &str, items: u64, expected: &[&str]) {
        let record = Fetched {
            topic: "t".into(),
            partition: 0,
            offset: 0,
            timestamp_ms: 7,
            headers: Vec::new(),
            value: schemas::json::to_protobuf(signal, json.as_bytes())
                .unwrap()
                .into(),
        };
        let (judge, all) = (judge(), "100%".parse().unwrap());
        let mut rows = Rows::new(100);
        Survey::new(&judge, all, signal, &record, &mut rows).record();
        let sorted = rows.sorted();
        let lines: Vec<_> = (sorted.iter())
            .map(|(key, row)| {
                let (path, detector) = (&key.path.text, &key.detector);
                format!("{path} {detector} {} {}", row.findings, row.items)
            })
            .collect();
        assert_eq!(lines, expected);
        assert_eq!((rows.items(signal), rows.unreadable()), (items, 0));
        let names = sorted.iter().map(|(key, _)| &*key.service);
        assert!(
            names
                .into_iter()
                .all(|name| name == "s" || name == NO_SERVICE)
        );
    }

    /// What is round items counts with each of them, and the schema's URL not at all.
    #[test]
    fn findings_have_places() {
        check(
            Signal::Traces,
            r#"{"resourceSpans": [{
                "schemaUrl": "https://opentelemetry.io/schemas/1.21.0",
                "resource": {"attributes": [
                    {"key": "service.name", "value": {"stringValue": "s"}},
                    {"key": "owner", "value": {"stringValue": "ann@example.org and bob@example.org"}}
                ]},
                "scopeSpans": [{"spans": [
                    {"name": "to ann@example.org", "attributes": [{"key": "ann@example.org", "value": {"stringValue": "plain"}}]},
                    {"name": "plain", "links": [{"attributes": [{"key": "k", "value": {"stringValue": "ann@example.org"}}]}]}
                ]}]
            }]}"#,
            2,
            &[
                "resource owner email 2 2",
                "link k email 1 1",
                "span attribute key email 1 1",
                "span name email 1 1",
            ],
        );
    }

    /// Numbers are looked at under keys that say what they are.
    #[test]
    fn numbers_need_a_key() {
        let attribute = |key: &str| {
            format!(r#"{{"key": "{key}", "value": {{"intValue": "4111111111111111"}}}}"#)
        };
        let attributes = [attribute("card_number"), attribute("bytes")].join(",");
        check(
            Signal::Logs,
            &format!(
                r#"{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{{"attributes": [{attributes}]}}]}}]}}]}}"#
            ),
            1,
            &["card_number pan 1 1"],
        );
    }
}
