//! Structured logs on standard error. Standard output belongs to data.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::config::{self, Problems};

/// Overrides `log.level`.
pub const VARIABLE: &str = "TAILWATER_LOG";
/// Overrides `log.format`.
pub const FORMAT_VARIABLE: &str = "TAILWATER_LOG_FORMAT";

/// Whether what a process says, to its last word, is JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// Libraries whose ordinary business is no news to the person on call. rdkafka calls each clean close of a consumer an error.
const QUIET: &str = "hyper=warn,hyper_util=warn,h2=warn,tower=warn,tonic=warn,rustls=warn,fjall=warn,lsm_tree=warn,timely=warn,rdkafka::consumer::base_consumer=off";

/// What the process logs, and how.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLog {
    /// `error`, `warn`, `info`, `debug` or `trace`, or by module: `info,sampler=debug`. TAILWATER_LOG overrides it.
    pub level: String,
    /// `text`, or `json`: each line is an object, from the first line to the last. TAILWATER_LOG_FORMAT overrides it.
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
    /// How to log what is wrong with a configuration itself: its own format as far as the text tells, at level `info`.
    pub fn of_broken(text: &str) -> Self {
        let format = config::peek(text, &["log", "format"], &config::process_environment);
        let json = match format {
            Some(format) => format == "json",
            None => mentions_json(text),
        };
        Self {
            level: RawLog::default().level,
            format: if json {
                LogFormat::Json
            } else {
                LogFormat::Text
            },
        }
    }

    /// Begins logging; what runs before logs nothing. A second call in one process changes nothing.
    ///
    /// # Errors
    /// TAILWATER_LOG isn't a filter, or TAILWATER_LOG_FORMAT no format.
    pub fn start(&self) -> Result<(), String> {
        let format = match std::env::var(FORMAT_VARIABLE).as_deref() {
            Err(_) | Ok("") => self.format,
            Ok("text") => LogFormat::Text,
            Ok("json") => LogFormat::Json,
            Ok(other) => {
                return Err(format!(
                    "{FORMAT_VARIABLE}: `{other}` is not a log format; write text or json"
                ));
            }
        };
        let filter = match std::env::var(VARIABLE) {
            Ok(level) if !level.is_empty() => {
                filter(&level).map_err(|problem| format!("{VARIABLE}: {problem}"))?
            }
            _ => filter(&self.level)?,
        };
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr);
        let started = match format {
            LogFormat::Text => builder
                .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .try_init(),
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
        };
        if let Err(error) = started {
            tracing::debug!(%error, "logging was started before");
            return Ok(());
        }
        JSON.store(format == LogFormat::Json, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether lines are JSON: then nothing else may be written to standard error.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Says why a process ends, as a line for people or as an event.
pub fn fail(reason: &str) {
    // Where nobody reads it, there is nowhere left to say so.
    let _ = match is_json() {
        true => {
            tracing::error!("{reason}");
            Ok(())
        }
        false if reason.starts_with("error") => writeln!(std::io::stderr(), "{reason}"),
        false => writeln!(std::io::stderr(), "error: {reason}"),
    };
}

/// Of a text that isn't even YAML: whether its `log` section speaks of JSON.
fn mentions_json(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("log:"));
    let first = lines.next();
    let inside = lines.take_while(|line| line.starts_with([' ', '\t']));
    let is_json = |line: &str| {
        let after = line.split_once("format:").map(|(_, after)| after);
        let value = after.map(|after| after.trim_start().trim_start_matches(['"', '\'']));
        value.is_some_and(|value| value.starts_with("json"))
    };
    first.into_iter().chain(inside).any(is_json)
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
    fn a_broken_configuration_is_told_in_its_own_format() {
        fn check(text: &str, json: bool) {
            let format = LogConfig::of_broken(text).format;
            assert_eq!(format == LogFormat::Json, json, "{text}");
        }
        check("log: {format: json}\nbuss: {}", true);
        check("buss: {}\nlog:\n  level: loud\n  format: \"json\"\n", true);
        check("log: {format: text}\n# json\n", false);
        check("sampler: {format: json}\n", false);
        check("", false);
        // No YAML at all.
        check("log:\n  format: json\nbus: {kafka: [\n", true);
        check("log: {level: info, format: 'json'}\nbus: }\n", true);
        check("log: {level: info}\nbus: }\nx:\n  format: json\n", false);
    }

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
