//! Which part of the telemetry is looked at: the same at each reading.

use std::fmt;
use std::str::FromStr;

use bus::Fetched;
use schemas::{Signal, partition_of};

use crate::stored::trace_id;

/// No partition count shares a factor with it, so that a sample is no choice of partitions.
const PARTS: u32 = 1_000_003;

/// A share of all traces. What belongs to no trace is taken by the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample(f64);

impl Sample {
    /// Between 0 and 1.
    pub fn share(self) -> f64 {
        self.0
    }

    fn takes(self, key: &[u8]) -> bool {
        f64::from(partition_of(key, PARTS)) < self.0 * f64::from(PARTS)
    }

    /// Whether a record is looked at for its items without a trace.
    pub fn takes_record(self, record: &Fetched) -> bool {
        let at = [
            record.topic.as_bytes(),
            &record.partition.to_be_bytes(),
            &record.offset.to_be_bytes(),
        ];
        self.takes(&at.concat())
    }

    /// Whether an item is looked at; `record_taken` decides where it belongs to no trace.
    pub fn takes_item(self, signal: Signal, body: &[u8], record_taken: bool) -> bool {
        match trace_id(signal, body) {
            Some(id) => self.takes(id),
            None => record_taken,
        }
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').and_then(|text| text.parse().ok());
        let share = percent.map(|percent: f64| percent / 100.0);
        match share {
            Some(share) if share > 0.0 && share <= 1.0 => Ok(Self(share)),
            _ => Err("a share is a percentage above 0 and up to 100: `1%`, `0.1%`, `100%`".into()),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0 * 100.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!("1%".parse(), Ok(Sample(0.01)));
        assert_eq!("100%".parse(), Ok(Sample(1.0)));
        for text in ["", "1", "0%", "101%", "-1%", "NaN%", "a%"] {
            assert!(text.parse::<Sample>().is_err(), "{text}");
        }
    }

    /// About as many as asked for, always the same, a larger share holding the smaller one.
    #[test]
    fn a_share_of_traces_is_taken() {
        let takes = |sample: &str, trace: u32| {
            let mut id = [7; 16];
            id[..4].copy_from_slice(&trace.to_be_bytes());
            let sample: Sample = sample.parse().unwrap();
            sample.takes(&id)
        };
        let count = |sample| (0..10_000).filter(|trace| takes(sample, *trace)).count();
        assert!((70..130).contains(&count("1%")), "{}", count("1%"));
        assert!((4800..5200).contains(&count("50%")));
        assert_eq!(count("100%"), 10_000);
        assert!((0..10_000).all(|trace| !takes("1%", trace) || takes("2%", trace)));
    }
}
