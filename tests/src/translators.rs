//! The Collector's own translators of Jaeger's and Zipkin's spans as the reference: built once from `translator-reference/`, and cached.

use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::clients::{Missing, cached, found, run};

/// A running reference, until dropped.
pub struct Translators {
    child: Child,
    questions: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Translators {
    /// Starts it, built now or earlier.
    pub fn start() -> Result<Self, Missing> {
        found("translator reference", || {
            let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("translator-reference");
            let mut contents = Vec::new();
            for file in ["go.mod", "go.sum", "main.go"] {
                contents.extend(fs::read(sources.join(file))?);
            }
            let folder = cached("translator-reference", &contents, |folder| {
                fs::create_dir_all(folder)?;
                run(Command::new("go")
                    .args(["build", "-o"])
                    .arg(folder.join("reference"))
                    .arg(".")
                    .current_dir(&sources))
            })?;
            let mut child = Command::new(folder.join("reference"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            Ok(Self {
                questions: child.stdin.take().map(BufWriter::new),
                answers: BufReader::new(child.stdout.take().context("it has an output")?),
                child,
            })
        })
    }

    /// The OTLP request that a record becomes, or why it becomes none. With the format `to_zipkin_json`, the JSON that an OTLP request becomes.
    ///
    /// # Errors
    /// The reference has ended, or says something else.
    pub fn translate(&mut self, format: &str, record: &[u8]) -> Result<Result<Vec<u8>, String>> {
        let question = json!({"format": format, "record": STANDARD.encode(record)});
        let questions = self.questions.as_mut().context("it takes questions")?;
        writeln!(questions, "{question}")?;
        questions.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line)?;
        for refusal in ["error", "panic"] {
            if let Some(text) = answer[refusal].as_str() {
                return Ok(Err(text.to_owned()));
            }
        }
        let request = answer["request"].as_str().unwrap_or_default();
        Ok(Ok(STANDARD.decode(request)?))
    }
}

impl Drop for Translators {
    fn drop(&mut self) {
        // It ends with its input.
        self.questions.take();
        let _ = self.child.wait();
    }
}
