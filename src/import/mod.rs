//! `tailwater import`: the configuration of another sampler as ours, with a remark for each thing that has no equal here.
//!
//! What comes out is checked as any configuration is; what the check finds is said beside it. Nothing is guessed in silence.

mod collector;
mod refinery;

mod yaml;

use std::path::{Path, PathBuf};

use runtime::config::{self, ConfigError};
use runtime::exit;
use serde_json::Value;

use self::yaml::Yaml;
use crate::config::Config;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    from: From,
}

#[derive(clap::Subcommand)]
enum From {
    /// The OpenTelemetry Collector: a whole configuration, or its `tail_sampling` section alone
    Collector {
        file: PathBuf,
        /// Which tail_sampling processor, where there are several: its name as in `tail_sampling/NAME`
        #[arg(long)]
        processor: Option<String>,
    },
    /// Honeycomb Refinery: a rules file (version 2)
    Refinery {
        file: PathBuf,
        /// Which environment's sampler
        #[arg(long, default_value = "__default__")]
        environment: String,
    },
}

/// From what was read to our configuration.
type Translate<'a> = Box<dyn Fn(&Value) -> Result<Yaml, String> + 'a>;

/// Writes our configuration to standard output, and how many things need a look to standard error.
pub fn run(args: &Args) -> i32 {
    let (file, translate): (&Path, Translate<'_>) = match &args.from {
        From::Collector { file, processor } => (
            file,
            Box::new(|from| collector::import(from, processor.as_deref())),
        ),
        From::Refinery { file, environment } => {
            (file, Box::new(|from| refinery::import(from, environment)))
        }
    };
    match translated(file, translate) {
        Ok((text, remarks)) => {
            print!("{text}");
            match remarks {
                0 => eprintln!("everything in {} has its equal", file.display()),
                some => eprintln!(
                    "{some} to look at: see `#` in the output, then run `tailwater check` on it"
                ),
            }
            exit::CLEAN
        }
        Err(message) => {
            eprintln!("{message}");
            exit::INVALID_CONFIGURATION
        }
    }
}

fn translated(
    file: &Path,
    translate: impl Fn(&Value) -> Result<Yaml, String>,
) -> Result<(String, usize), String> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("error: cannot read {name}: {error}"))?;
    let from = config::read_foreign(&name, &text).map_err(|report| report.to_string())?;
    let ours = translate(&from).map_err(|reason| format!("error: {name}: {reason}"))?;
    let (mut text, mut remarks) = (ours.document(), ours.remarks());
    if let Err(report) = checked(&text) {
        remarks += report.count();
        text.push_str("\n# What `tailwater check` says of this:\n");
        for line in report.to_string().lines() {
            text.push_str(&format!("#   {line}\n"));
        }
    }
    Ok((text, remarks))
}

/// With something for each variable of the environment, since secrets are not set where one imports.
fn checked(text: &str) -> Result<(), ConfigError> {
    let environment = |_: &str| Some("imported".to_owned());
    config::load("the result", text, &environment, Config::validate).map(drop)
}

/// A value by its path.
fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// Mappings as pairs; of anything else nothing.
fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
