//! From the section as written to the section as used; every problem with its path. What belongs to connections is in `connection`.

use std::collections::BTreeMap;

use runtime::config::Problems;
use schemas::Signal;

use super::*;

/// A backend that is used when the written one is wrong; it is never run, since there are problems then.
const WRONG: Kind = Kind::Stdout;

impl RawConfig {
    /// Reports everything that is wrong under `path`. The result may be used only if `problems` stays empty.
    pub fn validate(&self, path: &str, problems: &mut Problems) -> Config {
        if self.backends.is_empty() {
            problems.push(
                format!("{path}.backends"),
                "no backend, so nothing would be exported: name at least one",
            );
        }
        let mut names = BTreeMap::new();
        let backends = self.backends.iter().enumerate().map(|(index, raw)| {
            let at = format!("{path}.backends[{index}]");
            if let Some(first) = names.insert(raw.name.clone(), index) {
                problems.push(
                    format!("{at}.name"),
                    format!(
                        "`{}` is also the name of backend {first}: names are unique, since each names a consumer group",
                        raw.name
                    ),
                );
            }
            raw.validate(&at, problems)
        });
        let backends = backends.collect();
        files::check(&self.backends, path, problems);
        Config { backends }
    }
}

impl RawBackend {
    fn validate(&self, at: &str, problems: &mut Problems) -> Backend {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 100 || !self.name.chars().all(allowed) {
            problems.push(
                format!("{at}.name"),
                format!(
                    "`{}` is not 1 to 100 letters, digits, `-`, `_` or `.`",
                    self.name
                ),
            );
        }
        let mut signals = Vec::new();
        for signal in &self.signals {
            let signal = Signal::from(*signal);
            if !signals.contains(&signal) {
                signals.push(signal);
            }
        }
        if signals.is_empty() {
            problems.push(
                format!("{at}.signals"),
                "no signal: name at least one of traces, logs, metrics, or leave the key out for all",
            );
        }
        if !(1..=256).contains(&self.concurrency) {
            problems.push(
                format!("{at}.concurrency"),
                format!("{} is not between 1 and 256", self.concurrency),
            );
        }
        let kind = self.kind(at, problems);
        Backend {
            name: self.name.clone(),
            // One writer keeps a file's and the terminal's order, and is as fast as they are.
            concurrency: match kind {
                Kind::File(_) | Kind::Stdout => 1,
                _ => self.concurrency,
            },
            kind,
            signals,
            batch: self.batch.validate(&format!("{at}.batch"), problems),
            retry: self.retry.validate(&format!("{at}.retry"), problems),
            credentials: self
                .credentials
                .validate(&format!("{at}.credentials"), problems),
        }
    }

    fn kind(&self, at: &str, problems: &mut Problems) -> Kind {
        let mut kinds = Vec::new();
        if let Some(grpc) = &self.otlp_grpc {
            kinds.push(grpc.validate(&format!("{at}.otlp_grpc"), problems));
        }
        if let Some(http) = &self.otlp_http {
            kinds.push(http.validate(&format!("{at}.otlp_http"), &self.signals, problems));
        }
        if let Some(file) = &self.file {
            kinds.push(file.validate(&format!("{at}.file"), problems));
        }
        if self.stdout.is_some() {
            kinds.push(Kind::Stdout);
        }
        if kinds.len() != 1 {
            let named: Vec<_> = kinds.iter().map(Kind::name).collect();
            problems.push(
                at,
                format!(
                    "a backend is exactly one of otlp_grpc, otlp_http, file and stdout, this one is {}",
                    if named.is_empty() { "none".to_owned() } else { named.join(" and ") }
                ),
            );
        }
        kinds.into_iter().next().unwrap_or(WRONG)
    }
}

impl RawFile {
    fn validate(&self, at: &str, problems: &mut Problems) -> Kind {
        if self.path.as_os_str().is_empty() {
            problems.push(format!("{at}.path"), "a path is needed, e.g. ./kept.jsonl");
        }
        if let Some(rotate) = self.rotate
            && rotate.bytes.0 == 0
        {
            problems.push(
                format!("{at}.rotate.bytes"),
                "0 would start a new file with each batch: leave `rotate` out for one file",
            );
        }
        Kind::File(FileConfig {
            path: self.path.clone(),
            rotate: self.rotate.map(|rotate| Rotate {
                bytes: rotate.bytes.0,
                keep: rotate.keep,
            }),
        })
    }
}

impl RawBatch {
    fn validate(&self, at: &str, problems: &mut Problems) -> BatchLimits {
        let bytes = self.bytes.0;
        if !(1024..=256 << 20).contains(&bytes) {
            problems.push(
                format!("{at}.bytes"),
                format!("{bytes} bytes is not between 1KiB and 256MiB"),
            );
        }
        if self.timeout.0 > std::time::Duration::from_secs(60) {
            problems.push(format!("{at}.timeout"), "more than 60s");
        }
        BatchLimits {
            bytes: bytes as usize,
            items: if self.items == 0 {
                usize::MAX
            } else {
                self.items
            },
            timeout: self.timeout.0,
        }
    }
}

impl RawRetry {
    fn validate(&self, at: &str, problems: &mut Problems) -> RetryPolicy {
        if self.initial_interval.0.is_zero() {
            problems.push(
                format!("{at}.initial_interval"),
                "0 would try again without a pause: use at least 1ms",
            );
        }
        if self.max_interval < self.initial_interval {
            problems.push(
                format!("{at}.max_interval"),
                "is shorter than `initial_interval`",
            );
        }
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            problems.push(
                format!("{at}.randomization_factor"),
                format!("{} is not between 0 and 1", self.randomization_factor),
            );
        }
        if !(1.0..=100.0).contains(&self.multiplier) {
            problems.push(
                format!("{at}.multiplier"),
                format!("{} is not between 1 and 100", self.multiplier),
            );
        }
        if self.poison_after.0.is_zero() {
            problems.push(
                format!("{at}.poison_after"),
                "0 would blame a batch for the first error of the backend: use at least 1s, better 10m",
            );
        }
        RetryPolicy {
            initial_interval: self.initial_interval.0,
            randomization_factor: self.randomization_factor,
            multiplier: self.multiplier,
            max_interval: self.max_interval.0,
            max_elapsed_time: Some(self.max_elapsed_time.0).filter(|time| !time.is_zero()),
            poison_after: self.poison_after.0,
        }
    }
}

impl RawCredentials {
    fn validate(&self, at: &str, problems: &mut Problems) -> Credentials {
        if self.probe.0.is_zero() || self.probe.0 > std::time::Duration::from_secs(3600) {
            problems.push(format!("{at}.probe"), "is not between 1ms and 1h");
        }
        Credentials {
            on_refused: self.on_refused,
            probe: self.probe.0,
        }
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
