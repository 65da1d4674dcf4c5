//! `ingest.filter`: items of a request that don't get onto the bus.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ottl::{Context, Draft, Fate, ItemFilter, Problems};
use schemas::Signal;
use schemas::otlp::{Item, Items};
use schemas::pack::Packer;

/// Conditions by signal.
#[derive(Debug, Default)]
pub struct Filter {
    conditions: ItemFilter,
}

/// What is left of a request.
#[derive(Debug, Default)]
pub struct Filtered {
    /// `None`: all of it, as it came.
    pub request: Option<Bytes>,
    pub counts: FilterCounts,
}

/// What conditions came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterCounts {
    /// Items that were taken out.
    pub dropped: u64,
    /// Conditions that failed, and so took nothing out.
    pub errors: u64,
}

impl Filter {
    /// Adds a condition.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn add(
        &mut self,
        signal: Signal,
        context: Context,
        text: &str,
    ) -> Result<(), Vec<(usize, Problems)>> {
        self.conditions.add(signal, context, text)
    }

    /// Whether any condition is about the signal.
    pub fn concerns(&self, signal: Signal) -> bool {
        self.conditions.concerns(signal)
    }

    /// Applies all conditions to a request that nobody has checked yet: what can't be read stays, to be refused by who checks it, and so does an item of
    /// more than `item_bytes_max`. Of an item, what its parts are asked may take some twenty times its size for the moment.
    pub fn apply(&self, signal: Signal, request: &[u8], item_bytes_max: usize) -> Filtered {
        if !self.concerns(signal) {
            return Filtered::default();
        }
        let mut draft = draft(signal);
        let mut counts = FilterCounts::default();
        let mut left: Option<Packer> = None;
        let mut body = Vec::new();
        for (number, item) in Items::new(request).enumerate() {
            let Ok(item) = item else {
                return Filtered::default();
            };
            let (fate, errors) = match item.body.len() <= item_bytes_max {
                true if draft.enter(&item).is_ok() => self.conditions.ask(signal, &mut draft),
                _ => (Fate::Stays, 0),
            };
            counts.errors += errors;
            if fate == Fate::Stays && left.is_none() {
                continue;
            }
            let packer = left.get_or_insert_with(|| first(request, number));
            match fate {
                Fate::Goes => counts.dropped += 1,
                Fate::Stays => packer.push(&item),
                Fate::Changed => {
                    body.clear();
                    match draft.write_item(&mut body) {
                        Ok(()) => packer.push(&Item {
                            body: &body,
                            ..item
                        }),
                        Err(_) => packer.push(&item),
                    }
                }
            }
        }
        Filtered {
            request: left.map(|mut packer| packer.finish()),
            counts,
        }
    }
}

/// An item of it is published now, or soon.
fn draft<'a>(signal: Signal) -> Draft<'a> {
    let mut draft = Draft::new(signal);
    if let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) {
        draft.set_published(now.as_nanos() as u64);
    }
    draft
}

