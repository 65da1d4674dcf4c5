//! Tailwater and the OpenTelemetry Collector side by side: the same corpus, the same broker, the same output, what each of them needs for it.
//!
//! `tests/bench/run --help`. Runs of a row alternate A-B-B-A, so that what drifts on the machine meets both alike. CPU time and
//! memory are the kernel's account of the process measured; what the broker, the sender and the sink use is nobody's.
//! It doesn't judge: what was lost or differs is printed beside the figures, and whoever reads them decides.

// A run that can't be set up has failed: there is nothing else to do with an error here.
#![allow(clippy::unwrap_used)]

mod account;
mod conditions;
mod corpus;
mod delivery;
mod edges;
mod execute;
mod growth;
mod kafka;
mod latency;
mod measure;
mod memory;
mod options;
mod packed;
mod peers;
mod rows;
mod spans;
mod steps;
mod table;
mod watch;

use clap::Parser;
use options::{Options, Section};

fn main() -> anyhow::Result<()> {
    let options = Options::parse().settled();
    let bench = measure::Bench::prepare(options)?;
    let mut report = table::Report::new(conditions::of(&bench));
    report.print_conditions();
    for section in &bench.options.sections {
        match section {
            Section::Rows => rows::run(&bench, &mut report)?,
            Section::Memory => memory::run(&bench, &mut report)?,
            Section::Growth => growth::run(&bench, &mut report)?,
            Section::Delivery => delivery::run(&bench, &mut report)?,
            Section::Edges => edges::run(&bench, &mut report)?,
            Section::Latency => latency::run(&bench, &mut report)?,
        }
        // What was measured is worth keeping, whatever comes next.
        report.write(&bench.options)?;
    }
    report.print();
    Ok(())
}
