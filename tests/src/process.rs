//! The binary `tailwater` as a process: started, killed, stopped and started again on the same ports and the same name.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bus::fault::Step;
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
    pages: u16,
    variables: Vec<(&'static str, &'static str)>,
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
            pages: free_port().unwrap(),
            variables: Vec::new(),
            running: None,
        };
        let mut config = config.clone();
        let local = |port: u16| format!("127.0.0.1:{port}");
        config["instance"] = json!(name);
        config["ingest"]["grpc"] = json!({"listen": local(tailwater.grpc)});
        config["ingest"]["http"] = json!({"listen": local(tailwater.http)});
        config["admin"] = json!({
            "health": local(tailwater.admin),
            "metrics": local(tailwater.admin),
            "listen": local(tailwater.pages),
        });
        // JSON is YAML.
        std::fs::write(tailwater.config(), format!("{config:#}")).unwrap();
        tailwater
    }

    /// A variable of its environment, from the next start on.
    pub fn set_variable(&mut self, name: &'static str, value: &'static str) {
        self.variables.push((name, value));
    }

    /// Writes its configuration file anew; what it does with it is its business.
    pub fn configure(&self, text: &str) {
        std::fs::write(self.config(), text).unwrap();
    }

    /// What its configuration file says.
    pub fn configuration(&self) -> Value {
        let text = std::fs::read_to_string(self.config()).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Another command of the binary, with the configuration of this process: exit code, standard output and standard error.
    pub fn command(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(binary())
            .args(args)
            .arg("--config")
            .arg(self.config())
            .current_dir(&self.folder)
            .env_remove("TAILWATER_CONFIG")
            .output()
            .expect("the binary starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        (code, text(&output.stdout), text(&output.stderr))
    }

    fn config(&self) -> PathBuf {
        self.folder.join(format!("{}.yaml", self.name))
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    pub fn start(&mut self) {
        self.start_with(None);
    }

    /// Starts it so that it dies by itself when it comes to this step for the n-th time. A release build doesn't.
    pub fn start_dying_at(&mut self, step: Step, times: u64) {
        self.start_with(Some(format!("{}:{times}", step.name())));
    }

    /// Waits for the death that [`Tailwater::start_dying_at`] has chosen; false: it did not come.
    pub fn wait_dead(&mut self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while self.is_running() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        true
    }

    fn start_with(&mut self, fault: Option<String>) {
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
            .env_remove(bus::fault::VARIABLE)
            .envs(self.variables.iter().copied())
            .envs(fault.map(|fault| (bus::fault::VARIABLE, fault)))
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

    /// The process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
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

    /// `-STOP`, `-CONT`, `-TERM`, `-HUP`.
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

    /// Status and body of a page of the admin endpoints.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        self.ask("GET", path)
    }

    pub fn post(&self, path: &str) -> Option<(u16, String)> {
        self.ask("POST", path)
    }

    fn ask(&self, method: &str, path: &str) -> Option<(u16, String)> {
        let shows_data = ["/why", "/config"]
            .iter()
            .any(|page| path.starts_with(page));
        let port = if shows_data { self.pages } else { self.admin };
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        let patience = Some(Duration::from_secs(5));
        stream.set_read_timeout(patience).ok()?;
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// The most memory that it has had so far, in bytes.
    pub fn peak_memory_bytes(&self) -> u64 {
        let running = self.running.as_ref().expect("it was started");
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id()));
        let status = status.unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.split_whitespace().next());
        kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap() * 1024
    }

    /// Its log, over all starts.
    pub fn log_text(&self) -> String {
        let log = std::fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Lines of its log, over all starts, that contain `text`.
    pub fn logged(&self, text: &str) -> usize {
        self.log_text()
            .lines()
            .filter(|line| line.contains(text))
            .count()
    }
}

impl Drop for Tailwater {
    fn drop(&mut self) {
        if std::thread::panicking() && self.running.is_some() {
            let page = self.get("/metrics").map(|(_, body)| body);
            eprintln!("--- {}'s metrics above zero ---", self.name);
            for line in page.unwrap_or_default().lines() {
                if line.starts_with("tailwater_")
                    && !line.ends_with(" 0")
                    && !line.contains("_bucket{")
                {
                    eprintln!("{line}");
                }
            }
        }
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
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", profile.parent().unwrap());
    // The same selection as `cargo test --workspace`, or as `cargo build --release`: with other features all dependencies would be built again.
    // The tests of the command line are the least that brings the binary along.
    command.args(match profile.ends_with("release") {
        true => ["build", "--quiet", "--workspace", "--release"].as_slice(),
        false => &[
            "test",
            "--quiet",
            "--workspace",
            "--no-run",
            "--test",
            "command",
        ],
    });
    let status = command.status().expect("cargo starts");
    assert!(status.success(), "tailwater does not build");
    profile.join("tailwater")
}
