//! `tailwater dead-letters list|show|retry|purge`: what stages gave up, and with `--quarantine` what enrich keeps aside.
//!
//! Reads the bus itself; an embedded bus belongs to one process at a time, so the pipeline has to be stopped meanwhile.

mod letters;
mod purge;
mod retry;
mod selection;
mod show;

use std::path::PathBuf;

use runtime::exit;

use crate::config::Config;
use letters::Kind;

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
    /// What enrich kept aside because of what detectors found in it (the action `quarantine`), instead of the dead letters; `retry` can't be used on it
    #[arg(long, global = true)]
    quarantine: bool,
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

pub fn run(args: &Args) -> i32 {
    let config = match Config::read_for(args.config.as_deref(), &[]) {
        Ok(config) => config,
        Err(report) => {
            errln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    let kind = match args.quarantine {
        true => Kind::Quarantined,
        false => Kind::Dead,
    };
    let outcome = match &args.command {
        Command::List(args) => show::list(&config, kind, args),
        Command::Show(args) => show::show(&config, kind, args),
        Command::Retry(_) if kind == Kind::Quarantined => {
            errln!(
                "error: what is in the quarantine isn't delivered: it is unredacted. Change the detector that found it (`exclude`, another action), and send                  what `show --quarantine --json ID` prints to ingest"
            );
            return exit::USAGE;
        }
        Command::Retry(args) => retry::run(&config, args),
        Command::Purge(args) => purge::run(&config, kind, args),
    };
    outcome.unwrap_or_else(|error| {
        errln!("error: {error:#}");
        FAILED
    })
}
