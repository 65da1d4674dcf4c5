//! A real Zipkin, with its spans in memory: fetched once by Maven, and kept in the user's cache.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::clients::{Missing, cached, found, run};
use crate::watchdog::Watchdog;
use crate::{free_port, wait_until};

const ARTIFACT: &str = "io.zipkin:zipkin-server:3.5.1:jar:exec";
/// It starts in a minute on two quiet cores.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// A running server, until dropped.
pub struct Zipkin {
    port: u16,
    child: Child,
    watchdog: Watchdog,
    _folder: tempfile::TempDir,
}

impl Zipkin {
    /// Starts it.
    ///
    /// # Errors
    /// It can't be had here, which was said aloud.
    pub fn start() -> Result<Self, Missing> {
        found("Zipkin", || {
            let jars = cached("zipkin", ARTIFACT.as_bytes(), |folder| {
                fs::create_dir_all(folder)?;
                run(Command::new("mvn")
                    .args(["-q", "-B", "dependency:copy"])
                    .arg(format!("-Dartifact={ARTIFACT}"))
                    .arg(format!("-DoutputDirectory={}", folder.display()))
                    .current_dir(folder))
            })?;
            let mut files = fs::read_dir(jars)?.filter_map(Result::ok);
            let jar = files.find(|file| file.path().extension().is_some_and(|name| name == "jar"));
            let jar = jar.context("Maven brought no jar")?.path();
            let folder = tempfile::tempdir()?;
            let port = free_port()?;
            let output = fs::File::create(folder.path().join("output.log"))?;
            let child = Command::new("java")
                .args(["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
                .arg("-jar")
                .arg(jar)
                .current_dir(folder.path())
                .env("QUERY_PORT", port.to_string())
                .env("STORAGE_TYPE", "mem")
                .env("SELF_TRACING_ENABLED", "false")
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output)
                .spawn()?;
            let watchdog = Watchdog::over(child.id(), Some(folder.path()))?;
            let server = Self {
                port,
                child,
                watchdog,
                _folder: folder,
            };
            wait_until("Zipkin to be healthy", READY_WITHIN, || {
                server.get("/health").0 == 200
            });
            Ok(server)
        })
    }

    /// Where it takes spans.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/api/v2/spans", self.port)
    }

    /// One question: status and body. 0: nobody answered.
    pub fn get(&self, path: &str) -> (u16, Value) {
        let output = Command::new("curl")
            .args(["-s", "-m", "60", "-w", "\n%{http_code}"])
            .arg(format!("http://127.0.0.1:{}{path}", self.port))
            .output()
            .expect("curl is there");
        let text = String::from_utf8_lossy(&output.stdout);
        let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
        // Zipkin guesses how long some texts become, and fills up with zeros what it guessed too much.
        let body = serde_json::from_str(body.trim_end_matches('\0')).unwrap_or_default();
        (code.trim().parse().unwrap_or(0), body)
    }

    /// The spans of a trace; none while it isn't there.
    pub fn trace(&self, id: &str) -> Vec<Value> {
        let (code, body) = self.get(&format!("/api/v2/trace/{id}"));
        let spans = body.as_array().cloned().unwrap_or_default();
        if code == 200 { spans } else { Vec::new() }
    }
}

impl Drop for Zipkin {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
