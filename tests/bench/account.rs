//! What a process has used, by the kernel's account.

use std::fs;

/// Of one process, all of its threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system time since its start.
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
    pub resident_peak_bytes: u64,
}

impl Usage {
    /// `None` when there is no such process.
    pub fn of(process: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The command stands in brackets and may hold anything.
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let bytes = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key))?;
            Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
        };
        Some(Self {
            cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS_A_SECOND,
            resident_bytes: bytes("VmRSS:")?,
            resident_peak_bytes: bytes("VmHWM:")?,
        })
    }
}

/// `sysconf(_SC_CLK_TCK)`, which is 100 on every Linux of today.
const TICKS_A_SECOND: f64 = 100.0;
