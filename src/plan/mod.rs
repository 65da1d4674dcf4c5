//! `tailwater plan`: what a load takes of Kafka, processes and memory. An estimate from measurements, to begin with; it asks nobody.

mod coefficients;
mod estimate;

use std::time::Duration;

use runtime::exit;

use estimate::{Load, Plan};

#[derive(clap::Args)]
pub struct Args {
    /// Spans per second at the peak: 500000, 500k/s, 10M/s
    #[arg(long, value_name = "SPANS/S", value_parser = parse_rate)]
    spans: f64,
    /// Bytes of a span as OTLP protobuf
    #[arg(long, value_name = "BYTES", default_value_t = 422.0, value_parser = parse_positive)]
    span_bytes: f64,
    #[arg(long, value_name = "N", default_value_t = 25.0, value_parser = parse_positive)]
    spans_per_trace: f64,
    /// The share of spans that is kept: 10% or 0.1
    #[arg(long, value_name = "SHARE", default_value = "10%", value_parser = parse_share)]
    kept: f64,
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    decision_wait: Duration,
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
    decision_cache_ttl: Duration,
    /// How long topics keep records
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = humantime::parse_duration)]
    retention: Duration,
    /// Backends that get everything that is kept
    #[arg(long, value_name = "N", default_value_t = 1)]
    backends: u64,
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=15))]
    replication: u64,
    /// What one broker writes per second, replicas included, in MB
    #[arg(long, value_name = "MB/S", default_value_t = 150.0, value_parser = parse_positive)]
    broker_writes: f64,
    /// Cores of a process
    #[arg(long, value_name = "N", default_value_t = 4.0, value_parser = parse_positive)]
    cores: f64,
    /// sampler.memory_limit of a process, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512.0, value_parser = parse_positive)]
    memory_limit: f64,
}

pub fn run(args: &Args) -> i32 {
    out!("{}", printed(args));
    exit::CLEAN
}

fn printed(args: &Args) -> String {
    let load = Load {
        spans_per_s: args.spans,
        span_bytes: args.span_bytes,
        spans_per_trace: args.spans_per_trace,
        kept: args.kept,
        decision_wait: args.decision_wait,
        decision_cache_ttl: args.decision_cache_ttl,
        retention: args.retention,
        backends: args.backends,
        replication: args.replication,
        broker_bytes_per_s: args.broker_writes * 1e6,
        cores_per_process: args.cores,
        record_cache_bytes: args.memory_limit * f64::from(1 << 20),
    };
    text(&load, &estimate::plan(&load))
}

/// As printed.
fn text(load: &Load, plan: &Plan) -> String {
    let mut lines = vec![
        format!(
            "{} spans/s of {:.0} bytes, {:.0} in a trace, {:.1} % kept",
            count(load.spans_per_s),
            load.span_bytes,
            load.spans_per_trace,
            load.kept * 100.0
        ),
        format!(
            "  network      {}/s in from clients, as OTLP; {}/s to Kafka, compressed",
            bytes(plan.in_bytes_per_s),
            bytes(plan.raw_bytes_per_s)
        ),
        format!(
            "  kafka        {} partitions, {} brokers that write {}/s each, replication {}",
            plan.partitions,
            plan.brokers,
            bytes(load.broker_bytes_per_s),
            load.replication
        ),
        format!(
            "               {} of raw spans for {}, {} of kept ones",
            bytes(plan.raw_retained_bytes),
            runtime::config::Duration(load.retention),
            bytes(plan.kept_retained_bytes)
        ),
    ];
    for stage in &plan.stages {
        let (least, most) = stage.cores;
        let busy = match least < most {
            true => format!("{} to {}", cores(least), cores(most)),
            false => cores(most),
        };
        lines.push(format!(
            "  {:<12} {} processes of {} cores, {busy} of them busy",
            stage.name, stage.processes, load.cores_per_process
        ));
    }
    lines.push(format!(
        "  memory       {} open traces: {} of window, {} resident",
        count(plan.open_traces),
        bytes(plan.open_bytes),
        bytes(plan.open_bytes_resident)
    ));
    lines.push(format!(
        "               {} remembered verdicts: {}",
        count(plan.verdicts),
        bytes(plan.verdict_bytes)
    ));
    lines.push(format!(
        "               {} for each sampler process",
        bytes(plan.sampler_process_bytes)
    ));
    lines.extend(plan.hints.iter().map(|hint| format!("note: {hint}")));
    lines.push("From docs/explanation/performance.md, measured with spans of 422 bytes on one machine, at 60 % of the cores. Measure your own: docs/how-to/size.md".to_owned());
    lines.join("\n") + "\n"
}

