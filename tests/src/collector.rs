//! The OpenTelemetry Collector, as a neighbour on Kafka and to be measured against: built once from its own modules, which
//! takes minutes, and cached. One build for both, with all that either needs.
//!
//! Built only where `TAILWATER_BUILD_COLLECTOR=1` asks for it; otherwise the test takes what is in the cache, or is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::clients::{Missing, cached, found, run};
use crate::watchdog::Watchdog;

pub const VERSION: &str = "0.155.0";
const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.155.0";
/// The newest version at which all of these can be fetched.
const MANIFEST: &str = "dist: {name: otelcol, output_path: ./build, version: 0.155.0}
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.155.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/receiver/kafkareceiver v0.155.0
processors:
  - gomod: go.opentelemetry.io/collector/processor/batchprocessor v0.155.0
  - gomod: go.opentelemetry.io/collector/processor/memorylimiterprocessor v0.155.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor v0.155.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor v0.155.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor v0.155.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor v0.155.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor v0.155.0
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/debugexporter v0.155.0
  - gomod: go.opentelemetry.io/collector/exporter/nopexporter v0.155.0
  - gomod: go.opentelemetry.io/collector/exporter/otlpexporter v0.155.0
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v0.155.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/kafkaexporter v0.155.0
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v1.61.0
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v1.61.0
replaces:
  # Asked for by a processor's own tests alone; v0.155.0 isn't to be had everywhere.
  - github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden => github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden v0.154.0
";

/// The binary, built now or earlier.
pub fn binary() -> Result<PathBuf, Missing> {
    found("Collector", || {
        let folder = cached("collector", MANIFEST.as_bytes(), |folder| {
            let wanted = std::env::var("TAILWATER_BUILD_COLLECTOR").is_ok_and(|value| value == "1");
            ensure!(
                wanted,
                "it isn't in the cache; TAILWATER_BUILD_COLLECTOR=1 builds it, which takes Go and minutes"
            );
            fs::create_dir_all(folder)?;
            fs::write(folder.join("manifest.yaml"), MANIFEST)?;
            run(Command::new("go")
                .args(["install", BUILDER])
                .env("GOBIN", folder))?;
            run(Command::new(folder.join("builder"))
                .arg("--config=manifest.yaml")
                .current_dir(folder))
        })?;
        Ok(folder.join("build/otelcol"))
    })
}

/// A running Collector, until dropped.
pub struct Collector {
    child: Child,
    watchdog: Watchdog,
    log: PathBuf,
}

impl Collector {
    /// Its configuration and its log lie in `folder`.
    pub fn start(binary: &Path, folder: &Path, config: &Value) -> Self {
        let (path, log) = (folder.join("otelcol.yaml"), folder.join("otelcol.log"));
        fs::write(&path, format!("{config:#}")).unwrap();
        let output = fs::File::create(&log).unwrap();
        let child = Command::new(binary)
            .arg("--config")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .expect("the Collector starts");
        let watchdog = Watchdog::over(child.id(), None).unwrap();
        Self {
            child,
            watchdog,
            log,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Until it says that it runs; panics with its log if it ends or never does.
    pub fn wait_ready(&mut self) {
        crate::wait_until("the Collector to be ready", READY_WITHIN, || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the Collector ended by itself: {ended:?}");
            fs::read_to_string(&self.log)
                .unwrap_or_default()
                .contains("Everything is ready")
        });
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

const READY_WITHIN: Duration = Duration::from_secs(60);

impl Drop for Collector {
    fn drop(&mut self) {
        self.watchdog.dismiss();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("--- the Collector's log ---\n{log}");
        }
    }
}
