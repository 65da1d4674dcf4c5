//! The broker as a process of the operating system: one that never outlives the test process.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use std::os::unix::process::CommandExt;

use crate::watchdog::Watchdog;

pub struct Process {
    java: Child,
    watchdog: Watchdog,
}

impl Process {
    /// Starts `kafka.Kafka` on `folder/server.properties`; its output goes to `folder/output.log`.
    pub fn start(jars: &Path, folder: &Path, remove_folder: bool) -> Result<Self> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(folder.join("output.log"))?;
        let java = java(jars)
            .args(["-Xms256m", "-Xmx512m", "kafka.Kafka"])
            .arg(folder.join("server.properties"))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .context("starting java")?;
        let watchdog = Watchdog::over(java.id(), remove_folder.then_some(folder))?;
        Ok(Self { java, watchdog })
    }

    /// `Some` with the reason once the process has ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        self.java
            .try_wait()
            .ok()
            .flatten()
            .map(|status| status.to_string())
    }

    pub fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill")
            .arg(signal)
            .arg(self.java.id().to_string())
            .status()?;
        anyhow::ensure!(status.success(), "kill {signal} of the broker failed");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog first: the broker's process id may belong to somebody else once it was waited for.
        self.watchdog.dismiss();
        let _ = self.java.kill();
        let _ = self.java.wait();
    }
}

/// `java` with Kafka on its class path, tuned to start fast rather than to run fast.
pub fn java(jars: &Path) -> Command {
    let mut command = Command::new("java");
    command
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
        .arg(jars.join("*"));
    command
}
