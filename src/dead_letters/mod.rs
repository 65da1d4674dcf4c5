//! `tailwater dead-letters list|show|retry|purge`: what stages gave up.
//!
//! Reads the bus itself; an embedded bus belongs to one process at a time, so the pipeline has to be stopped meanwhile.

mod purge;
mod retry;
mod show;
mod text;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::bail;
use bus::Bus;
use export::letters::{Filter, LetterId, Letters};
use runtime::exit;
use schemas::Topics;

use crate::config::Config;

/// Some letters were refused again, or what was asked for isn't there.
const NOT_ALL: i32 = 1;
/// The bus can't be read or written.
const FAILED: i32 = 4;

#[derive(clap::Args)]
#[command(
    after_help = "Letters hold telemetry as it was, before redaction where enrich gave it up.\n\n\
        Exit codes: 0 done · 1 some were refused again, or there is no such letter · 2 wrong usage · 3 wrong configuration · 4 the bus can't be used"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// The configuration that says where the bus and the backends are; without it, the defaults
    #[arg(
        short,
        long,
        env = "TAILWATER_CONFIG",
        value_name = "FILE",
        global = true
    )]
    config: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List open letters, oldest first in each partition
    List(show::ListArgs),
    /// Show one letter: where it came from, why it is here, and what is in it
    Show(show::ShowArgs),
    /// Deliver letters to the backend that refused them, and to no other
    Retry(retry::Args),
    /// Strike letters off: they are no longer listed or retried
    Purge(purge::Args),
}

/// Which letters.
#[derive(clap::Args)]
struct Selection {
    /// These letters and no others: PARTITION/OFFSET, as `list` prints them
    #[arg(value_name = "ID")]
    ids: Vec<LetterId>,
    /// Refused by this backend
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
    /// Given up by this stage: ingest, sampler, enrich, export/NAME
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// With this text in the reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Younger than this, e.g. 2h
    #[arg(long, value_name = "AGE", value_parser = age)]
    since: Option<Duration>,
    /// Older than this, e.g. 7d
    #[arg(long, value_name = "AGE", value_parser = age)]
    before: Option<Duration>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Selection {
    fn filter(&self) -> Filter {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let ago = |age: Duration| now.clone().unwrap_or_default().saturating_sub(age);
        let ms = |age: Duration| ago(age).as_millis() as u64;
        Filter {
            ids: self.ids.clone(),
            backend: self.backend.clone(),
            stage: self.stage.clone(),
            reason: self.reason.clone(),
            from_ms: self.since.map(ms),
            before_ms: self.before.map(ms),
        }
    }
}

fn age(text: &str) -> Result<Duration, String> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u64>().ok());
    if let Some(seconds) = days.and_then(|days| days.checked_mul(24 * 3600)) {
        return Ok(Duration::from_secs(seconds));
    }
    let parsed: Result<runtime::config::Duration, _> = serde_json::from_value(text.into());
    parsed
        .map(|duration| duration.0)
        .map_err(|error| format!("{error}; e.g. 90s, 15m, 2h, 7d"))
}

pub fn run(args: &Args) -> i32 {
    let config = match Config::read_for(args.config.as_deref(), &[]) {
        Ok(config) => config,
        Err(report) => {
            eprintln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    let outcome = match &args.command {
        Command::List(args) => show::list(&config, args),
        Command::Show(args) => show::show(&config, args),
        Command::Retry(args) => retry::run(&config, args),
        Command::Purge(args) => purge::run(&config, args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        FAILED
    })
}

/// The letters on the bus of a configuration.
fn open(config: &Config, filter: &Filter) -> anyhow::Result<(Letters, Topics)> {
    let topics = Topics::new(&config.bus.prefix);
    if let Some(reason) = config.bus.absent() {
        bail!(reason);
    }
    let bus: Arc<dyn Bus> = match config.bus.open() {
        Ok(bus) => bus,
        Err(bus::Error::Fatal(reason)) if reason.contains("in use by") => bail!(
            "{reason}; an embedded bus belongs to one process at a time: stop that one, and start it again afterwards"
        ),
        Err(error) => return Err(error.into()),
    };
    let letters = Letters::open(bus, &topics, filter.from_ms)?;
    Ok((letters, topics))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ages_are_durations_or_days() {
        let check =
            |text, seconds| assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        check("90s", 90);
        check("2h", 7200);
        check("7d", 7 * 24 * 3600);
        for text in ["", "7", "d", "-1d", "soon", "99999999999999999999d"] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
