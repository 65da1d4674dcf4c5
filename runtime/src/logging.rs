//! Structured logs on standard error. Standard output belongs to data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::config::Problems;

/// Overrides `log.level`.
pub const VARIABLE: &str = "TAILWATER_LOG";

/// Libraries whose ordinary business is no news to the person on call. rdkafka calls each clean close of a consumer an error.
const QUIET: &str = "hyper=warn,hyper_util=warn,h2=warn,tower=warn,tonic=warn,rustls=warn,fjall=warn,lsm_tree=warn,timely=warn,rdkafka::consumer::base_consumer=off";

/// The `log` section.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLog {
    /// `error`, `warn`, `info`, `debug` or `trace`; or by module: `info,sampler=debug`. TAILWATER_LOG overrides it.
    pub level: String,
    pub format: LogFormat,
}

impl Default for RawLog {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// A valid `log` section.
#[derive(Clone, Debug)]
pub struct LogConfig {
    level: String,
    format: LogFormat,
}

impl RawLog {
    pub fn validate(&self, path: &str, problems: &mut Problems) -> LogConfig {
        if let Err(problem) = filter(&self.level) {
            problems.push(format!("{path}.level"), problem);
        }
        LogConfig {
            level: self.level.clone(),
            format: self.format,
        }
    }
}

impl LogConfig {
    /// Begins logging; what runs before logs nothing. A second call in one process changes nothing.
    ///
    /// # Errors
    /// TAILWATER_LOG isn't a filter.
    pub fn start(&self) -> Result<(), String> {
        let filter = match std::env::var(VARIABLE) {
            Ok(level) if !level.is_empty() => {
                filter(&level).map_err(|problem| format!("{VARIABLE}: {problem}"))?
            }
            _ => filter(&self.level)?,
        };
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        let started = match self.format {
            LogFormat::Text => builder
                .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .try_init(),
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
        };
        if let Err(error) = started {
            tracing::debug!(%error, "logging was started before");
        }
        Ok(())
    }
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let wrong = format!(
        "`{level}` is not a log level; write error, warn, info, debug or trace, or by module as in info,sampler=debug"
    );
    // A lone word that isn't a level would be taken for a module's name, and silence everything else.
    let lone = |part: &str| !part.contains('=') && !LEVELS.contains(&part.to_lowercase().as_str());
    if level.is_empty() || level.split(',').any(|part| lone(part.trim())) {
        return Err(wrong);
    }
    let level = level.replace(' ', "");
    EnvFilter::try_new(format!("{QUIET},{level}")).map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked() {
        fn check(level: &str, valid: bool) {
            let mut problems = Problems::new();
            let raw = RawLog {
                level: level.to_owned(),
                ..RawLog::default()
            };
            raw.validate("log", &mut problems);
            assert_eq!(problems.is_empty(), valid, "{level}");
        }
        for level in [
            "info",
            "DEBUG",
            "off",
            "info,sampler=debug",
            "warn, bus=trace",
        ] {
            check(level, true);
        }
        for level in ["", "loud", "info,loud", "sampler=loud", "info,,"] {
            check(level, false);
        }
    }
}
