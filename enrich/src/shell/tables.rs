//! The tables of look-ups: followed by a thread of their own, and waited for before anything is read.

use std::sync::Arc;
use std::thread::Scope;
use std::time::Duration;

use anyhow::Context;
use runtime::{Drain, Readiness};

use super::reload::Reload;
use crate::Config;
use crate::lookup::{self, Table};

/// How often a table that isn't there yet is looked for.
const AGAIN: Duration = Duration::from_millis(100);

/// Reads the tables again and again until what comes back is dropped.
pub(super) fn follow<'scope>(
    scope: &'scope Scope<'scope, '_>,
    config: &'scope Config,
    reload: &'scope Reload,
) -> anyhow::Result<Stop> {
    let stop = Stop(Drain::new());
    let drain = stop.0.clone();
    let following = std::thread::Builder::new().name("enrich-lookups".into());
    following
        .spawn_scoped(scope, move || {
            lookup::follow(|| tables(config, reload), &drain);
        })
        .context("starting the thread that reads look-up tables")?;
    Ok(stop)
}

/// Ends the thread that follows tables.
pub(super) struct Stop(Drain);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.request();
    }
}

/// The tables that are in use, or about to be.
fn tables(config: &Config, reload: &Reload) -> Vec<Arc<Table>> {
    let newest = reload.newest();
    if let Some(newest) = &newest {
        newest.adopt_tables(&config.steps);
    }
    let newest = newest.iter().flat_map(|steps| steps.tables());
    newest.chain(config.steps.tables()).cloned().collect()
}

/// Waits until every table was read once; `false`: the drain came first.
pub(super) fn wait(config: &Config, ready: &Readiness, drain: &Drain) -> bool {
    while let Some(table) = config.steps.tables().find(|table| !table.is_loaded()) {
        let fault = table.fault().unwrap_or_default();
        ready.not_ready(match fault.is_empty() {
            true => format!("reading the look-up table {}", table.name()),
            false => format!("waiting for the look-up table {}: {fault}", table.name()),
        });
        if drain.wait(AGAIN) {
            return false;
        }
    }
    true
}
