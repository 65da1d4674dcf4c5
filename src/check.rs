//! `tailwater check`: is this configuration right, is it meant, do its tests pass, and what would it run?

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use runtime::exit;

use crate::config::Config;
use crate::pipeline::Summary;
use crate::rehearsal;
use crate::stage::Stage;

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
    /// Also connect to the bus, and check the configuration against it; within 30 s, and without creating anything
    #[arg(long)]
    connect: bool,
}

/// The longest that `--connect` takes: two questions of 10 s each, and what the client needs to begin and to end.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);

pub fn run(args: &Args) -> i32 {
    let file = args.file.as_deref().or(args.config.as_deref());
    let (config, bus) = match read(file, args.connect) {
        Ok(read) => read,
        Err(report) => {
            eprintln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    if !config.warnings.is_empty() {
        eprintln!("{}\n", config.warnings);
    }
    println!("{}", Summary::of(&config, &Stage::ALL));
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let failed = test(&config, folder);
    if let Err(error) = bus {
        eprintln!("error: the bus can't be used: {error:#}");
        return exit::FAILED;
    }
    match failed {
        0 => exit::CLEAN,
        _ => exit::INVALID_CONFIGURATION,
    }
}

/// The configuration, and how it went with the bus.
fn read(file: Option<&Path>, connect: bool) -> anyhow::Result<(Config, anyhow::Result<()>)> {
    let config = Config::read(file)?;
    if !connect {
        return Ok((config, Ok(())));
    }
    match brokers(&config) {
        Ok(None) => Ok((config, Ok(()))),
        Ok(Some(brokers)) => {
            // Read again, so that what is said of it has its place.
            let config = Config::read_with(file, &Stage::ALL, |raw, problems| {
                raw.bus.check_cluster(brokers, "bus", problems);
            })?;
            Ok((config, Ok(())))
        }
        Err(error) => Ok((config, Err(error))),
    }
}

/// How many brokers the cluster has; `None` on an embedded bus.
fn brokers(config: &Config) -> anyhow::Result<Option<usize>> {
    let (sender, answer) = mpsc::channel();
    let bus = config.bus.clone();
    // A thread of its own: a name that doesn't resolve holds up the client beyond any limit of ours.
    std::thread::spawn(move || sender.send(bus.brokers()));
    match answer.recv_timeout(CONNECT_WITHIN) {
        Ok(brokers) => Ok(brokers?),
        Err(_) => anyhow::bail!("no answer within {} s", CONNECT_WITHIN.as_secs()),
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
