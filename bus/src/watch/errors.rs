//! The counter of failed operations on the bus.

use runtime::names;

/// The `kind` labels of the errors' counter.
const KINDS: [&str; 6] = [
    "unavailable",
    "denied",
    "fatal",
    "fenced",
    "queue_full",
    "too_large",
];

/// Its counters, with 0, from the start.
pub(super) fn register() {
    for kind in KINDS {
        metrics::counter!(names::BUS_ERRORS, "kind" => kind).absolute(0);
    }
}

pub(super) fn count(kind: &'static str) {
    metrics::counter!(names::BUS_ERRORS, "kind" => kind).increment(1);
}
