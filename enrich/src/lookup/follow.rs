//! The thread that follows the files of tables.

use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::Drain;

use super::table::Table;

/// Between two looks at which tables are due.
const EVERY: Duration = Duration::from_millis(250);

/// Follows the files of the tables that are in use until the drain; `tables` says which those are.
pub(crate) fn follow(tables: impl Fn() -> Vec<Arc<Table>>, drain: &Drain) {
    while !drain.is_requested() {
        for table in tables() {
            let now = Instant::now();
            table.look(now);
            table.tell_age(now);
        }
        drain.wait(EVERY);
    }
}
