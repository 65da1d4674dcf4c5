//! `tailwater run`: all stages in one process. The commands that run one stage call the same function.

use std::path::PathBuf;

use runtime::{exit, stop_on_signals};

use crate::config::Config;
use crate::pipeline::{Pipeline, Stage};

#[derive(clap::Args)]
pub struct Args {
    /// The configuration, in YAML; without it, the defaults
    #[arg(short, long, env = "TAILWATER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

pub fn run(args: &Args) -> i32 {
    run_stages(args, &Stage::ALL)
}

/// Runs these stages until a signal or a failure; the exit code.
pub fn run_stages(args: &Args, stages: &[Stage]) -> i32 {
    let config = match Config::read(args.config.as_deref()) {
        Ok(config) => config,
        Err(report) => {
            eprintln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    if let Err(problem) = config.log.start() {
        eprintln!("error: {problem}");
        return exit::INVALID_CONFIGURATION;
    }
    match serve(&config, stages) {
        Ok(()) => exit::CLEAN,
        Err(error) => {
            eprintln!("error: {error:#}");
            exit::FAILED
        }
    }
}

fn serve(config: &Config, stages: &[Stage]) -> anyhow::Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = tokio.block_on(async {
        let stop = stop_on_signals()?;
        match Pipeline::start(config, stages, &stop).await? {
            Some(pipeline) => {
                eprintln!("{}", pipeline.summary);
                pipeline.run(stop.requested()).await
            }
            None => Ok(()),
        }
    });
    // A stage that missed the deadline may still hold a thread: don't wait for it.
    tokio.shutdown_background();
    outcome
}