fn cores(number: f64) -> String {
    let digits = if number < 1.0 { 2 } else { 1 };
    format!("{number:.digits$}")
}

fn count(number: f64) -> String {
    scaled(number, &["", "k", " million", " billion"])
}

fn bytes(number: f64) -> String {
    scaled(number, &[" B", " kB", " MB", " GB", " TB", " PB"])
}

fn scaled(mut number: f64, units: &[&str]) -> String {
    let mut units = units.iter();
    let mut unit = units.next();
    while number >= 1000.0
        && let Some(next) = units.next()
    {
        number /= 1000.0;
        unit = Some(next);
    }
    let digits = usize::from(number < 100.0 && number.fract() > 0.05);
    format!("{number:.digits$}{}", unit.unwrap_or(&""))
}

fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("is not a number above 0".to_owned()),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches("/s").trim_end();
    let (number, factor) = match number.chars().last() {
        Some('k' | 'K') => (&number[..number.len() - 1], 1e3),
        Some('M') => (&number[..number.len() - 1], 1e6),
        Some('G') => (&number[..number.len() - 1], 1e9),
        _ => (number, 1.0),
    };
    match parse_positive(number.trim_end()) {
        Ok(number) => Ok(number * factor),
        Err(_) => Err("is not a rate; write 500000, 500k/s or 10M/s".to_owned()),
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    let (number, whole) = match text.trim().strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if (0.0..=whole).contains(&number) => Ok(number / whole),
        _ => Err("is not a share; write 10% or 0.1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{Cli, Command};

    #[test]
    fn rates_and_shares_are_read_as_people_write_them() {
        let rates = [
            ("10M/s", 10e6),
            ("500k", 5e5),
            ("1.5 M/s", 1.5e6),
            ("1000", 1e3),
        ];
        for (text, expected) in rates {
            assert_eq!(parse_rate(text), Ok(expected), "{text}");
        }
        for text in ["", "M/s", "-1", "0", "10X", "inf"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
        let shares = [("10%", 0.1), ("0.25", 0.25), ("100 %", 1.0), ("0", 0.0)];
        for (text, expected) in shares {
            assert_eq!(parse_share(text), Ok(expected), "{text}");
        }
        for text in ["", "101%", "10", "-1%", "%"] {
            assert!(parse_share(text).is_err(), "{text}");
        }
    }

    /// The example of the docs, as it is printed.
    #[test]
    fn the_documented_example_is_what_is_printed() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/how-to/size.md");
        let page = std::fs::read_to_string(page).expect("a page");
        let (_, example) = page
            .split_once("    $ tailwater plan ")
            .expect("an example");
        let example = example.lines().take_while(|line| !line.is_empty());
        let mut lines = example.map(|line| line.strip_prefix("    ").unwrap_or(line));
        let words = lines.next().expect("options").split_whitespace();
        let cli = Cli::try_parse_from(["tailwater", "plan"].into_iter().chain(words));
        let Ok(Command::Plan(args)) = cli.map(|cli| cli.command) else {
            panic!("the example is no `tailwater plan`");
        };
        let documented: String = lines.map(|line| format!("{line}\n")).collect();
        assert_eq!(documented, printed(&args));
    }

    #[test]
    fn figures_are_short() {
        let texts = [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1.14e9, "1.1 GB"),
            (12.3e12, "12.3 TB"),
            (150e6, "150 MB"),
        ];
        for (number, expected) in texts {
            assert_eq!(bytes(number), expected);
        }
        assert_eq!(count(12e6), "12 million");
    }
}
