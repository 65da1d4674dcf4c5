//! `tailwater dead-letters list|show|retry|purge`: what stages gave up.
//!
//! Reads the bus itself; an embedded bus belongs to one process at a time, so the pipeline has to be stopped meanwhile.

mod letters;
mod purge;
mod retry;
mod selection;
mod show;
mod text;

use std::path::PathBuf;

use runtime::exit;

use crate::config::Config;

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
