//! Data points that can't be sent, by why.

use std::fmt::Write;

use crate::temporality;

/// Why a data point can't be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Delta,
    Temporality,
    Time,
    Value,
    Sum,
    Scale,
    Name,
    Malformed,
    Streams,
    Late,
}

impl From<temporality::Why> for Why {
    fn from(why: temporality::Why) -> Self {
        match why {
            temporality::Why::Streams => Self::Streams,
            temporality::Why::Malformed | temporality::Why::Buckets => Self::Malformed,
            _ => Self::Late,
        }
    }
}

const REASONS: [(Why, &str); 10] = [
    (
        Why::Delta,
        "of delta temporality, see the key `delta` of the backend",
    ),
    (Why::Temporality, "without a temporality"),
    (Why::Time, "without a time"),
    (Why::Value, "without a value"),
    (Why::Sum, "of native histograms without a sum"),
    (
        Why::Scale,
        "of exponential histograms with a scale below -4",
    ),
    (
        Why::Name,
        "with a name, or the name of an attribute, that nothing is left of",
    ),
    (
        Why::Malformed,
        "of histograms whose buckets contradict each other",
    ),
    (Why::Streams, "of delta streams beyond `max_streams`"),
    (Why::Late, "of delta streams that are older than the last"),
];

/// How many data points can't be sent, by why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; REASONS.len()]);

impl Dropped {
    pub fn count(&mut self, why: Why) {
        self.0[why as usize] += 1;
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        for (why, reason) in REASONS {
            let count = self.0[why as usize];
            if count > 0 {
                let comma = if text.is_empty() { "" } else { ", " };
                write!(text, "{comma}{count} {reason}")?;
            }
        }
        write!(f, "data points that can't be sent: {text}")
    }
}
