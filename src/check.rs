//! `tailwater check`: is this configuration right, and what would it run?

use std::path::PathBuf;

use runtime::exit;

use crate::config::Config;
use crate::pipeline::Stage;
use crate::summary::Summary;

#[derive(clap::Args)]
pub struct Args {
    /// The configuration, in YAML; without it, the defaults
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The same, as the other commands take it
    #[arg(
        short,
        long,
        env = "TAILWATER_CONFIG",
        value_name = "FILE",
        conflicts_with = "file"
    )]
    config: Option<PathBuf>,
}

pub fn run(args: &Args) -> i32 {
    let file = args.file.as_deref().or(args.config.as_deref());
    match Config::read(file) {
        Ok(config) => {
            println!("{}", Summary::of(&config, &Stage::ALL));
            exit::CLEAN
        }
        Err(report) => {
            eprintln!("{report}");
            exit::INVALID_CONFIGURATION
        }
    }
}
