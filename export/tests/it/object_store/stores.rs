//! Stores of the clouds: what arrives there, and what is held when they refuse.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use schemas::Signal;
use tests::duckdb::Duckdb;
use tests::object_stores::{DEVELOPMENT_KEY, Store};

use super::{backend, files, s3, spans_in};
use crate::support::backend::{Answer, Backend, Received, http};
use crate::support::telemetry::spans;
use crate::support::{Running, all_committed, dead_letters, eventually, metric, open_bus, publish};

/// Why a backend isn't ready, once that says this.
fn trouble(running: &Running, name: &str, says: &str) {
    let mut last = String::new();
    eventually(says, || {
        let parts = running.health.parts();
        let part = parts.iter().find(|part| format!("{part:?}").contains(name));
        let said = format!("{part:?}");
        if said != last {
            // For whoever has to find out what it says instead.
            println!("{said}");
            last = said;
        }
        last.contains(says)
    });
}

/// A bucket that doesn't exist holds everything, says so, and gets it all once it is there.
#[test]
fn a_bucket_that_is_missing_is_waited_for() {
    let (Ok(duckdb), Ok(store)) = (Duckdb::find(), Store::s3()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    publish(&*bus, Signal::Traces, 0, [spans(0..7, 0)]);
    let keys = "roll: {interval: 1ms}";
    let running = Running::start(&bus, &[s3("missing", "missing", &store.endpoint(), keys)]);
    trouble(
        &running,
        "missing",
        "bucket `missing`: it doesn't exist there: create it",
    );
    store.create("missing");
    all_committed(&*bus, "missing", Signal::Traces);
    running.stop();
    let out = dir.path().join("out");
    store.download("missing", &out);
    assert_eq!(spans_in(&duckdb, &out), (7, 7));
    assert!(
        files(&out)[0].starts_with("a/b/traces/date="),
        "{:?}",
        files(&out)
    );
    assert_eq!(dead_letters(&*bus).len(), 0);
}

#[test]
fn azure_gets_everything_once_its_container_is_there() {
    let (Ok(duckdb), Ok(store)) = (Duckdb::find(), Store::azure()) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    publish(&*bus, Signal::Traces, 0, [spans(0..7, 0)]);
    publish(&*bus, Signal::Traces, 1, [spans(7..9, 0)]);
    let keys = format!(
        "endpoint: '{}', account: devstoreaccount1, login: {{account_key: '{DEVELOPMENT_KEY}'}}, roll: {{interval: 1ms}}",
        store.endpoint()
    );
    let running = Running::start(&bus, &[backend("azure", "az://spans/x", &keys)]);
    trouble(
        &running,
        "azure",
        "bucket `spans`: it doesn't exist there: create it",
    );
    store.create("spans");
    all_committed(&*bus, "azure", Signal::Traces);
    running.stop();
    let out = dir.path().join("out");
    store.download("spans", &out);
    assert_eq!(spans_in(&duckdb, &out), (9, 9));
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// The name of the object: its client escapes nearly everything in the address.
fn name_of(one: &Received) -> String {
    let escaped = [("%2F", "/"), ("%2D", "-"), ("%3D", "="), ("%2E", ".")];
    let path = one.path.clone();
    escaped
        .iter()
        .fold(path, |path, (from, to)| path.replace(from, to))
}

fn taken() -> Answer {
    Answer::Http(200, vec![("etag", "\"x\"".to_owned())], Bytes::new())
}

fn google(name: &str, store: &Backend, keys: &str) -> String {
    let keys = format!(
        "endpoint: 'http://{}', login: {{anonymous: true}}, {keys}",
        store.address
    );
    backend(name, "gs://google/x", &keys)
}

/// A stub: there is no server of Google's that takes what clients of XML send.
#[test]
fn google_may_be_slow_and_wrong_about_the_time() {
    let Ok(duckdb) = Duckdb::find() else { return };
    let mended = std::sync::Arc::new(AtomicUsize::new(0));
    let is_mended = mended.clone();
    let asked = AtomicUsize::new(0);
    let store = Backend::start(
        move |_: &Received| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::Http(503, vec![], "<Code>SlowDown</Code>".into()),
            1 => http(500),
            2 => Answer::Disconnect,
            _ if is_mended.load(Ordering::SeqCst) == 0 => {
                Answer::Http(403, vec![], "<Code>RequestTimeTooSkewed</Code>".into())
            }
            _ => taken(),
        },
    );
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    publish(&*bus, Signal::Traces, 0, [spans(0..7, 0)]);
    let running = Running::start(&bus, &[google("google", &store, "roll: {interval: 1ms}")]);
    trouble(&running, "google", "set this host's clock");
    mended.store(1, Ordering::SeqCst);
    all_committed(&*bus, "google", Signal::Traces);
    running.stop();
    let all = store.received();
    let last = all.last().unwrap();
    assert!(
        name_of(last).starts_with("/google/x/traces/date="),
        "{}",
        last.path
    );
    assert!(
        all.iter().all(|one| one.body == last.body),
        "each attempt is the same"
    );
    let out = dir.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("x.parquet"), &last.body).unwrap();
    assert_eq!(spans_in(&duckdb, &out), (7, 7));
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// What is too large comes in halves, whose names are their own; the whole is never there beside them.
#[test]
fn what_is_too_large_is_divided() {
    let Ok(duckdb) = Duckdb::find() else { return };
    let whole = AtomicUsize::new(0);
    let store = Backend::start(
        move |_: &Received| match whole.fetch_add(1, Ordering::SeqCst) {
            0 => Answer::Http(400, vec![], "<Code>EntityTooLarge</Code>".into()),
            // A half, and of the other one a single record: that is cut.
            2 | 3 => http(413),
            _ => taken(),
        },
    );
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(&dir.path().join("bus"));
    for first in [0, 10, 20, 30] {
        publish(&*bus, Signal::Traces, 0, [spans(first..first + 10, 0)]);
    }
    let keys = "roll: {interval: 300ms}";
    let running = Running::start(&bus, &[google("divided-object", &store, keys)]);
    all_committed(&*bus, "divided-object", Signal::Traces);
    running.stop();
    let out = dir.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let all = store.received().into_iter().enumerate();
    let taken = all.filter_map(|(index, one)| (![0, 2, 3].contains(&index)).then_some(one));
    let mut names = Vec::new();
    for one in taken {
        let name = name_of(&one).rsplit('/').next().unwrap().to_owned();
        std::fs::write(out.join(&name), &one.body).unwrap();
        names.push(name);
    }
    assert_eq!(spans_in(&duckdb, &out), (40, 40), "{names:?}");
    assert!(names.iter().any(|name| name.contains("-u0-5")), "{names:?}");
    assert_eq!(metric(export::names::DELIVERED, "divided-object"), 40.0);
}
