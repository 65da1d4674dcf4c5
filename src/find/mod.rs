//! `tailwater find`: which stored telemetry holds a hash of somebody's data, for requests to erase it.
//!
//! Redaction writes `k1:0123456789abcdef` for an e-mail address or an account number. Who knows the value and the key can name the hash, and so the traces and
//! records that hold it, which is what backends ask for when something is to be deleted. Reads outside of any group and writes nothing.

mod hits;
mod needles;

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use runtime::exit;
use schemas::{Signal, Topics};

use crate::config::Config;
use crate::stage::Stage;
use crate::stored::{self, Source, time};
use hits::{Hit, hits};
use needles::{Needles, Values};

/// Nothing holds any of the hashes.
const NOT_FOUND: i32 = 1;
/// The bus can't be read.
const FAILED: i32 = 4;
/// Traces that are told once; a trace beyond may be told twice.
const TRACES_MAX: usize = 1_000_000;

#[derive(clap::Args)]
#[command(
    after_help = "Looks at traces, logs and metrics that enrich let through, and at kept traces before it. Reads the bus outside of any group and writes nothing.\n\
        Values are never taken from the command line: there they would be in the shell's history and in the list of processes.\n\n\
        Exit codes: 0 found · 1 not found · 2 wrong usage · 3 wrong configuration · 4 the bus can't be read"
)]
pub struct Args {
    /// A hash as it stands in telemetry, such as k1:0123456789abcdef; may be given several times
    #[arg(long, value_name = "HASH")]
    hmac: Vec<String>,
    /// Read values from standard input, one a line, and look for their hashes under every key of enrich.pii.keys
    #[arg(long)]
    value: bool,
    /// The same from a file
    #[arg(long, value_name = "FILE", conflicts_with = "value")]
    value_file: Option<PathBuf>,
    /// The configuration that says where the bus is and has the keys; without it, the defaults
    #[arg(short, long, env = "TAILWATER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only what came within this time, e.g. 2h or 7d; without it, all that is stored
    #[arg(long, value_name = "AGE", value_parser = stored::age)]
    since: Option<Duration>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> i32 {
    if args.hmac.is_empty() && !args.value && args.value_file.is_none() {
        errln!("error: say what to look for: --hmac, --value or --value-file");
        return exit::USAGE;
    }
    let config = match Config::read_for(args.config.as_deref(), &[Stage::Enrich]) {
        Ok(config) => config,
        Err(report) => {
            errln!("{report}");
            return exit::INVALID_CONFIGURATION;
        }
    };
    let asked = config.raw.enrich.pii.asked();
    let keys = asked.map(|asked| asked.keys).unwrap_or_default();
    let values = match &args.value_file {
        Some(path) => Some(Values::File(path)),
        None => args.value.then_some(Values::StandardInput),
    };
    let needles = match needles::gather(&args.hmac, values, &keys) {
        Ok(needles) => needles,
        Err(error) => {
            errln!("error: {error:#}");
            return exit::USAGE;
        }
    };
    match find(&config, args, &needles) {
        Ok(0) => {
            errln!("nothing that is stored holds any of them");
            NOT_FOUND
        }
        Ok(_) => exit::CLEAN,
        Err(error) => {
            errln!("error: {error:#}");
            FAILED
        }
    }
}

/// Prints what is found, as it is found; returns how much.
fn find(config: &Config, args: &Args, needles: &Needles) -> anyhow::Result<u64> {
    let topics = Topics::new(&config.bus.prefix);
    let mut sources = Source::clean(&topics, &Signal::ALL);
    sources.extend(Source::before_enrich(&topics, &[Signal::Traces]));
    let bus = stored::open(config)?;
    let (mut found, mut told) = (0, HashSet::new());
    let from_ms = args.since.map(stored::since_ms);
    let reading = stored::read(&*bus, &sources, from_ms, |signal, record| {
        for hit in hits(signal, record, needles) {
            // Of a trace its id is all that a backend asks for; where it lies says nothing more.
            if let (Signal::Traces, Some(id)) = (signal, hit.trace_id) {
                if told.contains(&(id, hit.needle)) {
                    continue;
                }
                if told.len() < TRACES_MAX {
                    told.insert((id, hit.needle));
                }
            }
            found += 1;
            print(&hit, needles, args.json);
        }
        ControlFlow::Continue(())
    })
    .context("what was printed is not all")?;
    errln!(
        "{found} found, in {} records with {} MiB of {} topics",
        reading.records,
        reading.bytes >> 20,
        sources.len()
    );
    Ok(found)
}

fn print(hit: &Hit<'_>, needles: &Needles, json: bool) {
    let hash = needles.hash(hit.needle);
    let trace = hit.trace_id.map(const_hex::encode);
    let record = hit.record;
    if json {
        let line = serde_json::json!({
            "hash": hash,
            "signal": hit.signal.name(),
            "trace_id": trace,
            "topic": &*record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "time": time(record.timestamp_ms),
        });
        outln!("{line}");
        return;
    }
    match (hit.signal, trace) {
        (Signal::Traces, Some(trace)) => outln!("{hash}  trace {trace}"),
        (signal, trace) => outln!(
            "{hash}  {} {} partition {} offset {}  {}{}",
            signal.name(),
            record.topic,
            record.partition,
            record.offset,
            time(record.timestamp_ms),
            trace.map_or_else(String::new, |trace| format!("  trace {trace}"))
        ),
    }
}
