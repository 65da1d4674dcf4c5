//! The Collector's own exporter to ClickHouse as the reference: built once from `clickhouse-reference/`, which takes minutes, and cached.
//!
//! Built only where `TAILWATER_BUILD_CLICKHOUSE=1` asks for it; otherwise the test takes what is in the cache, or is skipped.

use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemas::Signal;
use serde_json::{Value, json};

use crate::clients::{Missing, cached, run};

/// A running reference, until dropped.
pub struct Reference {
    child: Child,
    questions: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    /// Starts it, built now or earlier; it creates the tables in this database.
    ///
    /// # Errors
    /// It isn't to be had, which was said.
    pub fn start(endpoint: &str, database: &str) -> Result<Self, Missing> {
        let wanted = std::env::var("TAILWATER_BUILD_CLICKHOUSE").is_ok_and(|value| value == "1");
        Self::start_if(wanted, endpoint, database).map_err(|error| {
            // Not with the other clients: whoever requires those needn't wait for minutes.
            assert!(!wanted, "TAILWATER_BUILD_CLICKHOUSE=1 but {error:#}");
            // Not `eprintln!`, which the test harness swallows.
            let _ = writeln!(
                std::io::stderr(),
                "\n*** skipped, no exporter of the Collector's to compare with: {error:#} ***\n"
            );
            Missing
        })
    }

    fn start_if(wanted: bool, endpoint: &str, database: &str) -> Result<Self> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("clickhouse-reference");
        let mut contents = Vec::new();
        for file in ["go.mod", "go.sum", "main.go"] {
            contents.extend(fs::read(sources.join(file))?);
        }
        let folder = cached("clickhouse-reference", &contents, |folder| {
            ensure!(
                wanted,
                "it isn't in the cache; TAILWATER_BUILD_CLICKHOUSE=1 builds it, which takes Go and minutes"
            );
            fs::create_dir_all(folder)?;
            run(Command::new("go")
                .args(["build", "-o"])
                .arg(folder.join("reference"))
                .arg(".")
                .current_dir(&sources))
        })?;
        let mut child = Command::new(folder.join("reference"))
            .args([endpoint, database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self {
            questions: child.stdin.take().map(BufWriter::new),
            answers: BufReader::new(child.stdout.take().context("it has an output")?),
            child,
        })
    }

    /// Writes a request; returns when its rows are there.
    ///
    /// # Errors
    /// It has ended, or its exporter failed.
    pub fn write(&mut self, signal: Signal, request: &[u8]) -> Result<()> {
        let question = json!({"signal": signal.name(), "request": STANDARD.encode(request)});
        let questions = self.questions.as_mut().context("it takes questions")?;
        writeln!(questions, "{question}")?;
        questions.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line).context("the reference has ended")?;
        ensure!(answer.get("error").is_none(), "{answer}");
        Ok(())
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}
