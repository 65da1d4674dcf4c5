//! The rows of the side-by-side table.

use anyhow::Result;
use clap::ValueEnum;
use load::Protocol;
use serde_json::{Value, json};

use crate::measure::{Bench, Cut, Figures};
use crate::peers::{Peer, Work, policies};
use crate::table::{Report, RowResult};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Row {
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    I,
    J,
}

impl Row {
    pub fn letter(self) -> char {
        ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'i', 'j'][self as usize]
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::A => "OTLP/gRPC → Kafka by trace",
            Self::B => "OTLP/HTTP protobuf → Kafka by trace",
            Self::C => "Kafka → tail sampling, 3 policies → Kafka",
            Self::D => "Kafka → tail sampling, 20 policies → Kafka",
            Self::E => "Kafka → delete, hash, 3 patterns → Kafka",
            Self::F => "Kafka → OTLP/gRPC",
            Self::G => "OTLP/gRPC → sampling → redaction → OTLP/gRPC, one process",
            Self::I => "Kafka → transform, 10 statements → Kafka",
            Self::J => "Kafka → filter, 5 conditions → Kafka",
        }
    }

    /// The Collector's CPU time over Tailwater's that is to be reached.
    pub fn wanted(self) -> f64 {
        match self {
            Self::A | Self::B => 12.0,
            Self::C => 25.0,
            Self::D | Self::E | Self::F => 15.0,
            Self::G | Self::I | Self::J => 10.0,
        }
    }

    fn work(self) -> Work {
        match self {
            Self::A | Self::B => Work::Ingest,
            Self::C | Self::D => Work::Sample,
            Self::E => Work::Redact,
            Self::F => Work::Export,
            Self::G => Work::Everything,
            Self::I => Work::Transform,
            Self::J => Work::Filter,
        }
    }

    fn policies(self) -> Value {
        match self {
            Self::C | Self::G => policies::three(),
            Self::D => policies::twenty(),
            _ => json!([{"name": "all", "type": "always_sample"}]),
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            Self::B => Protocol::HttpProtobuf,
            _ => Protocol::Grpc,
        }
    }
}

pub fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    for row in &bench.options.rows {
        let mut figures: Vec<Figures> = Vec::new();
        for (peer, cut) in order(&bench.peers, bench.options.runs, row.work()) {
            let job = bench.job(row.work(), row.policies());
            let run = bench.run(peer, &job, row.protocol(), cut)?;
            eprintln!(
                "({}) {}: {:.2} CPU-s a million spans, {:.0} spans/s, {} MB, {} spans out, {} lost, {} doubled",
                row.letter(),
                run.peer,
                run.cpu_seconds_per_million,
                run.spans_per_second,
                run.resident_peak_bytes >> 20,
                run.spans_out,
                run.lost,
                run.doubled,
            );
            figures.push(run);
        }
        report.add_row(RowResult::of(*row, figures));
        report.write(&bench.options)?;
    }
    Ok(())
}

/// A-B-B-A for two runs each, A-B for one. Where topics are read, the Collector has a run on records as its own exporter writes them, too.
fn order(peers: &[Peer], runs: usize, work: Work) -> Vec<(Peer, Cut)> {
    let mut order = Vec::new();
    for run in 0..runs {
        match run % 2 {
            0 => order.extend(peers.iter().map(|peer| (*peer, Cut::Packed))),
            _ => order.extend(peers.iter().rev().map(|peer| (*peer, Cut::Packed))),
        }
    }
    if peers.contains(&Peer::Collector) && !work.takes_otlp() {
        order.push((Peer::Collector, Cut::ByTrace));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_alternate() {
        let (a, b) = (Peer::Tailwater, Peer::Collector);
        let systems = |peers: &[Peer], runs| -> Vec<_> {
            let order = order(peers, runs, Work::Ingest);
            order.into_iter().map(|(peer, _)| peer).collect()
        };
        assert_eq!(systems(&[a, b], 1), [a, b]);
        assert_eq!(systems(&[a, b], 2), [a, b, b, a]);
        assert_eq!(systems(&[a], 2), [a, a]);
    }
}
