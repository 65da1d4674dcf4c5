//! What the process as a whole costs, from `/proc`, under the names that Prometheus's own clients use.
//!
//! Ours rather than the crate `metrics-process` (2.4): that one counts CPU time in whole seconds, or as a gauge, and brings procfs with what that
//! needs, for four short files.

use std::fmt::Write;
use std::fs;

/// Of `/proc/*/stat`: fixed at 100 on every Linux, whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Appends the process's metrics in Prometheus's text format; none where there is no `/proc`.
pub(crate) fn render(out: &mut String) {
    let mut metric = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a string can't fail.
            let _ = write!(
                out,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
            );
        }
    };
    metric(
        "process_cpu_seconds_total",
        "counter",
        "User and system CPU time spent.",
        cpu_seconds(),
    );
    metric(
        "process_resident_memory_bytes",
        "gauge",
        "Resident memory.",
        status("VmRSS:").map(|kib| kib * 1024.0),
    );
    metric("process_threads", "gauge", "Threads.", status("Threads:"));
    metric(
        "process_open_fds",
        "gauge",
        "Open file descriptors.",
        fs::read_dir("/proc/self/fd")
            .ok()
            .map(|fds| fds.count() as f64),
    );
    metric(
        "process_max_fds",
        "gauge",
        "Open file descriptors that are allowed.",
        open_files_max(),
    );
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the command may hold anything; what follows its closing parenthesis doesn't.
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

fn open_files_max() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = (limits.lines()).find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn status(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
