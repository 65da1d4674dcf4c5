//! A table that is followed while its file changes, and what a million rows take.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;

const REFRESH: Duration = Duration::from_secs(60);

fn table(path: &Path, columns: &[&str]) -> Table {
    let source = Source {
        format: Format::Csv,
        path: path.to_owned(),
        wanted: Wanted {
            key: "id".into(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        },
        bytes_max: 64 << 20,
        refresh: REFRESH,
    };
    Table::new("test", "steps[0]".into(), source)
}

fn tier(table: &Table, key: &str) -> String {
    let found = table.ask(|contents| contents.find(key).map(|found| found.value(0)));
    match found.flatten() {
        Some(ottl::Value::Text(text)) => text.into_owned(),
        _ => String::new(),
    }
}

/// A look, a second later and so on, until the file has stood still for one.
fn after(table: &Table, now: &mut Instant) {
    *now += REFRESH;
    table.look(*now);
    *now += Duration::from_secs(1);
    table.look(*now);
}

#[test]
fn a_changed_file_takes_the_place_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, "id,tier\na,gold\n").unwrap();
    let table = table(&path, &["tier"]);
    let mut now = Instant::now();
    table.look(now);
    assert_eq!(tier(&table, "a"), "gold");
    fs::write(&path, "id,tier\na,silver\n").unwrap();
    // Not before it is due, and not before it has stood still.
    table.look(now + Duration::from_secs(59));
    assert_eq!(tier(&table, "a"), "gold");
    now += REFRESH;
    table.look(now);
    assert_eq!(tier(&table, "a"), "gold");
    table.look(now + Duration::from_secs(1));
    assert_eq!(tier(&table, "a"), "silver");
}

#[test]
fn a_bad_or_missing_file_leaves_the_table_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, "id,tier\na,gold\n").unwrap();
    let table = table(&path, &["tier"]);
    let mut now = Instant::now();
    table.look(now);
    for bad in ["id,tier\na,x\na,y\n", "id,tier\na", "", "id\na\n"] {
        fs::write(&path, bad).unwrap();
        after(&table, &mut now);
        assert_eq!(tier(&table, "a"), "gold", "{bad:?}");
        assert_eq!(table.fault(), None, "it is in use");
    }
    fs::remove_file(&path).unwrap();
    after(&table, &mut now);
    assert_eq!(tier(&table, "a"), "gold");
    fs::write(&path, "id,tier\na,bronze\n").unwrap();
    after(&table, &mut now);
    assert_eq!(tier(&table, "a"), "bronze");
}

#[test]
fn a_file_that_was_never_there_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let table = table(&path, &["tier"]);
    let now = Instant::now();
    table.look(now);
    assert!(
        table
            .fault()
            .is_some_and(|fault| fault.contains("cannot be read"))
    );
    fs::write(&path, "id,tier\na,gold\n").unwrap();
    table.look(now + Duration::from_secs(1));
    assert_eq!(table.fault(), None);
    assert_eq!(tier(&table, "a"), "gold");
}

#[test]
fn a_table_of_the_same_source_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, "id,tier,team\na,gold,red\n").unwrap();
    let (old, same, other) = (
        table(&path, &["tier"]),
        table(&path, &["tier"]),
        table(&path, &["team"]),
    );
    old.look(Instant::now());
    same.adopt(&old);
    other.adopt(&old);
    assert!(same.is_loaded() && !other.is_loaded());
}

fn million(value: &str) -> String {
    let mut text = String::from("id,tier\n");
    for n in 0..1_000_000 {
        let _ = writeln!(text, "{n:08},{value}");
    }
    text
}

/// Whoever asks meanwhile waits for no more than 50 ms: the new table is made, and the old one freed, beside them.
#[test]
fn a_million_rows_are_exchanged_without_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, million("old")).unwrap();
    let table = table(&path, &["tier"]);
    let mut now = Instant::now();
    table.look(now);
    assert_eq!(tier(&table, "00999999"), "old", "{:?}", table.fault());
    let bytes = table.ask(Contents::bytes).unwrap();
    assert!(bytes < 64 << 20, "{bytes}");
    // On a busy machine the one that asks may have to wait for its turn, which is not ours: one exchange of several is enough.
    let mut longest = (0..20).map(|round| {
        fs::write(&path, million(&format!("new{round}"))).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut longest = Duration::ZERO;
                while !done.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    assert_ne!(tier(&table, "00999999"), "");
                    longest = longest.max(began.elapsed());
                }
                longest
            });
            after(&table, &mut now);
            done.store(true, Ordering::Relaxed);
            assert_eq!(tier(&table, "00999999"), format!("new{round}"));
            asking.join().unwrap()
        })
    });
    println!("a million rows take {bytes} bytes");
    assert!(longest.any(|longest| longest < Duration::from_millis(50)));
}
