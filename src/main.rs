//! The command line of Tailwater: one file a subcommand, each a few lines that call a stage.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

#[macro_use]
mod printing;

mod admin_client;
mod allocator;
mod check;
mod completions;
mod config;
mod dead_letters;
mod demo;
mod enrich;
mod export;
mod find;
mod import;
mod ingest;
mod load;
#[cfg(test)]
mod metric_names_tests;
mod pii_report;
mod pipeline;
mod plan;
mod ready;
#[cfg(test)]
mod reference;
mod rehearsal;
mod run;
mod sample;
mod schema;
mod stage;
mod stored;
mod topics;
mod watch_stage;
mod why;

use clap::{CommandFactory, Parser, Subcommand};

/// A telemetry pipeline on a message bus: OTLP in, traces decided whole, kept traces out.
#[derive(Parser)]
#[command(name = "tailwater", version, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 ended as asked · 1 a stage failed · 2 wrong usage · 3 wrong configuration · 130 second signal"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run all stages in this process; without a configuration, on an embedded bus in ./tailwater-data
    Run(run::Args),
    /// Run the ingest stage alone: OTLP onto the bus
    Ingest(run::Args),
    /// Run the sampler stage alone: traces decided whole
    Sample(run::Args),
    /// Run the enrich stage alone: redaction and transformation of what was kept
    Enrich(run::Args),
    /// Run the export stage alone: what was kept, to its backends
    Export(run::Args),
    /// Watch Kubernetes clusters, so that telemetry can be given what they know of its pods
    Watch(run::Args),
    /// See the main job in half a minute: simulated traffic, real sockets, an embedded bus
    Demo(demo::Args),
    /// Send or write seeded traffic of a small shop
    Load(load::Args),
    /// Check a configuration, run the tests in it, and say what would run
    Check(check::Args),
    /// Translate the configuration of a Collector or of Refinery
    Import(import::Args),
    /// Explain why a trace was kept or dropped
    Why(why::Args),
    /// List, show, deliver or purge what stages gave up
    DeadLetters(dead_letters::Args),
    /// Say where personal data and secrets are in what is stored, and which detectors to switch on
    PiiReport(pii_report::Args),
    /// List the traces and records that hold a hash of somebody's data, for requests to erase it
    Find(find::Args),
    /// Ask a running process whether it is ready: for health checks
    Ready(ready::Args),
    /// Estimate what a load takes: brokers, partitions, processes, memory
    Plan(plan::Args),
    /// Print the topics and rights that a configuration wants of Kafka
    Topics(topics::Args),
    /// Print the JSON schema of the configuration
    Schema,
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print the manual page
    Man,
}

fn main() {
    runtime::memory::no_huge_pages();
    // Where it is refused and files run out, the warning then says so.
    let _ = runtime::files::allow_most_open_files();
    runtime::keep_from_others();
    runtime::abort_on_panic();
    let command = Cli::parse().command;
    if matches!(
        command,
        Command::Ingest(_) | Command::Enrich(_) | Command::Export(_)
    ) {
        runtime::memory::keep_until_trimmed();
    }
    let code = match command {
        Command::Run(args) => run::run(&args),
        Command::Ingest(args) => ingest::run(&args),
        Command::Sample(args) => sample::run(&args),
        Command::Enrich(args) => enrich::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Watch(args) => watch_stage::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Load(args) => load::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Why(args) => why::run(&args),
        Command::DeadLetters(args) => dead_letters::run(&args),
        Command::PiiReport(args) => pii_report::run(&args),
        Command::Find(args) => find::run(&args),
        Command::Ready(args) => ready::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Topics(args) => topics::run(&args),
        Command::Schema => schema::run(),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man => completions::man(Cli::command()),
    };
    std::process::exit(code);
}
