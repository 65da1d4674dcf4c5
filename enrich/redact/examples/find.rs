//! Finds personal data and secrets in text, to see what the detectors make of a corpus.
//!
//! `cargo run --release -p tailwater-redact --example find [pack,…] < text`: prints the number of the line, the place in bytes, the detector
//! and what it found, with tabs between; then the counts by detector.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::BufRead;

use redact::pii::{AskedPii, Pack, Pii};

fn main() {
    let names = std::env::args().nth(1);
    let wanted = |pack: &Pack| {
        names
            .as_ref()
            .is_none_or(|names| names.split(',').any(|name| name == pack.name()))
    };
    let packs = Pack::ALL.into_iter().filter(wanted).collect();
    let pii = Pii::compile(&AskedPii {
        packs,
        ..AskedPii::default()
    })
    .unwrap();
    let mut counts = BTreeMap::<String, u64>::new();
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = line.unwrap();
        for finding in pii.find(b"", &line) {
            let place = finding.place;
            let found = String::from_utf8_lossy(&line[place.clone()]);
            println!(
                "{}\t{}\t{}\t{}\t{found}",
                number + 1,
                place.start,
                place.end,
                finding.detector
            );
            *counts.entry(finding.detector.to_owned()).or_default() += 1;
        }
    }
    for (detector, count) in counts {
        eprintln!("{count:8} {detector}");
    }
}
