//! The binary `tailwater` as a process: started, killed, stopped and started again on the same ports and the same name.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use runtime::Snapshot;
use serde_json::{Value, json};

use crate::watchdog::Watchdog;
use crate::{free_port, wait_for, wait_until};

/// Starting, and waiting for the group's partitions, on a machine that is busy.
const READY_WITHIN: Duration = Duration::from_secs(90);
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
/// How much of its log a process shows when a test fails.
const LOG_LINES_SHOWN: usize = 60;

/// One process of Tailwater, running or not.
pub struct Tailwater {
    pub name: String,
    command: &'static str,
    folder: PathBuf,
    pub grpc: u16,
    pub http: u16,
    admin: u16,
    running: Option<Running>,
}

struct Running {
    child: Child,
    watchdog: Watchdog,
}

impl Tailwater {
    /// `tailwater <command>` with this configuration, its ports and name aside; not started yet.
    pub fn new(folder: &Path, command: &'static str, name: &str, config: &Value) -> Self {
        let tailwater = Self {
            name: name.to_owned(),
            command,
            folder: folder.to_owned(),
            grpc: free_port().unwrap(),
            http: free_port().unwrap(),
            admin: free_port().unwrap(),
            running: None,
        };
        let mut config = config.clone();
        let local = |port: u16| format!("127.0.0.1:{port}");
        config["instance"] = json!(name);
        config["ingest"]["grpc"] = json!({"listen": local(tailwater.grpc)});
        config["ingest"]["http"] = json!({"listen": local(tailwater.http)});
        config["admin"] =
            json!({"health": local(tailwater.admin), "metrics": local(tailwater.admin)});
        // JSON is YAML.
        std::fs::write(tailwater.config(), format!("{config:#}")).unwrap();
        tailwater
    }

    fn config(&self) -> PathBuf {
        self.folder.join(format!("{}.yaml", self.name))
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    pub fn start(&mut self) {
        assert!(self.running.is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.unwrap();
        let child = Command::new(binary())
            .arg(self.command)
            .arg("--config")
            .arg(self.config())
            .current_dir(&self.folder)
            .env_remove("TAILWATER_INSTANCE")
            .env_remove("TAILWATER_CONFIG")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("the binary starts");
        let watchdog = Watchdog::over(child.id(), None).unwrap();
        self.running = Some(Running { child, watchdog });
    }

    pub fn start_and_wait(&mut self) {
        self.start();
        self.wait_ready();
    }

    /// Until `/readyz` says yes.
    pub fn wait_ready(&mut self) {
        let what = format!("{} to be ready", self.name);
        wait_until(&what, READY_WITHIN, || {
            assert!(self.is_running(), "{} ended by itself", self.name);
            self.get("/readyz").is_some_and(|(status, _)| status == 200)
        });
    }

    pub fn is_ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(status, _)| status == 200)
    }

    /// Whether the process is there: started, and not ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.running
            .as_mut()
            .is_some_and(|running| running.child.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// `kill -9`: nothing of it runs on when this returns.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.watchdog.dismiss();
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }

    /// SIGTERM, and waits until it has drained; the exit code.
    pub fn stop(&mut self) -> i32 {
        self.signal("-TERM");
        let Some(mut running) = self.running.take() else {
            panic!("{} does not run", self.name);
        };
        let what = format!("{} to drain", self.name);
        let ended = wait_for(&what, STOPPED_WITHIN, || running.child.try_wait().unwrap());
        running.watchdog.dismiss();
        ended
            .code()
            .unwrap_or_else(|| -ended.signal().unwrap_or_default())
    }

    /// `-STOP`, `-CONT`, `-TERM`.
    pub fn signal(&self, signal: &str) {
        let running = self.running.as_ref().expect("it was started");
        let id = running.child.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(status.success(), "kill {signal} of {}", self.name);
    }

    pub fn grpc_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    pub fn http_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// All metrics as of now; empty while it doesn't answer.
    pub fn metrics(&self) -> Snapshot {
        let text = self.get("/metrics").map(|(_, body)| body);
        Snapshot::parse(&text.unwrap_or_default())
    }

    /// Status and body of a page of the admin endpoint.
    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.admin)).ok()?;
        let patience = Some(Duration::from_secs(5));
        stream.set_read_timeout(patience).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Lines of its log, over all starts, that contain `text`.
    pub fn logged(&self, text: &str) -> usize {
        let log = std::fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(&log)
            .lines()
            .filter(|line| line.contains(text))
            .count()
    }
}

impl Drop for Tailwater {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read(self.log()).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<_> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
            eprintln!(
                "--- the end of {}'s log ---\n{}",
                self.name,
                shown.join("\n")
            );
        }
    }
}

/// The binary of the profile that the tests were built with, built now if it is not up to date; or `TAILWATER_BIN`.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("TAILWATER_BIN") {
        Some(path) => path.into(),
        None => build(),
    })
}

fn build() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    // target/<profile>/deps/<test>, or target/<profile>/<bin>
    let mut profile = this.parent().unwrap();
    if profile.ends_with("deps") {
        profile = profile.parent().unwrap();
    }
    // The same selection as `cargo test --workspace`: other features of dependencies would mean building them all again.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command
        .args(["build", "--quiet", "--workspace", "--all-targets"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", profile.parent().unwrap());
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "tailwater does not build");
    profile.join("tailwater")
}
