//! Ends a process when the test process ends, however that happens.
//!
//! Whatever ends the test process, `kill -9` included, closes its end of a pipe; a small shell that waits on the other
//! end then kills the process and removes its folder. That needs no `unsafe` (as `PR_SET_PDEATHSIG` would) and doesn't
//! depend on which thread started the process.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

pub struct Watchdog(Child);

impl Watchdog {
    /// Watches over a child of this process; with it goes `folder`, if given.
    pub fn over(id: u32, folder: Option<&Path>) -> Result<Self> {
        let script = match folder {
            Some(_) => r#"read -r _; kill -9 "$1"; rm -rf "$2""#,
            None => r#"read -r _; kill -9 "$1""#,
        };
        let shell = Command::new("sh")
            .args(["-c", script, "watchdog"])
            .arg(id.to_string())
            .arg(folder.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting a watchdog")?;
        Ok(Self(shell))
    }

    /// To be called before the process is waited for: after that, its id may belong to somebody else.
    pub fn dismiss(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
