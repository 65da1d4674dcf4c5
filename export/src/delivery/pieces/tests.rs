//! Batches that are refused in parts.
#![allow(clippy::unwrap_used)]

use bus::Fetched;
use proptest::prelude::*;

use super::*;
use crate::config::RetryPolicy;

fn backoff() -> Backoff {
    Backoff::new(RetryPolicy {
        initial_interval: std::time::Duration::from_secs(1),
        randomization_factor: 0.0,
        multiplier: 1.0,
        max_interval: std::time::Duration::from_secs(1),
        max_elapsed_time: None,
        poison_after: std::time::Duration::from_secs(1),
    })
}

/// A record with a log record for each name, each in a scope of its own.
fn entry(offset: u64, names: &[String]) -> Entry {
    let scopes: Vec<_> = (names.iter())
        .map(|name| {
            format!(r#"{{"scope":{{"name":"{name}"}},"logRecords":[{{"severityText":"{name}"}}]}}"#)
        })
        .collect();
    let json = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{}]}}]}}"#,
        scopes.join(",")
    );
    let value = schemas::json::to_protobuf(Signal::Logs, json.as_bytes()).unwrap();
    Entry::new(Fetched {
        topic: "t".into(),
        partition: 0,
        offset,
        timestamp_ms: 0,
        headers: vec![],
        value: value.into(),
    })
}

fn names(value: &[u8]) -> Vec<String> {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use prost::Message;
    let request = ExportLogsServiceRequest::decode(value).unwrap();
    let scopes = request
        .resource_logs
        .iter()
        .flat_map(|resource| &resource.scope_logs);
    scopes
        .map(|scope| {
            let name = &scope.scope.as_ref().unwrap().name;
            assert_eq!(scope.log_records.len(), 1);
            assert_eq!(*name, scope.log_records[0].severity_text);
            name.clone()
        })
        .collect()
}

proptest! {
    /// A backend that takes a request unless something bad is in it gets all that is good, once; each record with something bad in it is
    /// one dead letter that holds just that; every record is settled once.
    #[test]
    fn what_is_bad_stands_alone(records in prop::collection::vec(prop::collection::vec(any::<bool>(), 1..9), 1..6)) {
        let name = |record: usize, item: usize| format!("{record}-{item}");
        let entries = records.iter().enumerate().map(|(record, items)| {
            let names: Vec<_> = (0..items.len()).map(|item| name(record, item)).collect();
            entry(record as u64, &names)
        });
        let is_bad = |name: &String| {
            let (record, item) = name.split_once('-').unwrap();
            !records[record.parse::<usize>().unwrap()][item.parse::<usize>().unwrap()]
        };
        let mut pieces = Pieces::new(Signal::Logs, entries.collect(), backoff());
        let (mut taken, mut settled, mut offers) = (Vec::new(), Vec::new(), 0);
        while let Some(piece) = pieces.next() {
            offers += 1;
            let values = piece.batch.entries.iter().map(|entry| entry.record.value.clone());
            let offered: Vec<_> = values.flat_map(|value| names(&value)).collect();
            if !offered.iter().any(is_bad) {
                taken.extend(offered);
                settled.extend(pieces.done(piece, None));
            } else if let Err(piece) = pieces.split(piece) {
                settled.extend(pieces.done(*piece, Some("bad")));
            }
        }
        let all = records.iter().enumerate().flat_map(|(record, items)| (0..items.len()).map(move |item| name(record, item)));
        let (bad, mut good): (Vec<_>, Vec<_>) = all.partition(is_bad);
        prop_assert!(offers <= 2 * (bad.len() + good.len()));
        taken.sort();
        good.sort();
        prop_assert_eq!(taken, good);
        let mut offsets: Vec<_> = settled.iter().map(|settled| settled.entry.record.offset).collect();
        offsets.sort();
        prop_assert_eq!(offsets, (0..records.len() as u64).collect::<Vec<_>>());
        let mut dead = Vec::new();
        for Settled { entry, refused, .. } in &settled {
            let items = &records[entry.record.offset as usize];
            prop_assert_eq!(entry.items, items.len());
            let bad = items.iter().filter(|good| !**good).count();
            prop_assert_eq!(refused.as_ref().map_or(0, |refused| refused.items), bad);
            let Some(refused) = refused else { continue };
            prop_assert_eq!(refused.units.is_none(), bad == items.len());
            prop_assert_eq!(&*refused.reason, "bad");
            dead.extend(names(&refused.value));
        }
        dead.sort();
        prop_assert_eq!(dead, bad);
    }
}

#[test]
fn units_are_named_as_ranges() {
    let names: Vec<_> = (0..8).map(|item| item.to_string()).collect();
    let mut pieces = Pieces::new(
        Signal::Logs,
        Batch::from_iter([entry(7, &names)]),
        backoff(),
    );
    let mut settled = Vec::new();
    while let Some(piece) = pieces.next() {
        let names = names_of(&piece);
        let bad = |name: &String| ["2", "3", "6"].contains(&name.as_str());
        if !names.iter().any(bad) {
            settled.extend(pieces.done(piece, None));
        } else if let Err(piece) = pieces.split(piece) {
            settled.extend(pieces.done(*piece, Some("bad")));
        }
    }
    let refused = settled[0].refused.as_ref().unwrap();
    assert_eq!(refused.units.as_deref(), Some("2..4,6..7"));
    assert_eq!(settled.len(), 1);
}

fn names_of(piece: &Piece) -> Vec<String> {
    let values = piece.batch.entries.iter().map(|entry| &entry.record.value);
    values.flat_map(|value| names(value)).collect()
}

#[test]
fn a_single_item_in_doubt_lets_the_others_go_first() {
    let names: Vec<_> = ["a", "b"].map(str::to_owned).into();
    let mut pieces = Pieces::new(
        Signal::Logs,
        Batch::from_iter([entry(0, &names)]),
        backoff(),
    );
    let whole = pieces.next().unwrap();
    pieces.split(whole).unwrap();
    let mut first = pieces.next().unwrap();
    assert_eq!(names_of(&first), ["a"]);
    first.suspicion = Suspicion::known();
    pieces.put_back(first);
    assert!(!pieces.is_stuck());
    let second = pieces.next().unwrap();
    assert_eq!(names_of(&second), ["b"]);
    assert!(pieces.done(second, None).is_empty());
    assert!(pieces.is_stuck());
    let first = pieces.next().unwrap();
    let settled = pieces.done(first, Some("bad"));
    assert_eq!(settled[0].refused.as_ref().unwrap().items, 1);
}

#[test]
fn what_is_no_otlp_is_not_divided() {
    let mut broken = entry(0, &["a".to_owned(), "b".to_owned()]);
    broken.record.value = broken.record.value.slice(..broken.record.value.len() - 1);
    let broken = Entry::new(broken.record);
    let mut pieces = Pieces::new(Signal::Logs, Batch::from_iter([broken]), backoff());
    let piece = pieces.next().unwrap();
    assert!(!pieces.is_divisible(&piece));
    let piece = pieces.split(piece).unwrap_err();
    let settled = pieces.done(*piece, Some("not OTLP"));
    assert_eq!(settled[0].refused.as_ref().unwrap().units, None);
}
