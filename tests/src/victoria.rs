//! VictoriaMetrics, as a receiver of metrics that answers what it doesn't understand with success: built once, which takes Go and two minutes,
//! and cached.
//!
//! Built only where `TAILWATER_BUILD_VICTORIAMETRICS=1` asks for it; otherwise the test takes what is in the cache, or is skipped.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::clients::Missing;
use crate::plain_http::{ask, escaped};
use crate::prometheus::{built, skipped};
use crate::watchdog::Watchdog;
use crate::{free_port, wait_until};

const MODULE: &str = "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@v1.151.0";
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The program, built now or earlier.
pub fn binary() -> Result<PathBuf, Missing> {
    let variable = "TAILWATER_BUILD_VICTORIAMETRICS";
    let wanted = std::env::var(variable).is_ok_and(|value| value == "1");
    built("victoria-metrics", MODULE, &[], wanted).map_err(|error| {
        assert!(!wanted, "{variable}=1 but {error:#}");
        skipped("VictoriaMetrics", variable, &error);
        Missing
    })
}

/// A running VictoriaMetrics, until dropped.
pub struct VictoriaMetrics {
    child: Child,
    watchdog: Watchdog,
    pub address: SocketAddr,
}

impl VictoriaMetrics {
    /// Its data lies in `folder`.
    pub fn start(program: &Path, folder: &Path) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port().unwrap()));
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new(program)
            .arg(format!(
                "-storageDataPath={}",
                folder.join("data").display()
            ))
            .arg(format!("-httpListenAddr={address}"))
            .arg("-retentionPeriod=100y")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("VictoriaMetrics starts");
        let watchdog = Watchdog::over(child.id(), None).unwrap();
        let victoria = Self {
            child,
            watchdog,
            address,
        };
        wait_until("VictoriaMetrics to be ready", READY_WITHIN, || {
            ask(address, "GET", "/health", "", b"").is_some_and(|(status, _)| status == 200)
        });
        victoria
    }

    /// Series with all of their samples, a line of JSON each: what was written so far.
    pub fn export(&self, matching: &str) -> String {
        // Samples are there for queries when they have been flushed.
        ask(self.address, "GET", "/internal/force_flush", "", b"");
        let path = format!("/api/v1/export?match%5B%5D={}", escaped(matching));
        let answer = ask(self.address, "GET", &path, "", b"");
        answer.map_or(String::new(), |(_, body)| body)
    }
}

impl Drop for VictoriaMetrics {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
