//! `tailwater pii-report`: where personal data and secrets are in what is stored, and which detectors to switch on.
//!
//! Reads the bus outside of any group, looks at a part of it with detectors that only find, and prints where they found something. No whole value is ever
//! printed. It writes nothing.

mod example;
mod json;
mod judge;
mod paths;
mod report;
mod rows;
mod sample;
mod suggest;
mod survey;
mod table;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::ValueEnum;
use redact::pii::Pack;
use runtime::exit;
use schemas::{Signal, Topics};

use crate::config::Config;
use crate::stage::Stage;
use crate::stored::{self, Source};
use judge::Judge;
use report::Report;
use rows::Rows;
use sample::Sample;
use survey::Survey;

/// The bus can't be read.
const FAILED: i32 = 4;

#[derive(clap::Args)]
#[command(
    after_help = "Reads the bus outside of any group and writes nothing. An embedded bus belongs to one process at a time: stop the pipeline meanwhile.\n\n\
        Exit codes: 0 done, whether or not something was found · 2 wrong usage · 3 wrong configuration · 4 the bus can't be read"
)]
pub struct Args {
    /// The configuration that says where the bus is; without it, the defaults
    #[arg(short, long, env = "TAILWATER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What came within this time, e.g. 2h or 7d
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = stored::age)]
    since: Duration,
    /// The share of traces, and of records of logs and metrics, that is looked at: `1%`, `100%`
    #[arg(long, value_name = "SHARE", default_value = "1%")]
    sample: Sample,
    /// Where to look
    #[arg(long, value_enum, default_value = "enrich")]
    topics: From,
    /// Only these signals
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SIGNAL")]
    signals: Vec<SignalName>,
    /// Only these packs of detectors
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PACK")]
    packs: Vec<PackName>,
    /// How to print it
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// The most rows that are kept; what is found in further places is counted together
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    rows_max: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum From {
    /// What enrich reads: kept traces, and all logs and metrics as they came
    Enrich,
    /// All that came in, traces that were dropped included
    Raw,
    /// What enrich let through, to see that nothing is left
    Clean,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SignalName {
    Traces,
    Logs,
    Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PackName {
    Secrets,
    Pci,
    Gdpr,
    Hipaa,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    /// One document; docs/reference/pii-report.md describes it
    Json,
}

pub fn run(args: &Args) -> i32 {
    let config = match Config::read_for(args.config.as_deref(), &[Stage::Enrich]) {
        Ok(config) => config,
        Err(report) => {
            errln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    match report(&config, args) {
        Ok(report) => {
            match args.format {
                Format::Table => table::print(&report),
                Format::Json => outln!("{}", json::document(&report)),
            }
            exit::CLEAN
        }
        Err(error) => {
            errln!("error: {error:#}");
            FAILED
        }
    }
}

fn report(config: &Config, args: &Args) -> anyhow::Result<Report> {
    let judge = Judge::new(&config.raw.enrich.pii, &config.enrich, &packs(&args.packs))?;
    let topics = Topics::new(&config.bus.prefix);
    let signals = signals(&args.signals);
    let sources = match args.topics {
        From::Enrich => Source::before_enrich(&topics, &signals),
        From::Raw => Source::raw(&topics, &signals),
        From::Clean => Source::clean(&topics, &signals),
    };
    let bus = stored::open(config)?;
    let from_ms = stored::since_ms(args.since);
    let mut rows = Rows::new(args.rows_max);
    let reading = stored::read(&*bus, &sources, Some(from_ms), |signal, record| {
        let mut survey = Survey::new(&judge, args.sample, signal, record, &mut rows);
        survey.record();
        ControlFlow::Continue(())
    })?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(Report {
        from_ms,
        to_ms: now.unwrap_or_default().as_millis() as u64,
        sample: args.sample,
        sources,
        reading,
        suggestion: suggest::section(&rows, &judge),
        rows,
        judge,
    })
}

fn packs(given: &[PackName]) -> Vec<Pack> {
    let all = Pack::ALL.into_iter();
    let wanted = |pack: &Pack| {
        let is_it = |given: &PackName| match given {
            PackName::Secrets => *pack == Pack::Secrets,
            PackName::Pci => *pack == Pack::Pci,
            PackName::Gdpr => *pack == Pack::Gdpr,
            PackName::Hipaa => *pack == Pack::Hipaa,
        };
        given.is_empty() || given.iter().any(is_it)
    };
    all.filter(wanted).collect()
}

fn signals(given: &[SignalName]) -> Vec<Signal> {
    let wanted = |signal: &Signal| {
        let is_it = |given: &SignalName| match given {
            SignalName::Traces => *signal == Signal::Traces,
            SignalName::Logs => *signal == Signal::Logs,
            SignalName::Metrics => *signal == Signal::Metrics,
        };
        given.is_empty() || given.iter().any(is_it)
    };
    Signal::ALL.into_iter().filter(wanted).collect()
}
