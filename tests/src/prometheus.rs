//! Prometheus, as a receiver of metrics: built once, which takes Go and nine minutes, and cached.
//!
//! Built only where `TAILWATER_BUILD_PROMETHEUS=1` asks for it; otherwise the test takes the program that `PROMETHEUS` names, or what is in the
//! cache, or is skipped.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::clients::{Missing, cached, run};
use crate::plain_http::{ask, escaped};
use crate::watchdog::Watchdog;
use crate::{free_port, wait_until};

const MODULE: &str = "github.com/prometheus/prometheus/cmd/prometheus@v0.316.0";
/// Without the discovery of targets, which is most of the build.
const TAGS: &str = "remove_all_sd";
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The program, built now or earlier.
pub fn binary() -> Result<PathBuf, Missing> {
    if let Some(program) = std::env::var_os("PROMETHEUS") {
        return Ok(program.into());
    }
    let wanted = std::env::var("TAILWATER_BUILD_PROMETHEUS").is_ok_and(|value| value == "1");
    built("prometheus", MODULE, &["-tags", TAGS], wanted).map_err(|error| {
        assert!(!wanted, "TAILWATER_BUILD_PROMETHEUS=1 but {error:#}");
        skipped("Prometheus", "TAILWATER_BUILD_PROMETHEUS", &error);
        Missing
    })
}

/// A program of Go in the cache; made if it is `wanted`.
pub(crate) fn built(program: &str, module: &str, flags: &[&str], wanted: bool) -> Result<PathBuf> {
    let folder = cached(program, module.as_bytes(), |folder| {
        ensure!(wanted, "it isn't in the cache");
        fs::create_dir_all(folder)?;
        run(Command::new("go")
            .arg("install")
            .args(flags)
            .arg(module)
            .env("GOBIN", folder))
    })?;
    Ok(folder.join(program))
}

pub(crate) fn skipped(peer: &str, variable: &str, error: &anyhow::Error) {
    // Not `eprintln!`, which the test harness swallows.
    let _ = writeln!(
        std::io::stderr(),
        "\n*** SKIPPED: no {peer} to test with: {error:#}; {variable}=1 builds it, which takes Go and minutes ***\n"
    );
}

/// A running Prometheus, until dropped. It scrapes nothing.
pub struct Prometheus {
    child: Child,
    watchdog: Watchdog,
    log: PathBuf,
    pub address: SocketAddr,
}

impl Prometheus {
    /// Its data and its log lie in `folder`. `otlp` is the section of that name in its configuration, as YAML in one line. Samples out of order are
    /// refused.
    pub fn start(program: &Path, folder: &Path, otlp: &str, features: &[&str]) -> Self {
        fs::create_dir_all(folder).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let (config, log) = (folder.join("prometheus.yml"), folder.join("log"));
        let text = format!("storage: {{tsdb: {{out_of_order_time_window: 0s}}}}\notlp: {otlp}\n");
        fs::write(&config, text).unwrap();
        let output = fs::File::create(&log).unwrap();
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .args([
                "--web.enable-otlp-receiver",
                "--web.enable-remote-write-receiver",
            ])
            .arg(format!("--enable-feature={}", features.join(",")))
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        let child = command.spawn().expect("Prometheus starts");
        let watchdog = Watchdog::over(child.id(), None).unwrap();
        let prometheus = Self {
            child,
            watchdog,
            log,
            address,
        };
        wait_until("Prometheus to be ready", READY_WITHIN, || {
            ask(address, "GET", "/-/ready", "", b"").is_some_and(|(status, _)| status == 200)
        });
        prometheus
    }

    /// Sends a request with OTLP metrics to its own endpoint: status and body.
    pub fn send_otlp(&self, request: &[u8]) -> (u16, String) {
        let path = "/api/v1/otlp/v1/metrics";
        ask(
            self.address,
            "POST",
            path,
            "application/x-protobuf",
            request,
        )
        .expect("an answer")
    }

    /// The `data.result` of a query at `time`, in seconds since 1970.
    #[track_caller]
    pub fn query(&self, query: &str, time: f64) -> Vec<Value> {
        let path = format!("/api/v1/query?query={}&time={time}", escaped(query));
        self.list(&path, &["data", "result"])
    }

    /// All exemplars between two times, in seconds since 1970.
    #[track_caller]
    pub fn exemplars(&self, query: &str, start: f64, end: f64) -> Vec<Value> {
        let path = format!(
            "/api/v1/query_exemplars?query={}&start={start}&end={end}",
            escaped(query)
        );
        self.list(&path, &["data"])
    }

    #[track_caller]
    fn list(&self, path: &str, keys: &[&str]) -> Vec<Value> {
        let (status, body) = ask(self.address, "GET", path, "", b"").expect("an answer");
        assert_eq!(status, 200, "{path}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let list = keys.iter().fold(&answer, |value, key| &value[*key]);
        list.as_array().cloned().unwrap_or_default()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- Prometheus' log ---\n{}", self.log());
        }
    }
}
