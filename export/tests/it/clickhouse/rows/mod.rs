//! Each column of each table, with values that are hard to write: what is read back is what was sent, as the Collector's exporter would have it.

mod logs;
pub mod points;
pub mod spans;

use schemas::Signal;
use serde_json::Value;

use super::{backend, server};
use crate::support::{Running, all_committed, dead_letters, open_bus, publish};

/// Delivers one record to a database of this name.
fn deliver(name: &str, signal: Signal, request: Vec<u8>, keys: &str) {
    let server = server().expect("asked for before");
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    publish(&*bus, signal, 0, [request]);
    let running = Running::start(&bus, &[backend(name, &server.endpoint(), keys)]);
    all_committed(&*bus, name, signal);
    running.stop();
    assert_eq!(dead_letters(&*bus).len(), 0);
}

/// A row with some other values.
fn changed(mut row: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}