/// The first so many items, as they came.
fn first(request: &[u8], count: usize) -> Packer {
    let mut packer = Packer::new();
    packer.begin_source();
    for item in Items::new(request).take(count).map_while(Result::ok) {
        packer.push(&item);
    }
    packer
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ITEM_BYTES_MAX: usize = 1 << 20;

    fn request(signal: Signal, request: &Value) -> Vec<u8> {
        let json = serde_json::to_vec(request).unwrap();
        schemas::json::to_protobuf(signal, &json).unwrap()
    }

    #[track_caller]
    fn check(
        signal: Signal,
        conditions: &[(Context, &str)],
        before: &Value,
        after: &Value,
        dropped: u64,
    ) {
        let mut filter = Filter::default();
        for (context, text) in conditions {
            filter.add(signal, *context, text).unwrap();
        }
        let filtered = filter.apply(signal, &request(signal, before), ITEM_BYTES_MAX);
        let mut json = Vec::new();
        let left = filtered.request.unwrap();
        schemas::json::from_protobuf(signal, &left, &mut json).unwrap();
        let left: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!((&left, filtered.counts.dropped), (after, dropped));
    }

    fn logs(resources: &[(&str, &[Value])]) -> Value {
        let resource = |(service, records): &(&str, &[Value])| {
            json!({
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeLogs": [{"scope": {"name": "s"}, "logRecords": records}],
            })
        };
        json!({"resourceLogs": resources.iter().map(resource).collect::<Vec<_>>()})
    }

    fn record(severity: u8) -> Value {
        json!({"severityNumber": severity, "body": {"stringValue": "b"}})
    }

    #[test]
    fn items_go_with_what_they_stand_in() {
        let before = logs(&[
            ("a", &[record(17), record(5), record(9)]),
            ("noise", &[record(17)]),
        ]);
        let conditions = [
            (Context::Log, "log.severity_number < SEVERITY_NUMBER_INFO"),
            (
                Context::Resource,
                r#"resource.attributes["service.name"] == "noise""#,
            ),
        ];
        let after = logs(&[("a", &[record(17), record(9)])]);
        check(Signal::Logs, &conditions, &before, &after, 2);
        check(
            Signal::Logs,
            &[(Context::Log, "true")],
            &before,
            &json!({}),
            4,
        );
    }

    #[test]
    fn data_points_go_one_by_one_and_a_metric_without_them() {
        let point = |value: &str| json!({"asInt": value});
        let metrics = |metrics: &[(&str, &[Value])]| {
            let metric = |(name, points): &(&str, &[Value])| json!({"name": name, "gauge": {"dataPoints": points}});
            let metrics = metrics.iter().map(metric).collect::<Vec<_>>();
            json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]})
        };
        check(
            Signal::Metrics,
            &[
                (Context::DataPoint, "datapoint.value_int == 0"),
                (Context::Metric, r#"metric.name == "noise""#),
            ],
            &metrics(&[
                ("m", &[point("0"), point("1")]),
                ("zero", &[point("0")]),
                ("noise", &[point("1")]),
            ]),
            &metrics(&[("m", &[point("1")])]),
            2,
        );
    }

    #[test]
    fn what_fails_or_cannot_be_read_stays() {
        let mut filter = Filter::default();
        let fails = r#"ParseJSON(log.severity_text)["a"] == 1"#;
        filter.add(Signal::Logs, Context::Log, fails).unwrap();
        let sound = request(Signal::Logs, &logs(&[("a", &[record(9)])]));
        let filtered = filter.apply(Signal::Logs, &sound, ITEM_BYTES_MAX);
        assert!(filtered.request.is_none());
        assert_eq!((filtered.counts.dropped, filtered.counts.errors), (0, 1));
        let mut broken = sound.clone();
        broken.extend_from_slice(&[0x0a, 0xff]);
        let filtered = filter.apply(Signal::Logs, &broken, ITEM_BYTES_MAX);
        assert!(filtered.request.is_none() && filtered.counts.dropped == 0);
        assert!(
            filter
                .apply(Signal::Traces, &sound, ITEM_BYTES_MAX)
                .request
                .is_none()
        );
    }

    /// A data point of two bytes, half a million of them, each condition taking some: neither time nor memory runs away.
    #[test]
    fn many_points_take_no_time() {
        let empty = [0x0a, 0].repeat(400_000);
        let (mut gauge, mut scope, mut resource, mut all) = (vec![], vec![], vec![], vec![]);
        schemas::wire::put_len(&mut gauge, 5, &empty);
        schemas::wire::put_len(&mut scope, 2, &gauge);
        schemas::wire::put_len(&mut resource, 2, &scope);
        schemas::wire::put_len(&mut all, 1, &resource);
        let mut filter = Filter::default();
        for text in [
            "false",
            "datapoint.value_int == 1",
            "datapoint.value_int == 0",
        ] {
            filter
                .add(Signal::Metrics, Context::DataPoint, text)
                .unwrap();
        }
        assert_eq!(
            filter
                .apply(Signal::Metrics, &all, ITEM_BYTES_MAX)
                .counts
                .dropped,
            1
        );
        let filtered = filter.apply(Signal::Metrics, &all, 1000);
        assert!(filtered.request.is_none(), "no record can hold it");
    }
}
