//! A real OpenSearch of one node: fetched once by Maven, and kept in the user's cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::clients::{Missing, cached, found, run, sources};
use crate::watchdog::Watchdog;
use crate::{free_port, wait_until};

const READY_WITHIN: Duration = Duration::from_secs(180);

/// A running node, until dropped. It holds nothing that another one held.
pub struct OpenSearch {
    port: u16,
    child: Child,
    watchdog: Watchdog,
    _folder: tempfile::TempDir,
}

impl OpenSearch {
    /// Starts it.
    ///
    /// # Errors
    /// It can't be had here, which was said aloud.
    pub fn start() -> Result<Self, Missing> {
        found("OpenSearch", || {
            let program = program()?;
            let folder = tempfile::tempdir()?;
            let port = free_port()?;
            let output = fs::File::create(folder.path().join("output.log"))?;
            let child = Command::new("java")
                .args(["-Xms512m", "-Xmx512m", "-XX:TieredStopAtLevel=1"])
                .args(["-XX:+UseSerialGC", "-Dlog4j2.disable.jmx=true", "-cp"])
                .arg(format!("{0}:{0}/libs/*", program.display()))
                .arg("Search")
                .arg(folder.path().join("home"))
                .arg(port.to_string())
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output)
                .spawn()?;
            let watchdog = Watchdog::over(child.id(), Some(folder.path()))?;
            let node = Self {
                port,
                child,
                watchdog,
                _folder: folder,
            };
            wait_until("OpenSearch to answer", READY_WITHIN, || {
                node.ask("GET", "/_cluster/health", None).0 == 200
            });
            Ok(node)
        })
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// One request: status and body. 0: nobody answered.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut command = Command::new("curl");
        command
            .args(["-s", "-m", "60", "-X", method, "-w", "\n%{http_code}"])
            .args(["-H", "content-type: application/json"])
            .arg(format!("{}{path}", self.endpoint()));
        if let Some(body) = body {
            command.args(["-d", &body.to_string()]);
        }
        let output = command.output().expect("curl is there");
        let text = String::from_utf8_lossy(&output.stdout);
        let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
        let body = serde_json::from_str(body).unwrap_or_default();
        (code.trim().parse().unwrap_or(0), body)
    }

    /// The same, of which the answer has to be a success.
    #[track_caller]
    pub fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (code, answer) = self.ask(method, path, body);
        assert!(
            (200..300).contains(&code),
            "{method} {path}: {code} {answer}"
        );
        answer
    }

    /// How many documents there are in an index, with all that was created so far.
    #[track_caller]
    pub fn count(&self, index: &str) -> u64 {
        self.done("POST", &format!("/{index}/_refresh"), None);
        let counted = self.done("GET", &format!("/{index}/_count"), None);
        counted["count"].as_u64().expect("a count")
    }

    /// All documents of an index, as they were sent.
    #[track_caller]
    pub fn documents(&self, index: &str) -> Vec<Value> {
        self.done("POST", &format!("/{index}/_refresh"), None);
        let found = self.done("GET", &format!("/{index}/_search?size=10000"), None);
        let hits = found["hits"]["hits"].as_array().cloned();
        let sources = hits.into_iter().flatten().map(|hit| hit["_source"].clone());
        sources.collect()
    }
}

impl Drop for OpenSearch {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of the compiled program, with its jars in `libs`.
fn program() -> Result<PathBuf> {
    let sources = sources("opensearch");
    let mut contents = fs::read(sources.join("pom.xml"))?;
    contents.extend(fs::read(sources.join("Search.java"))?);
    cached("opensearch", &contents, |folder| build(&sources, folder))
}

fn build(sources: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::copy(sources.join("pom.xml"), folder.join("pom.xml"))?;
    run(Command::new("mvn")
        .args(["-q", "-B", "dependency:copy-dependencies"])
        .arg("-DoutputDirectory=libs")
        .current_dir(folder))?;
    run(Command::new("javac")
        .args(["-proc:none", "-cp", "libs/*", "-d", "."])
        .arg(sources.join("Search.java"))
        .current_dir(folder))
}
