//! DuckDB, as a reader of what others wrote: the Python package, fetched once, in some seconds, and cached.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::clients::{Missing, cached, found, run};

const PACKAGE: &str = "duckdb==2.0.1";

const SCRIPT: &str = "
import duckdb, json, sys
duckdb.sql(\"SET TimeZone = 'UTC'\")
rows = duckdb.sql(sys.argv[1]).fetchall()
print(json.dumps(rows, default=str))
";

/// An installed DuckDB.
pub struct Duckdb {
    python: PathBuf,
}

impl Duckdb {
    /// # Errors
    /// It isn't to be had, which was said.
    pub fn find() -> Result<Self, Missing> {
        found("DuckDB", || {
            let folder = cached("duckdb", PACKAGE.as_bytes(), |folder| {
                run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
                run(Command::new(folder.join("bin/pip"))
                    .args(["install", "--quiet", "--disable-pip-version-check"])
                    .arg(PACKAGE))
            })?;
            Ok(Self {
                python: folder.join("bin/python"),
            })
        })
    }

    /// The rows of a `SELECT`; what JSON doesn't have is text.
    #[track_caller]
    pub fn rows(&self, select: &str) -> Vec<Vec<Value>> {
        let output = Command::new(&self.python)
            .args(["-c", SCRIPT, select])
            .output();
        let output = output.expect("it runs");
        assert!(
            output.status.success(),
            "{select}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("rows in JSON")
    }
}
