//! ClickHouse's own engine as the backend: what is in its tables afterwards.

mod faults;
mod killed;
mod once;
mod reference;
mod rows;
mod tables;

use std::sync::OnceLock;

use tests::clickhouse::Clickhouse;

/// The server that all tests share, each with a database of its own; `None`, which was said, when there is none to be had.
fn server() -> Option<&'static Clickhouse> {
    static SERVER: OnceLock<Option<Clickhouse>> = OnceLock::new();
    let start = || {
        // Its watchdog removes it: what is static is never dropped.
        let folder = tempfile::tempdir().unwrap().keep();
        Clickhouse::start(&folder, None).ok()
    };
    SERVER.get_or_init(start).as_ref()
}

/// A backend with its tables in a database of its name.
fn backend(name: &str, endpoint: &str, keys: &str) -> String {
    format!(
        "{{name: {name}, clickhouse: {{endpoint: '{endpoint}', database: {name}, {keys}}}, batch: {{timeout: 1ms}}, \
         retry: {{initial_interval: 5ms, max_interval: 20ms}}, credentials: {{probe: 50ms}}}}"
    )
}
