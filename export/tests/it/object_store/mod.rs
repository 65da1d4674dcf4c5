//! Objects in folders and stores, and what DuckDB reads of them.

mod folder;
mod killed;
mod replay;
mod stores;
mod tables;

use std::path::Path;

use tests::duckdb::Duckdb;

/// A backend with these keys in its section.
fn backend(name: &str, url: &str, keys: &str) -> String {
    format!(
        "{{name: {name}, object_store: {{url: '{url}', {keys}}}, \
         retry: {{initial_interval: 5ms, max_interval: 20ms}}, credentials: {{probe: 50ms}}}}"
    )
}

/// In this bucket of a store that asks for no particular key.
fn s3(name: &str, bucket: &str, endpoint: &str, keys: &str) -> String {
    let keys = format!(
        "endpoint: '{endpoint}', path_style: true, login: {{access_key_id: x, secret_access_key: x}}, {keys}"
    );
    backend(name, &format!("s3://{bucket}/a/b"), &keys)
}

fn url(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// All files below a folder, by their paths within it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    found.sort_unstable();
    found
}

/// How many rows there are, and how many different spans.
fn spans_in(duckdb: &Duckdb, folder: &Path) -> (u64, u64) {
    let select = format!(
        "SELECT count(*), count(DISTINCT SpanId) FROM read_parquet('{}/**/*.parquet')",
        folder.display()
    );
    let row = &duckdb.rows(&select)[0];
    (row[0].as_u64().unwrap(), row[1].as_u64().unwrap())
}
