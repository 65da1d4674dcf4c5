//! `tailwater check`: is this configuration right, do its tests pass, and what would it run?

use std::path::{Path, PathBuf};

use runtime::exit;

use crate::config::Config;
use crate::pipeline::Stage;
use crate::rehearsal;
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
    let config = match Config::read(file) {
        Ok(config) => config,
        Err(report) => {
            eprintln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    println!("{}", Summary::of(&config, &Stage::ALL));
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    match test(&config, folder) {
        0 => exit::CLEAN,
        _ => exit::INVALID_CONFIGURATION,
    }
}

/// Runs the tests of a configuration; how many failed.
fn test(config: &Config, folder: &Path) -> usize {
    let outcomes = rehearsal::run(&config.raw.tests, &config.sampler, folder);
    let (passed, failed): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.passed());
    if !outcomes.is_empty() {
        println!();
    }
    for outcome in &passed {
        println!("{outcome}");
    }
    if let Some(failures) = rehearsal::failures(&outcomes) {
        eprintln!("{failures}");
    }
    if !outcomes.is_empty() {
        println!("tests: {} passed, {} failed", passed.len(), failed.len());
    }
    failed.len()
}
