//! `tailwater run`: all stages in one process. The commands that run one stage call the same function.

use std::path::PathBuf;

use runtime::logging::{self, LogConfig};
use runtime::{exit, stop_on_signals};

use crate::allocator;
use crate::config::Config;
use crate::pipeline::Pipeline;
use crate::stage::Stage;

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
    let config = match Config::read_for(args.config.as_deref(), stages) {
        Ok(config) => config,
        Err(report) => {
            let file = args.config.as_deref();
            let text = file
                .and_then(|file| std::fs::read(file).ok())
                .unwrap_or_default();
            // Logged as the file asks for, as far as it can be read; a variable's problem is told by the next start.
            let _ = LogConfig::of_broken(&String::from_utf8_lossy(&text)).start();
            logging::fail(&report.to_string());
            return exit::INVALID_CONFIGURATION;
        }
    };
    if let Err(problem) = config.log.start() {
        logging::fail(&problem);
        return exit::INVALID_CONFIGURATION;
    }
    config.log_warnings();
    match serve(config, stages) {
        Ok(()) => exit::CLEAN,
        Err(error) => {
            logging::fail(&format!("{error:#}"));
            exit::FAILED
        }
    }
}

fn serve(config: Config, stages: &[Stage]) -> anyhow::Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = tokio.block_on(async {
        let stop = stop_on_signals()?;
        let pipeline = Pipeline::start(&config, stages, &stop).await?;
        // The stages have their parts of it; the whole is large where there are many tenants.
        drop(config);
        allocator::give_back();
        match pipeline {
            Some(pipeline) => {
                pipeline.summary.print();
                pipeline.run(stop.requested()).await
            }
            None => Ok(()),
        }
    });
    // A stage that missed the deadline may still hold a thread: don't wait for it.
    tokio.shutdown_background();
    outcome
}
